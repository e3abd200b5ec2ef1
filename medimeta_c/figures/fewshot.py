"""The few-shot ablation: what more training images give, on clean images and under corruption."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.legend import below, model_handles
from medimeta_c.figures.drawing.looks import Look
from medimeta_c.figures.drawing.modellooks import model_looks
from medimeta_c.figures.exhibit import Inputs, Picture, Scalar
from medimeta_c.paper import FewShotScore

__all__ = ["exhibit", "fewshot"]

_ERRORS = ("clean_error", "mce")
# Of each panel, what is drawn of clean images, and of corrupted ones.
_PANELS = (
    ("Accuracy (%)", ("clean_accuracy", "corruption_accuracy")),
    ("Errors (% of the baseline's)", _ERRORS),
)
_NUMBERS = ("clean_accuracy", "clean_error", "corruption_accuracy", "mce")


def exhibit(inputs: Inputs) -> Iterator[Picture]:
    """Yield accuracy and errors over the share of training images: the paper's Fig. 9."""
    scores = inputs.ablated()
    rows: list[tuple[Scalar, ...]] = [
        (
            one.variant,
            one.percent,
            *(getattr(one, name) for name in _NUMBERS),
            *(one.spread.get(name) for name in _NUMBERS),
            one.train_hours,
        )
        for one in scores
    ]
    spread = " Bars: sample standard deviation over seeds." if any(one.spread for one in scores) else ""
    note = f" {inputs.printed}" if inputs.printed else ""
    yield Picture(
        name="fewshot",
        caption="Fine-tuning on a share of the train split; shares stand at equal distances. Accuracy is "
        "top-1; errors are in percent of the baseline's. Hollow and thin: clean images; filled: under "
        f"corruption.{spread}{note}",
        figure=fewshot(scores, model_looks(inputs.models())),
        header=("variant", "percent", *_NUMBERS, *(f"{name}_sd" for name in _NUMBERS), "train_hours"),
        rows=rows,
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
        one for one in _PANELS if any(getattr(score, name) is not None for score in scores for name in one[1])
    ]
    shares = sorted({one.percent for one in scores})
    with style.context():
        figure = style.page(style.PAGE_INCHES if len(kept) == 2 else style.COLUMN_INCHES, 2.3)
        for panel, (label, names) in zip(figure.subplots(1, len(kept), squeeze=False)[0], kept, strict=True):
            for name, filled in zip(names, (False, True), strict=True):
                _draw(panel, scores, looks, name, filled=filled)
            panel.set_ylabel(label)
            panel.set_xlabel("Share of the train split (%)")
            panel.set_xticks(range(len(shares)), [f"{share:g}" for share in shares])
            panel.set_ylim(bottom=0)
            panel.grid(axis="y", color="#E5E5E5", linewidth=0.5)
            panel.set_axisbelow(True)
            if names == _ERRORS:
                panel.axhline(100, color="#999999", linewidth=0.6, zorder=0)
        drawn = {one: looks[one] for one in dict.fromkeys(score.variant for score in scores)}
        plain: dict[str, Any] = {"color": "#444444", "marker": "o", "markersize": 5}
        hollow: dict[str, Any] = {"markerfacecolor": "white", "linewidth": 0.7, "linestyle": "--"}
        handles = [
            Line2D([], [], **plain, label="under corruption"),
            Line2D([], [], **plain, **hollow, label="clean"),
        ]
        below(figure, [*model_handles(drawn, points=5), *handles])
    return figure


def _draw(
    panel: Axes,
    scores: Sequence[FewShotScore],
    looks: Mapping[str, Look],
    name: str,
    *,
    filled: bool,
) -> None:
    shares = sorted({one.percent for one in scores})
    for variant in dict.fromkeys(one.variant for one in scores):
        own = [one for one in scores if one.variant == variant and getattr(one, name) is not None]
        look = looks[variant]
        panel.errorbar(
            [shares.index(one.percent) for one in own],
            [getattr(one, name) for one in own],
            yerr=[one.spread.get(name, 0.0) for one in own] if any(one.spread for one in own) else None,
            color=look.colour,
            marker=look.marker,
            markersize=look.size(5),
            markerfacecolor=look.colour if filled else "white",
            linewidth=1.3 if filled else 0.7,
            linestyle="-" if filled else "--",
            elinewidth=0.7,
            capsize=2,
        )
