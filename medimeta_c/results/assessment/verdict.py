"""The verdict: what may be said of a model, each sentence bound to the numbers that allow it.

What it knows, what it loses and to what, how sure that is, how it compares with the baseline in what it loses
(`judgement`), and its errors under corruption, which mCE measures.
"""

from __future__ import annotations

from dataclasses import dataclass

from medimeta_c.format.display import display_name
from medimeta_c.results.assessment.judgement import CASES
from medimeta_c.results.assessment.loss import Assessment
from medimeta_c.results.assessment.phrases import at_chance, points, side, turned, within
from medimeta_c.results.cells import interval_text, percent

__all__ = ["Verdict", "verdict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a result says, in sentences.

    Parameters
    ----------
    judgement : str
        How the model compares with the baseline in what it loses to corruption.
    knows : str
        Its clean accuracy beside chance.
    loses : str
        What corruption costs it, and which corruption most.
    sure : str
        How many images that rests on, and how its confidence fits its accuracy.
    errors : str
        Its errors under corruption beside the baseline's; empty without a baseline.
    case : str
        Name of the `Case` of the judgement.
    """

    judgement: str
    knows: str
    loses: str
    sure: str
    errors: str
    case: str

    @property
    def sentences(self) -> tuple[str, ...]:
        """All of it, in the order of reading."""
        return tuple(filter(None, (self.judgement, self.knows, self.loses, self.errors, self.sure)))


def verdict(assessment: Assessment) -> Verdict:
    """Return what a result says; the first case of `CASES` that holds is its judgement."""
    case = next(case for case in CASES if case.holds(assessment))
    return Verdict(
        judgement=case.says(assessment),
        knows=_knows(assessment),
        loses=_loses(assessment),
        sure=_sure(assessment),
        errors=_errors(assessment),
        case=case.name,
    )


def _knows(found: Assessment) -> str:
    own = found.loss.overall
    if own.clean.value is None:
        return f"What it knows is not measured: {own.clean.reason}."
    guess = f"guessing the most frequent class is right on {percent(own.chance)} %"
    means = f", the mean of {len(found.loss.datasets)} datasets" if len(found.loss.datasets) > 1 else ""
    right = f"right on {percent(own.clean.value)} % of clean images {within(own.clean)}{means}"
    always = "".join(f" It calls every image of {name} {shown}." for name, shown in found.always.items())
    if own.chance >= 1:
        return f"It is {right}, but all images are of one class, so that says nothing.{always}"
    if not at_chance(own):
        return f"It is {right}; {guess}.{_datasets_at_chance(found)}{always}"
    if own.beside_chance == -1:
        return f"It does worse than guessing: {right}, where {guess}.{always}"
    return f"It shows no knowledge of these images: {right}, not told apart from chance; {guess}.{always}"


def _datasets_at_chance(found: Assessment) -> str:
    names = [name for name, one in found.loss.datasets.items() if at_chance(one)]
    if not names:
        return ""
    return f" On {', '.join(names)} it is not above chance."


def _loses(found: Assessment) -> str:
    own = found.loss.overall
    lost = own.lost.points
    if lost.value is None:
        return f"What it loses to corruption is not measured: {lost.reason}."
    amount = f"{points(abs(lost.value))} {within(lost) if lost.value >= 0 else turned(lost)}"
    lies = side(lost)
    if at_chance(own):
        return f"It has nothing to lose: under corruption its accuracy moves by {points(0.0 - lost.value)}."
    if lies is None and lost.value == 0:
        return "Corruption changes nothing on these images: 0.0 points are lost."
    if lies == -1:
        return f"It is more accurate under corruption, by {amount}."
    if lies == 0:
        return (
            f"No loss to corruption can be told from none: {points(lost.value)} {within(lost)}.{_most(found)}"
        )
    kept = own.lost.share_kept.value
    share = "" if kept is None else f" and keeps {percent(kept, 0)} % of its accuracy above chance"
    return f"It loses {amount} to corruption{share}.{_most(found)}"


def _most(found: Assessment) -> str:
    """Return which corruption and which severity cost most.

    Where datasets differ in their corruptions, means over datasets do not compare: one dataset is named.
    """
    own = found.loss.overall
    alike = len({frozenset(names) for names in found.saved.result.scope.corruptions.values()}) == 1
    lost = {
        (dataset, corruption): one.points.value
        for dataset, loss in ({"": own} if alike else found.loss.datasets).items()
        for corruption, one in loss.corruptions.items()
        if one.points.value is not None
    }
    severities = {s: one.points.value for s, one in own.severities.items() if one.points.value is not None}
    if not lost or max(lost.values()) <= 0:
        return ""
    dataset, worst = max(lost, key=lambda place: lost[place])
    where = f" on {dataset}" if dataset else ""
    hardest = max(severities, key=lambda severity: (severities[severity], severity))
    told = len(severities) > 1 and severities[hardest] > 0
    level = f", and at severity {hardest} ({points(severities[hardest])})" if told else ""
    return f" It loses most to {display_name(worst)}{where} ({points(lost[dataset, worst])}){level}."


def _errors(found: Assessment) -> str:
    baseline, mce = found.saved.result.baseline, found.saved.result.scores.overall.mce
    if baseline is None:
        return ""
    if lacking := len(found.saved.result.missing) + len(found.saved.result.invalid):
        cells = len(found.saved.result.scope.cells())
        return f"There is no mCE: {lacking} of {cells} cells are missing or invalid."
    if mce.value is None:
        return f"Its errors under corruption cannot be divided by those of {baseline.model}: {mce.reason}."
    if flaw := baseline.flaw(phantoms=bool(found.saved.result.phantoms)):
        return f"Its mCE would mean nothing: {flaw}."
    lies = side(mce, 1.0)
    if lies is None:
        return (
            f"Under corruption it makes {percent(mce.value)} % of the errors of {baseline.model} "
            f"({mce.interval_reason})."
        )
    said = {
        -1: f"it makes fewer errors than {baseline.model}",
        1: f"it makes more errors than {baseline.model}",
        0: f"its errors cannot be told apart in number from those of {baseline.model}",
    }
    return (
        f"Under corruption {said[lies]}: mCE {percent(mce.value)} % {within(mce)}. "
        "That counts what it knows as well as what it loses."
    )


def _sure(found: Assessment) -> str:
    result = found.saved.result
    entries = result.run.benchmark.datasets
    images = sum(entry.images for entry in entries)
    datasets = f"{len(entries)} datasets" if len(entries) > 1 else entries[0].dataset
    level = f"{100 * result.resampling.level:g} %"
    return (
        f"Its numbers rest on {images:,} images of {datasets}, its intervals are {level} ones. "
        f"{found.plan.assumption(result.scope.datasets)}{_confidence(found)}"
    )


def _confidence(found: Assessment) -> str:
    clean, corrupted = found.overconfidence.clean, found.overconfidence.corrupted
    if clean.value is None or corrupted.value is None:
        return ""
    gaps = f"{points(abs(clean.value))} on clean images and {points(abs(corrupted.value))} under corruption"
    sides = side(clean), side(corrupted)
    if sides == (1, 1):
        return f" It is overconfident: its confidence lies above its accuracy by {gaps}."
    if sides == (-1, -1):
        return f" It doubts too much: its confidence lies below its accuracy by {gaps}."
    if sides[1] == 1:
        return (
            " It is overconfident under corruption: its confidence lies above its accuracy by "
            f"{points(corrupted.value)} ({interval_text(corrupted)})."
        )
    return (
        f" Its confidence minus its accuracy is {points(clean.value)} on clean images and "
        f"{points(corrupted.value)} under corruption."
    )
