"""Tables of confidence: scoring rules and calibration, conformal sets, and mCE by other measures."""

from __future__ import annotations

from dataclasses import replace

from medimeta_c.io.tables.table import UNDEFINED, Cell, Column, Row, Table, number, printed
from medimeta_c.metrics.measures.robustness import measure_estimates
from medimeta_c.metrics.registry import METRICS
from medimeta_c.metrics.values import Number
from medimeta_c.results.assessment.confidence_numbers import SCORES, Confidence, ConfidenceNumbers, Spread
from medimeta_c.results.cells import metric_cell, number_cell

__all__ = ["confidence_tables"]

_ALL = "all"


def confidence_tables(confidence: Confidence) -> list[Table]:
    """Return the tables of confidence: those of mCE only where there is a baseline."""
    tables = [_scores(confidence), _sets(confidence), *([_losses(confidence)] if confidence.losses else [])]
    return tables if confidence.baseline is None else [*tables, _errors(confidence)]


def _scores(confidence: Confidence) -> Table:
    headers = (METRICS[name].label for name in SCORES)
    return Table(
        name="Confidence",
        caption="On clean images, and the mean over all corrupted cells; lower is better. NLL is the mean of "
        "-ln p, p the probability of the label. The Brier score is the squared distance of all probabilities "
        "from the truth, 0 to 2. ECE, the expected calibration error, and AURC are in percent. AURC is the "
        "mean error rate of a model that may abstain where it is least confident.",
        columns=(
            Column("Dataset", "label"),
            Column("Images", "label"),
            *map(Column, headers),
        ),
        rows=tuple(
            (*labels, *(metric_cell(name, numbers.scores[name]) for name in SCORES))
            for labels, numbers in _parts(confidence)
        ),
    )


def _sets(confidence: Confidence) -> Table:
    plan, level = confidence.conformal, 100 * confidence.conformal.level
    together = (
        f" Images of one group, such as a patient's, are in one half ({', '.join(confidence.grouped)})."
        if confidence.grouped
        else ""
    )
    return Table(
        name="Conformal sets",
        caption=f"Sets of classes that shall hold the label of {level:g} % of images. They are calibrated on "
        "the clean images of one half and measured on the other half, clean and corrupted: mean ± standard "
        f"deviation over {plan.splits} random halves. Gap is coverage minus {level:g}, in points; below 0, "
        f"labels are missing from the sets.{together}",
        columns=(
            Column("Dataset", "label"),
            Column("Images", "label"),
            *map(Column, ("Coverage", "Gap", "Classes in a set")),
        ),
        rows=tuple(
            (*labels, _spread(part.coverage, 100, 1), _gap(part.gap), _spread(part.size, 1, 2))
            for labels, part in _parts(confidence)
        ),
    )


def _errors(confidence: Confidence) -> Table:
    scores = {measure: measure_estimates(drawn) for measure, drawn in confidence.measures.items()}
    names = [*confidence.datasets, *([_ALL] if len(confidence.datasets) > 1 else [])]
    return Table(
        name="mCE by other measures",
        caption="Errors under corruption in percent of those of the baseline "
        f"({confidence.baseline}), where an error is 1 minus the measure: 100 is as many, lower is better.",
        columns=(
            Column("Dataset", "label"),
            *(
                Column(f"mCE by {METRICS[measure].label.lower().replace('auroc', 'AUROC')}")
                for measure in scores
            ),
        ),
        rows=tuple(
            (
                Cell(name, strong=name == _ALL),
                *(
                    number_cell((each.overall if name == _ALL else each.datasets[name]).mce, show=True)
                    for each in scores.values()
                ),
            )
            for name in names
        ),
    )


def _losses(confidence: Confidence) -> Table:
    """Return what corruption costs in each measure, beside the baseline where there is one."""
    names = [*confidence.datasets, *([_ALL] if len(confidence.datasets) > 1 else [])]
    headers, rows = [], []
    for measure in confidence.losses:
        label = METRICS[measure].label
        headers += [f"{label}: points lost", f"{label}: share kept"]
        headers += [f"{label}: difference"] if measure in confidence.loss_differences else []
    for name in names:
        cells = [Cell(name, strong=name == _ALL)]
        for measure, losses in confidence.losses.items():
            found = (losses.overall if name == _ALL else losses.datasets[name]).lost
            cells += [number_cell(found.points, show=True), number_cell(found.share_kept, show=True)]
            if other := confidence.loss_differences.get(measure):
                lost = (other.overall if name == _ALL else other.datasets[name]).lost
                cells.append(number_cell(lost.points, show=True))
        rows.append(tuple(cells))
    beside = (
        f" Difference: points lost minus those of {confidence.baseline}, paired."
        if confidence.loss_differences
        else ""
    )
    return Table(
        name="Loss by other measures",
        caption="Points lost to corruption, and the share kept above chance, which is 1 / K for balanced "
        f"accuracy of K classes and 50 for AUROC; in percent.{beside}",
        columns=(Column("Dataset", "label"), *map(Column, headers)),
        rows=tuple(rows),
    )


def _parts(confidence: Confidence) -> list[tuple[Row, ConfidenceNumbers]]:
    """Return the two labels of each row, and its numbers."""
    datasets = {**confidence.datasets}
    if len(datasets) > 1:
        datasets[_ALL] = confidence.overall
    return [
        ((Cell(name, strong=name == _ALL), Cell(kind)), numbers)
        for name, one in datasets.items()
        for kind, numbers in (("clean", one.clean), ("corrupted", one.corrupted))
    ]


def _spread(spread: Spread, factor: float, digits: int) -> Cell:
    mean = spread.mean
    if mean.value is None or spread.deviation is None:
        return Cell(UNDEFINED, note=mean.reason or "")
    found = number(factor * mean.value, digits)
    return replace(found, text=f"{found.text} ± {printed(factor * spread.deviation, digits)}")


def _gap(gap: Number) -> Cell:
    """Return a difference in points with its sign."""
    if gap.value is None:
        return Cell(UNDEFINED, note=gap.reason or "")
    points = round(100 * gap.value, 1) + 0.0
    return Cell(f"{points:+.1f}" if points else "0.0", 100 * gap.value)
