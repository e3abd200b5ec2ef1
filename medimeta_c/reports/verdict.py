"""The top of a report: one sentence, four numbers, and every reason for caution."""

from __future__ import annotations

from dataclasses import dataclass

from medimeta_c.format.display import display_name
from medimeta_c.format.suites import Suite, suite_of
from medimeta_c.io.tables.table import UNDEFINED, Cell, Column, Table, texts
from medimeta_c.metrics.values import Estimate, mean_number
from medimeta_c.results.cells import interval_text, percent
from medimeta_c.results.result import Result
from medimeta_c.results.words.views import word_text
from medimeta_c.sources import corruptions_for, profile_for

__all__ = ["Headline", "Verdict", "verdict"]

_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """One number at the top of a report.

    Parameters
    ----------
    label : str
        What it is.
    value : str
        The number with its unit, or a dash.
    note : str
        What it is measured against, or why it is missing.
    interval : str
        Its interval, empty where there is none.
    """

    label: str
    value: str
    note: str
    interval: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The top of a report.

    Parameters
    ----------
    sentence : str
        The answer in words.
    headlines : tuple of Headline
        mCE, clean accuracy, average accuracy, worst corruption.
    warnings : tuple of str
        Reasons for caution, the gravest first.
    """

    sentence: str
    headlines: tuple[Headline, ...]
    warnings: tuple[str, ...]

    @property
    def table(self) -> Table:
        """The headlines, where they stand one under the other."""
        return Table(
            columns=(Column("", "label"), Column(""), Column("Interval"), Column("", "text")),
            rows=tuple(
                (Cell(one.label, strong=True), *texts(one.value, one.interval, one.note))
                for one in self.headlines
            ),
        )


def verdict(result: Result) -> Verdict:
    """Return what a result says, in words and four numbers."""
    overall = result.scores.overall
    return Verdict(
        sentence=_sentence(result),
        headlines=(
            _headline("mCE", overall.mce, _against(result)),
            _headline("Clean accuracy", overall.clean_accuracy, _joined(_over(result), word_text(result))),
            _headline("Average accuracy", overall.average_accuracy, "over all corruptions and severities"),
            _worst(result),
        ),
        warnings=_warnings(result),
    )


def _sentence(result: Result) -> str:
    mce = result.scores.overall.mce
    if result.baseline is None:
        return "Scored without a baseline: accuracies only."
    if result.is_trial:
        return "No verdict: this is a trial on a part of each split."
    if result.is_unverified:
        return "No verdict: the predictions were made elsewhere, and no model was run to verify them."
    if result.phantoms and not result.baseline.measured_on_these_shards:
        return "No verdict: these are phantoms, and the baseline was measured on real images."
    if mce.value is None:
        return "No mCE: " + (
            "the run is not complete." if _lacking(result) else "the baseline does not allow it."
        )
    return _judgement(mce, result.baseline.model)


def _judgement(mce: Estimate, rival: str) -> str:
    """Return what an mCE and its interval say: only an interval off 100 % tells the two apart."""
    share = f"{percent(mce.value)} % of its errors under corruption"
    if mce.low is None or mce.high is None:
        return f"Against {rival}: {share}, with no interval to judge that by."
    if mce.high < 1:
        return f"More robust than {rival}: {share}."
    if mce.low > 1:
        return f"Less robust than {rival}: {share}."
    return f"Not distinguishable from {rival} on these images: {share}, an interval that includes 100."


def _headline(label: str, estimate: Estimate, note: str) -> Headline:
    if estimate.value is None:
        return Headline(label=label, value=UNDEFINED, note=estimate.reason or "")
    return Headline(
        label=label, value=f"{percent(estimate.value)} %", interval=interval_text(estimate), note=note
    )


def _against(result: Result) -> str:
    if result.baseline is None:
        return ""
    return f"of the errors of {result.baseline.model}, {result.baseline.note}"


def _joined(*notes: str) -> str:
    return "; ".join(filter(None, notes))


def _over(result: Result) -> str:
    count = len(result.scope.corruptions)
    return (
        f"top-1, mean of {count} datasets"
        if count > 1
        else f"top-1 on {next(iter(result.scope.corruptions))}"
    )


def _worst(result: Result) -> Headline:
    """Return the corruption that costs the most accuracy, on the mean of the datasets that have it."""
    scores, lists = result.scores.datasets, result.scope.corruptions
    lost: dict[str, float] = {}
    for name in dict.fromkeys(name for names in lists.values() for name in names):
        own = [scores.get(dataset) for dataset, names in lists.items() if name in names]
        pairs = [
            (one.clean_accuracy.value, one.accuracy[name].value)
            for one in own
            if one is not None and name in one.accuracy
        ]
        known = [clean - under for clean, under in pairs if clean is not None and under is not None]
        if len(known) < len(own):
            return Headline(label="Worst corruption", value=UNDEFINED, note="not every cell is scored")
        lost[name] = sum(known) / len(known)
    name = max(lost, key=lambda each: lost[each])
    having = [dataset for dataset, names in lists.items() if name in names]
    accuracy = mean_number({dataset: scores[dataset].accuracy[name] for dataset in having})
    points = 100 * lost[name]
    side = "below" if points >= 0 else "above"
    where = "" if len(having) == len(lists) else f" on {', '.join(having)}"
    return Headline(
        label="Worst corruption",
        value=display_name(name),
        note=f"accuracy {percent(accuracy.value)} %{where}, {abs(points):.1f} points {side} clean",
    )


def _warnings(result: Result) -> tuple[str, ...]:
    found = []
    if result.is_trial:
        found.append(
            "A trial: only a part of each split was scored. No number here compares with any other result."
        )
    if result.is_unverified:
        found.append(
            "Unverified: the predictions come from a file. That a model gave these answers to these images "
            "was not checked, so the result is ranked nowhere."
        )
    if result.phantoms:
        found.append(
            f"Phantoms: the images of {', '.join(result.phantoms)} are generated, not medical. "
            "Nothing here says anything about a medical use."
        )
        if result.baseline is not None and not result.baseline.measured_on_these_shards:
            found.append("Its mCE has no meaning: the baseline was measured on the real datasets.")
    total = len(result.scope.cells())
    for keys, what in (
        (result.missing, "missing"),
        (result.invalid, "invalid (NaN or infinite probabilities)"),
    ):
        if keys:
            shown = ", ".join(map(str, keys[:_SHOWN]))
            more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
            found.append(f"{len(keys)} of {total} cells are {what}: {shown}{more}.")
    if seen := result.seen_in_training:
        found.append(
            f"Trained on corrupted images: it saw {', '.join(map(display_name, seen))} in training, so its "
            "errors under these do not say how it copes with a corruption that it has never seen."
        )
    if result.run.model.caution:
        found.append(result.run.model.caution)
    found.extend(_left_out(result))
    found.extend(_unlike_the_suite(result))
    if result.baseline is not None and not result.baseline.measured_on_these_shards and not result.phantoms:
        found.append(
            f"The baseline's figures are {result.baseline.note}: the mCE compares across renderings, prompts "
            "and code, and its interval leaves out the baseline's own uncertainty."
        )
    return tuple(found)


def _left_out(result: Result) -> list[str]:
    """Return what mCE does not count, because nothing was published to divide it by."""
    if result.baseline is None or not result.baseline.left_out:
        return []
    left = "; ".join(
        f"{', '.join(map(display_name, names))} on {dataset}"
        for dataset, names in result.baseline.left_out.items()
    )
    return [f"The mCE is over the corruptions that the baseline has figures for, without: {left}."]


def _unlike_the_suite(result: Result) -> list[str]:
    """Return what sets the grid apart from the benchmark's, so that its mCE is not taken for it."""
    kinds = {entry.dataset: entry.kind for entry in result.run.benchmark.datasets}
    suite = suite_of(result.run.benchmark.suite, "this result")
    odd = [
        name
        for name, corruptions in result.scope.corruptions.items()
        if set(corruptions) not in _lists(suite, kinds[name], name)
        or result.scope.severities != suite.severities
    ]
    if odd:
        return [f"The grid of {', '.join(odd)} is not the benchmark's: other corruptions or severities."]
    fives = dict.fromkeys(suite.headline.get(kind, ()) for kind in kinds.values())
    absent = [
        name for five in fives for name in five if name not in kinds and any(own in five for own in kinds)
    ]
    if not absent:
        return []
    over = f"{len(kinds)} datasets" if len(kinds) > 1 else f"{next(iter(kinds))} alone"
    return [f"The means are over {over}, without {', '.join(absent)}."]


def _lists(suite: Suite, kind: str, dataset: str) -> list[set[str]]:
    """Return a dataset's corruptions in a suite; of one that it does not know, those of each profile."""
    if not suite.profiles or profile_for(suite, kind, dataset) is not None:
        return [set(corruptions_for(suite, kind, dataset))]
    return [set(names) for names in suite.profiles.values()]


def _lacking(result: Result) -> bool:
    return bool(result.missing or result.invalid)
