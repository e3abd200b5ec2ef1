"""Figures with a row a dataset: accuracy under corruption and mCE of every model, or of ResNet-50 models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.legend import below, model_handles
from medimeta_c.figures.drawing.logaxes import error_limits, frame_errors
from medimeta_c.figures.drawing.looks import Look
from medimeta_c.figures.exhibit import Inputs, Lacking, Picture, grouped, paged
from medimeta_c.paper import ModelScores, mean_over_datasets

__all__ = ["evaluation", "exhibit", "exhibit_resnet50"]

_MOST_ROWS = 24  # a page
_ROW_INCHES = 0.24
_LABEL_POINTS = 7.0
_SPREAD, _STEP = 0.64, 0.16  # of a row's height: over which marks are spread at most, and between two
_MEAN = "Mean"
_NUMBERS = ("average_accuracy", "mce")
_EDGE: dict[str, Any] = {"markeredgecolor": "black", "markeredgewidth": 0.5}


def exhibit(inputs: Inputs) -> Iterator[Picture]:
    """Yield accuracy under corruption and mCE of every model, dataset by dataset: the paper's Fig. 5D."""
    yield from _pictures("evaluation", "Every model", inputs.scored(), inputs)


def exhibit_resnet50(inputs: Inputs) -> Iterator[Picture]:
    """Yield the same of the models whose image encoder is a ResNet-50: the paper's Fig. 7."""
    own = tuple(one for one in inputs.scores if one.is_resnet50)
    if not own:
        raise Lacking
    yield from _pictures("resnet50", "Models whose image encoder is a ResNet-50", own, inputs)


def _pictures(name: str, what: str, scores: Sequence[ModelScores], inputs: Inputs) -> Iterator[Picture]:
    lines = _with_means(scores)
    divided = any(one.mce is not None for one in scores)
    right = f" Right: mCE in percent of the errors of {inputs.divisor()}, lower is better." if divided else ""
    blocks = list(grouped(lines, lambda one: f"{one.collection}/{one.dataset}").values())
    for page, shown in paged(blocks, _MOST_ROWS):
        rows = [one for block in shown for one in block]
        yield Picture(
            name=f"{name}{page}",
            caption=f"{what}, a row a dataset. {'Left' if divided else 'Shown'}: top-1 accuracy under "
            f"corruption, the mean over severities and corruptions.{right} Means are of the models scored on "
            f"every dataset of a collection.{inputs.note}",
            figure=evaluation(shown, inputs.model_looks(), inputs.model_labels()),
            header=("collection", "modality", "dataset", "model", "corruption_accuracy", "mce"),
            rows=[attrgetter("collection", "modality", "dataset", "model", *_NUMBERS)(one) for one in rows],
        )


def _with_means(scores: Sequence[ModelScores]) -> list[ModelScores]:
    """Return the scores of each collection, and after them means over its datasets if it has several."""
    lines: list[ModelScores] = []
    for own in grouped(scores, lambda one: one.collection).values():
        lines += own
        if len({one.dataset for one in own}) > 1:
            lines += [
                replace(
                    rows[0],
                    dataset=_MEAN,
                    modality="",
                    average_accuracy=mean_over_datasets(own, model, lambda one: one.average_accuracy),
                    mce=mean_over_datasets(own, model, lambda one: one.mce),
                )
                for model, rows in grouped(own, lambda one: one.model).items()
            ]
    return lines


def evaluation(
    blocks: Sequence[Sequence[ModelScores]], looks: Mapping[str, Look], labels: Mapping[str, str]
) -> Figure:
    """Draw a row a dataset under its collection's name: accuracies and, where there is a baseline, mCE.

    Parameters
    ----------
    blocks : sequence of sequence of ModelScores
        Of a dataset each, those of a collection together.
    looks : mapping of str to Look
        By model.
    labels : mapping of str to str
        What the legend calls each model.
    """
    scores = [one for block in blocks for one in block]
    models = list(dict.fromkeys(one.model for one in scores))
    spread = min(_SPREAD, _STEP * (len(models) - 1))
    heights = np.linspace(-spread / 2, spread / 2, len(models))
    marks = {model: (float(height), looks[model]) for model, height in zip(models, heights, strict=True)}
    errors = [one.mce for one in scores if one.mce is not None]
    rows: list[str | Sequence[ModelScores]] = []
    for collection, own in grouped(blocks, lambda one: one[0].collection).items():
        rows += [collection, *own]
    names = {place: row[0].subject for place, row in enumerate(rows) if not isinstance(row, str)}
    with style.context():
        figure, (panels,) = style.page(
            style.PAGE_INCHES, _ROW_INCHES * len(rows) + 0.4, 1, 1 + bool(errors), sharey=True
        )
        panels[0].set(xlim=(0, 100), xlabel="Accuracy under corruption (%)")
        if errors:
            frame_errors(panels[1].xaxis, error_limits(errors))
            panels[1].set_xlabel("mCE (%)")
        for panel, name in zip(panels, _NUMBERS, strict=False):
            for place, row in enumerate(rows):
                if not isinstance(row, str):
                    if place % 2:
                        panel.axhspan(place - 0.5, place + 0.5, color="#F4F4F4", linewidth=0, zorder=0)
                    _draw(panel, place, row, name, marks)
            style.rules(panel, "x")
            panel.tick_params(axis="y", length=0)
            panel.spines["left"].set_visible(False)
        for place, row in enumerate(rows):
            if isinstance(row, str):
                panels[0].annotate(
                    *(row, (0, place)),
                    xycoords=panels[0].get_yaxis_transform(),
                    **{"va": "center", "fontsize": _LABEL_POINTS, "fontweight": "bold"},
                )
        panels[0].set(ylim=(len(rows) - 0.4, -0.6), yticks=list(names), yticklabels=names.values())
        below(figure, model_handles(looks, labels, models, points=5))
    return figure


def _draw(
    panel: Axes,
    place: int,
    row: Sequence[ModelScores],
    name: str,
    marks: Mapping[str, tuple[float, Look]],
) -> None:
    """Draw the marks of a row, each at its model's height and look; an error of 0 at the edge."""
    for one in row:
        value, (height, look) = getattr(one, name), marks[one.model]
        if value is not None:
            panel.plot(
                max(value, panel.get_xlim()[0]),
                place + height,
                color=look.colour,
                marker=look.marker,
                markersize=look.size(4),
                clip_on=False,
                **(_EDGE if one.dataset == _MEAN else {}),
            )
