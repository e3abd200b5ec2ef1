"""Tables and sentences that report a frequency analysis."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from medimeta_c.analysis import ALL_SEVERITIES, Analysis, BandEffect, Effect, FrequencyEffect
from medimeta_c.format.display import display_name
from medimeta_c.io.tables.markdown import markdown
from medimeta_c.io.tables.table import UNDEFINED, Column, Table, texts

__all__ = ["QUESTION", "effect_table", "markdown_report", "sentences"]

QUESTION = "Does it amplify low and suppress high frequencies?"
"""What `sentences` answer."""
_COLUMNS = (
    Column("Corruption", "label"),
    Column("Severity", "text"),
    *(Column(f"{band} share, points") for band in ("Low", "Mid", "High")),
    Column("Low energy, factor"),
    Column("High energy, factor"),
    Column("Low up, high down? By share", "text"),
    Column("By energy", "text"),
)
_ANSWERS = {
    "holds": "yes",
    "reversed": "no, reversed",
    "both rise": "no, both rise",
    "both fall": "no, both fall",
    "unclear": "unclear",
}


def effect_table(analysis: Analysis, dataset: str, *, severities: bool = False) -> Table:
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
    return Table(
        columns=_COLUMNS,
        rows=tuple(
            texts(
                display_name(effect.corruption),
                "mean" if effect.severity == ALL_SEVERITIES else str(effect.severity),
                *(_points(band) for band in effect.bands.values()),
                _with_ends(effect.bands["low"].log2_energy, _factor),
                _with_ends(effect.bands["high"].log2_energy, _factor),
                _ANSWERS[effect.in_shares],
                _ANSWERS[effect.in_energy],
            )
            for effect in analysis.effects
            if effect.dataset == dataset and (severities or effect.severity == ALL_SEVERITIES)
        ),
    )


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
        lines += [markdown(effect_table(analysis, dataset)), ""]
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
    digits = 2 if abs(band.share.value or 0) >= 0.001 else 3
    return _with_ends(band.share, lambda one: f"{100 * one:+.{digits}f}")


def _with_ends(effect: Effect, shown: Callable[[float], str]) -> str:
    """Return a change with the ends of its interval."""
    if effect.value is None:
        return UNDEFINED
    value, *ends = (shown(one) for one in (effect.value, effect.low, effect.high) if one is not None)
    return f"{value} ({' to '.join(ends)})" if ends else value


def _factor(log2: float) -> str:
    """Return two raised to a number, with about three digits.

    Examples
    --------
    >>> _factor(0.0), _factor(-10.0), _factor(10.0)
    ('1.00', '0.00098', '1024')
    """
    factor = 2.0**log2
    digits = ".0f" if factor >= 100 else ".2f" if factor >= 0.1 else ".2g"
    return format(factor, digits)
