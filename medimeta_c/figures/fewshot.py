"""Figure of the few-shot ablation: scores on clean and corrupted images over the share of training images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.legend import below, model_handles, sample
from medimeta_c.figures.drawing.looks import Look
from medimeta_c.figures.exhibit import Inputs, Picture, grouped
from medimeta_c.paper import FewShotScore

__all__ = ["exhibit", "fewshot"]

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


def exhibit(inputs: Inputs) -> Iterator[Picture]:
    """Yield accuracy and errors over the share of training images: the paper's Fig. 9."""
    scores = inputs.ablated()
    spread = " Bars: sample standard deviation over seeds." if any(one.spread for one in scores) else ""
    yield Picture(
        name="fewshot",
        caption=f"Fine-tuning on a share of the {scores[0].split} split; shares stand at equal distances. "
        "Accuracy is top-1; errors are in percent of the baseline's. Hollow and thin: clean images; filled: "
        f"under corruption.{spread}{inputs.note}",
        figure=fewshot(scores, inputs.model_looks()),
        header=("variant", "percent", *_NUMBERS, *(f"{name}_sd" for name in _NUMBERS), "train_hours"),
        rows=[
            (
                *attrgetter("variant", "percent", *_NUMBERS)(one),
                *map(one.spread.get, _NUMBERS),
                one.train_hours,
            )
            for one in scores
        ],
    )


def fewshot(scores: Sequence[FewShotScore], looks: Mapping[str, Look]) -> Figure:
    """Draw accuracy and, where there is a baseline, errors: a pair of lines a variant.

    Parameters
    ----------
    scores : sequence of FewShotScore
        Rows of Table 6.
    looks : mapping of str to Look
        By variant.
    """
    kept = [
        (label, names)
        for label, names in _PANELS
        if any(getattr(score, name) is not None for score in scores for name in names)
    ]
    shares = sorted({one.percent for one in scores})
    with style.context():
        wide = style.PAGE_INCHES if len(kept) == 2 else style.COLUMN_INCHES
        figure, ((*panels,),) = style.page(wide, 2.3, 1, len(kept))
        for panel, (label, names) in zip(panels, kept, strict=True):
            for name, how in zip(names, (_HOLLOW, _FILLED), strict=True):
                _draw(panel, scores, looks, name, how)
            panel.set(ylabel=label, xlabel=f"Share of the {scores[0].split} split (%)")
            panel.set_xticks(range(len(shares)), [f"{share:g}" for share in shares])
            panel.set_ylim(bottom=0)
            style.rules(panel, "y")
            if names == _ERRORS:
                panel.axhline(100, color="#999999", linewidth=0.6, zorder=0)
        plain: dict[str, Any] = {"color": "#444444", "marker": "o", "markersize": 5}
        handles = [sample("under corruption", **plain), sample("clean", **plain, **_HOLLOW)]
        below(figure, [*model_handles(looks, (one.variant for one in scores), points=5), *handles])
    return figure


def _draw(
    panel: Axes, scores: Sequence[FewShotScore], looks: Mapping[str, Look], name: str, how: dict[str, Any]
) -> None:
    shares = sorted({one.percent for one in scores})
    for variant, rows in grouped(scores, lambda one: one.variant).items():
        own = [one for one in rows if getattr(one, name) is not None]
        look = looks[variant]
        panel.errorbar(
            [shares.index(one.percent) for one in own],
            [getattr(one, name) for one in own],
            yerr=[one.spread.get(name, 0.0) for one in own] if any(one.spread for one in own) else None,
            **(look.strokes | {"linestyle": "-"} | how),
            markersize=look.size(5),
            elinewidth=0.7,
            capsize=2,
        )
