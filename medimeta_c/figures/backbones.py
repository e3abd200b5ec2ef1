"""Image encoders compared: accuracy without and under corruption, and mCE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.legend import below
from medimeta_c.figures.drawing.looks import Look
from medimeta_c.figures.drawing.modellooks import model_looks, short_names
from medimeta_c.figures.exhibit import Inputs, Lacking, Picture
from medimeta_c.paper import FewShotScore, ModelScores, mean_over_datasets

__all__ = ["Backbone", "backbones", "exhibit"]

_LINE_INCHES = 0.165
_COLUMN_LABEL_INCHES = 1.35  # longer labels need a page's width
_LABEL_POINTS = 7.0
_MCE_POINTS = 40  # from the panel to the right end of the mCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """One line of the figure; numbers in percent.

    Parameters
    ----------
    group : str
        The collection, under whose heading it stands; empty for no heading.
    model, label : str
        Whose colour it has, and what stands beside it.
    clean, corrupted, mce : float or None
        Accuracies and mCE.
    """

    group: str
    model: str
    label: str
    clean: float | None
    corrupted: float | None
    mce: float | None


def exhibit(inputs: Inputs) -> Iterator[Picture]:
    """Yield the comparison of fine-tuned variants, or of results' encoders: the paper's Fig. 7."""
    variants = {one.variant for one in inputs.fewshot}
    encoders = {one.backbone for one in inputs.scores if one.backbone}
    if len(encoders) > 1:
        lines = _of_results(inputs.scores)
        what = "means over datasets; a model not scored on all of them has none"
        if all(one.clean is None and one.corrupted is None for one in lines):
            raise Lacking("no model was scored on all datasets: give --results of two models on the same")
    elif len(variants) > 1:
        lines, what = _of_variants(inputs.fewshot), "fine-tuned on the share given"
    else:
        raise Lacking
    note = f" {inputs.printed}" if inputs.printed else ""
    yield Picture(
        name="backbones",
        caption=f"Top-1 accuracy on clean images and under corruption, {what}; at the right mCE.{note}",
        figure=backbones(lines, model_looks(inputs.models())),
        header=("collection", "model", "label", "clean_accuracy", "corruption_accuracy", "mce"),
        rows=[(one.group, one.model, one.label, one.clean, one.corrupted, one.mce) for one in lines],
    )


def backbones(lines: Sequence[Backbone], looks: Mapping[str, Look]) -> Figure:
    """Draw a line a backbone from its accuracy under corruption (filled) to the clean one (hollow).

    Parameters
    ----------
    lines : sequence of Backbone
        From top to bottom.
    looks : mapping of str to Look
        By model.
    """
    labels = short_names([one.label for one in lines], longest=60)
    longest = max(style.text_inches(label, _LABEL_POINTS) for label in labels.values())
    wide = style.COLUMN_INCHES if longest <= _COLUMN_LABEL_INCHES else style.PAGE_INCHES
    rows = _under_headings(lines)
    with style.context():
        figure = style.page(wide, _LINE_INCHES * (len(rows) + 1) + 0.4)
        panel = figure.subplots()
        across = panel.get_yaxis_transform()
        beside: dict[str, Any] = {"textcoords": "offset points", "ha": "right", "fontsize": _LABEL_POINTS}
        for place, row in enumerate(rows):
            if isinstance(row, str):
                panel.text(
                    0, place, row, transform=across, va="center", fontsize=_LABEL_POINTS, fontweight="bold"
                )
                continue
            _draw(panel, place, row, looks[row.model])
            mce = "\N{EN DASH}" if row.mce is None else f"{row.mce:.1f}"
            panel.annotate(mce, (1, place), xycoords=across, xytext=(_MCE_POINTS, 0), va="center", **beside)
        panel.annotate(
            "mCE (%)",
            (1, 1),
            xycoords="axes fraction",
            xytext=(_MCE_POINTS, 2),
            fontweight="bold",
            **beside,
        )
        panel.set_ylim(len(rows) - 0.4, -0.6)
        drawn = {place: row for place, row in enumerate(rows) if isinstance(row, Backbone)}
        panel.set_yticks(list(drawn), [labels[row.label] for row in drawn.values()])
        panel.tick_params(axis="y", length=0)
        panel.set_xlim(0, 100)
        panel.set_xlabel("Top-1 accuracy (%)")
        panel.grid(axis="x", color="#E5E5E5", linewidth=0.5)
        panel.set_axisbelow(True)
        panel.spines["left"].set_visible(False)
        handles = [
            Line2D([], [], marker="o", color="#444444", markersize=5, label="under corruption"),
            Line2D([], [], marker="o", color="#444444", markersize=5, markerfacecolor="white", label="clean"),
        ]
        below(figure, handles)
    return figure


def _under_headings(lines: Sequence[Backbone]) -> list[str | Backbone]:
    rows: list[str | Backbone] = []
    for one in lines:
        if one.group and one.group not in rows:
            rows.append(one.group)
        rows.append(one)
    return rows


def _draw(panel: Axes, place: int, row: Backbone, look: Look) -> None:
    if row.clean is not None and row.corrupted is not None:
        panel.plot((row.corrupted, row.clean), (place, place), color=look.colour, linewidth=1.4)
    for accuracy, fill in ((row.corrupted, look.colour), (row.clean, "white")):
        if accuracy is not None:
            panel.plot(
                accuracy,
                place,
                marker=look.marker,
                markersize=look.size(4.5),
                markerfacecolor=fill,
                markeredgecolor=look.colour,
                clip_on=False,
            )


def _of_variants(scores: Sequence[FewShotScore]) -> list[Backbone]:
    return [
        Backbone(
            group="",
            model=one.variant,
            label=f"{one.variant}, {one.percent:g} %" if one.percent else f"{one.variant}, untuned",
            clean=one.clean_accuracy,
            corrupted=one.corruption_accuracy,
            mce=one.mce,
        )
        for one in scores
    ]


def _of_results(scores: Sequence[ModelScores]) -> list[Backbone]:
    collections = dict.fromkeys(one.collection for one in scores)
    made = []
    for collection in collections:
        own = [one for one in scores if one.collection == collection]
        for model in dict.fromkeys(one.model for one in own):
            encoder = next(one.backbone for one in own if one.model == model)
            made.append(
                Backbone(
                    group=collection if len(collections) > 1 else "",
                    model=model,
                    label=model if encoder in {"", model} else f"{model} ({encoder})",
                    clean=mean_over_datasets(own, model, lambda one: one.clean_accuracy),
                    corrupted=mean_over_datasets(own, model, lambda one: one.average_accuracy),
                    mce=mean_over_datasets(own, model, lambda one: one.mce),
                )
            )
    return made
