"""Figures of a few-shot ablation: scores on clean and corrupted images over the share of training images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.legend import below, model_handles, sample
from medimeta_c.figures.drawing.looks import Look
from medimeta_c.figures.drawing.wrapping import by_inches
from medimeta_c.figures.exhibit import Inputs, Lacking, Picture, Scalar, grouped, paged
from medimeta_c.format.suites import paper_order
from medimeta_c.paper import FewShotScore

__all__ = ["exhibit", "exhibit_by_modality", "fewshot"]

_ERRORS = ("clean_error", "mce")
# Of each panel, what is drawn of clean images, and of corrupted ones.
_PANELS = (
    ("Accuracy (%)", ("clean_accuracy", "corruption_accuracy")),
    ("Errors (% of the baseline's)", _ERRORS),
)
_NUMBERS = ("clean_accuracy", "clean_error", "corruption_accuracy", "mce")
# Clean images, and corrupted ones.
_HOLLOW: dict[str, Any] = {"markerfacecolor": "white", "linewidth": 0.7, "linestyle": "--"}
_FILLED: dict[str, Any] = {"linewidth": 1.3}
_MOST_ACROSS = 5  # datasets a page
_TITLE_POINTS = 7.5


def exhibit(inputs: Inputs) -> Iterator[Picture]:
    """Yield accuracy and errors over the share of training images, over all datasets of the ablation."""
    scores = inputs.ablated()
    where = ", ".join(dict.fromkeys(filter(None, (scores[0].collection, scores[0].subject))))
    yield Picture(
        name="fewshot",
        caption=f"{where}: {_caption(scores, inputs)}",
        figure=fewshot([scores], inputs.model_looks(), inputs.model_labels()),
        header=_HEADER,
        rows=[_row(one) for one in scores],
    )


def exhibit_by_modality(inputs: Inputs) -> Iterator[Picture]:
    """Yield the same with a column a dataset, titled by its modality: the paper's Fig. 9."""
    own = sorted(
        (one for one in inputs.fewshot if one.dataset),
        key=lambda one: paper_order(one.collection, one.dataset),
    )
    each = grouped(own, lambda one: f"{one.collection}/{one.dataset}")
    if len(each) < 2:
        raise Lacking
    for page, shown in paged(list(each.values()), 1, _MOST_ACROSS):
        scores = [one for rows in shown for one in rows]
        yield Picture(
            name=f"fewshot_modalities{page}",
            caption=f"A column a dataset: {_caption(scores, inputs)}",
            figure=fewshot(shown, inputs.model_looks(), inputs.model_labels()),
            header=_HEADER,
            rows=[_row(one) for one in scores],
        )


_HEADER = (
    *("collection", "modality", "dataset", "variant", "percent", *_NUMBERS),
    *(f"{name}_sd" for name in _NUMBERS),
    "train_hours",
)


def _caption(scores: Sequence[FewShotScore], inputs: Inputs) -> str:
    spread = " Bars: sample standard deviation over seeds." if any(one.spread for one in scores) else ""
    return (
        f"fine-tuning on a share of the {scores[0].split} split; shares stand at equal distances. "
        "Accuracy is top-1; errors are in percent of the baseline's. Hollow and thin: clean images; filled: "
        f"under corruption.{spread}{inputs.note}"
    )


def _row(one: FewShotScore) -> tuple[Scalar, ...]:
    return (
        *attrgetter("collection", "modality", "dataset", "variant", "percent", *_NUMBERS)(one),
        *map(one.spread.get, _NUMBERS),
        one.train_hours,
    )


def fewshot(
    blocks: Sequence[Sequence[FewShotScore]], looks: Mapping[str, Look], labels: Mapping[str, str]
) -> Figure:
    """Draw accuracy and, where there is a baseline, errors: a pair of lines a variant.

    Parameters
    ----------
    blocks : sequence of sequence of FewShotScore
        Rows of Table 6, those of a dataset together: one block has its panels side by side, several have a
        column each.
    looks : mapping of str to Look
        By variant.
    labels : mapping of str to str
        What the legend calls each variant.
    """
    scores = [score for block in blocks for score in block]
    kept = [
        (label, names)
        for label, names in _PANELS
        if any(getattr(score, name) is not None for score in scores for name in names)
    ]
    shares = sorted({one.percent for one in scores})
    alone = len(blocks) == 1
    across = len(kept) if alone else len(blocks)
    wide = style.COLUMN_INCHES if across == 1 else style.PAGE_INCHES
    with style.context():
        down = 1 if alone else len(kept)
        shared: dict[str, Any] = {} if alone else {"sharey": "row"}
        high = (2.3 if alone else 1.75) * down
        figure, grid = style.page(wide, high, down, across, sharex=True, **shared)
        panels = grid if alone else grid.T
        for place, block in enumerate(blocks):
            for panel, (label, names) in zip(panels[place], kept, strict=True):
                _frame(panel, shares, "" if place else label, errors=names == _ERRORS)
                for variant, rows in grouped(block, lambda one: one.variant).items():
                    look = looks[variant]
                    for name, how in zip(names, (_HOLLOW, _FILLED), strict=True):
                        strokes = look.strokes | {"linestyle": "-", "markersize": look.size(5)} | how
                        _draw(panel, rows, shares, name, strokes)
            title = by_inches(block[0].subject, 0.75 * wide / across, _TITLE_POINTS, "bold")
            panels[place][0].set_title(title)
        for panel in grid.flat:
            panel.set_ylim(bottom=0)
        for panel in grid[-1]:
            panel.set_xlabel(f"Share of {scores[0].split} (%)")
        plain: dict[str, Any] = {"color": "#444444", "marker": "o", "markersize": 5}
        handles = [sample("under corruption", **plain), sample("clean", **plain, **_HOLLOW)]
        below(figure, [*model_handles(looks, labels, (one.variant for one in scores), points=5), *handles])
    return figure


def _frame(panel: Axes, shares: Sequence[float], label: str, *, errors: bool) -> None:
    panel.set(ylabel=label)
    panel.set_xticks(range(len(shares)), [f"{share:g}" for share in shares])
    style.rules(panel, "y")
    if errors:
        panel.axhline(100, color="#999999", linewidth=0.6, zorder=0)


def _draw(
    panel: Axes, rows: Sequence[FewShotScore], shares: Sequence[float], name: str, how: dict[str, Any]
) -> None:
    """Draw the line of one variant."""
    own = [one for one in rows if getattr(one, name) is not None]
    panel.errorbar(
        [shares.index(one.percent) for one in own],
        [getattr(one, name) for one in own],
        yerr=[one.spread.get(name, 0.0) for one in own] if any(one.spread for one in own) else None,
        **how,
        elinewidth=0.7,
        capsize=2,
    )
