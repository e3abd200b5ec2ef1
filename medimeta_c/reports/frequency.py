"""What `medimeta_c.analysis` found, as tables and sentences for people."""

from __future__ import annotations

from collections.abc import Sequence

from medimeta_c.analysis import ALL_SEVERITIES, Analysis, BandEffect, Effect, FrequencyEffect
from medimeta_c.format.display import display_name

__all__ = ["COLUMNS", "QUESTION", "effect_rows", "markdown_report", "sentences"]

COLUMNS = (
    "Corruption",
    "Severity",
    "Low share, points",
    "Mid share, points",
    "High share, points",
    "Low energy, factor",
    "High energy, factor",
    "Low up, high down? By share",
    "By energy",
)
"""Headings of `effect_rows`."""

QUESTION = "Does it amplify low and suppress high frequencies?"
"""What `sentences` answer."""
_NONE = "\N{EN DASH}"
_ANSWERS = {
    "holds": "yes",
    "reversed": "no, reversed",
    "both rise": "no, both rise",
    "both fall": "no, both fall",
    "unclear": "unclear",
}


def effect_rows(analysis: Analysis, dataset: str, *, severities: bool = False) -> list[tuple[str, ...]]:
    """Return a row a corruption: changes with their 95 % intervals, and whether the claim is true.

    Parameters
    ----------
    analysis : Analysis
        What was found.
    dataset : str
        One of its datasets.
    severities : bool
        Also a row for each severity.
    """
    return [
        (
            display_name(effect.corruption),
            "mean" if effect.severity == ALL_SEVERITIES else str(effect.severity),
            *(_points(band) for band in effect.bands.values()),
            _factor(effect.bands["low"].log2_energy),
            _factor(effect.bands["high"].log2_energy),
            _ANSWERS[effect.in_shares],
            _ANSWERS[effect.in_energy],
        )
        for effect in analysis.effects
        if effect.dataset == dataset and (severities or effect.severity == ALL_SEVERITIES)
    ]


def sentences(analysis: Analysis) -> list[str]:
    """Return whether and where each corruption does what is claimed of it, a line a corruption."""
    made = []
    pooled = [effect for effect in analysis.effects if effect.severity == ALL_SEVERITIES]
    for corruption in dict.fromkeys(effect.corruption for effect in pooled):
        own = [effect for effect in pooled if effect.corruption == corruption]
        shares = _verdicts(own, [effect.in_shares for effect in own])
        energy = _verdicts(own, [effect.in_energy for effect in own])
        made.append(f"{display_name(corruption)}: by share {shares}; by energy {energy}")
    return made


def markdown_report(analysis: Analysis) -> str:
    """Return the tables of every dataset and the sentences, as Markdown."""
    lines = []
    for dataset, images in analysis.images.items():
        mark = " (phantoms)" if dataset in analysis.phantoms else ""
        splits = ", ".join(analysis.splits[dataset])
        lines += [f"### {dataset}{mark}", "", f"{images} images ({splits}).", ""]
        lines += [f"| {' | '.join(COLUMNS)} |", "|---|---|" + "---:|" * 5 + "---|---|"]
        lines += [f"| {' | '.join(row)} |" for row in effect_rows(analysis, dataset)]
        lines.append("")
    found = (f"- {sentence}" for sentence in sentences(analysis))
    return "\n".join([*lines, QUESTION, "", *found, ""])


def _verdicts(effects: Sequence[FrequencyEffect], found: Sequence[str]) -> str:
    """Return answers with the datasets they are true of; an answer that all share names none."""
    if len(set(found)) == 1:
        return _ANSWERS[found[0]]
    parts = []
    for answer in dict.fromkeys(found):
        names = [effect.dataset for effect, one in zip(effects, found, strict=True) if one == answer]
        parts.append(f"{_ANSWERS[answer]} ({', '.join(names)})")
    return ", ".join(parts)


def _points(band: BandEffect) -> str:
    """Return a change of share in percentage points."""
    effect = band.share
    if effect.value is None:
        return _NONE
    digits = 2 if abs(effect.value) >= 0.001 else 3
    value, *ends = (
        f"{100 * one:+.{digits}f}" for one in (effect.value, effect.low, effect.high) if one is not None
    )
    return f"{value} ({' to '.join(ends)})" if ends else value


def _factor(effect: Effect) -> str:
    """Return a change of energy as a factor."""
    if effect.value is None:
        return _NONE
    value, *ends = (_short(one) for one in (effect.value, effect.low, effect.high) if one is not None)
    return f"{value} ({' to '.join(ends)})" if ends else value


def _short(log2: float) -> str:
    """Return two raised to a number, with about three digits.

    Examples
    --------
    >>> _short(0.0), _short(-10.0), _short(10.0)
    ('1.00', '0.00098', '1024')
    """
    factor = 2.0**log2
    digits = ".0f" if factor >= 100 else ".2f" if factor >= 0.1 else ".2g"
    return format(factor, digits)
