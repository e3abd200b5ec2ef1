"""Figure that compares image encoders: accuracy without and under corruption, and mCE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.legend import below, sample
from medimeta_c.figures.drawing.looks import Look
from medimeta_c.figures.drawing.modellooks import short_names
from medimeta_c.figures.exhibit import Inputs, Lacking, Picture, grouped
from medimeta_c.paper import FewShotScore, ModelScores, mean_over_datasets, with_marks

__all__ = ["Backbone", "backbones", "exhibit"]

_LINE_INCHES = 0.165
_COLUMN_LABEL_INCHES = 1.35  # longer labels need a page's width
_LABEL_POINTS = 7.0
_MCE_POINTS = 40  # from the panel to the right end of the mCE
_BESIDE: dict[str, Any] = {"textcoords": "offset points", "ha": "right"}
_BOLD: dict[str, Any] = {"fontsize": _LABEL_POINTS, "fontweight": "bold"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """One line of the figure; numbers in percent.

    Parameters
    ----------
    group : str
        What it is on, under which heading it stands; empty for no heading.
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
    """Yield the comparison of results' encoders over all datasets, or of fine-tuned variants."""
    if len({one.backbone for one in inputs.scores if one.backbone}) > 1:
        lines = _of_results(inputs.scores)
        what = "means over datasets; a model not scored on all of them has none"
        if all(one.clean is None and one.corrupted is None for one in lines):
            raise Lacking("no model was scored on all datasets: give results of two models on the same")
    elif len({one.variant for one in inputs.fewshot}) > 1:
        lines, what = _of_variants(inputs.ablated()), "fine-tuned on the share given"
    else:
        raise Lacking
    yield Picture(
        name="backbones",
        caption=f"Top-1 accuracy on clean images and under corruption, {what}; at the right mCE."
        f"{inputs.note}",
        figure=backbones(lines, inputs.model_looks()),
        header=("collection", "model", "label", "clean_accuracy", "corruption_accuracy", "mce"),
        rows=[astuple(one) for one in lines],
    )


def backbones(lines: Sequence[Backbone], looks: Mapping[str, Look]) -> Figure:
    """Draw a line a backbone from its accuracy under corruption (filled) to the clean one (hollow).

    Parameters
    ----------
    lines : sequence of Backbone
        From top to bottom, those of a group together.
    looks : mapping of str to Look
        By model.
    """
    labels = short_names([one.label for one in lines], longest=60)
    longest = max(style.text_inches(label, _LABEL_POINTS) for label in labels.values())
    wide = style.COLUMN_INCHES if longest <= _COLUMN_LABEL_INCHES else style.PAGE_INCHES
    rows: list[str | Backbone] = []
    for group, own in grouped(lines, lambda one: one.group).items():
        rows += [*filter(None, [group]), *own]
    with style.context():
        figure, ((panel,),) = style.page(wide, _LINE_INCHES * (len(rows) + 1) + 0.4, 1, 1)
        drawn: dict[int, str] = {}
        for place, row in enumerate(rows):
            if isinstance(row, str):
                panel.text(0, place, row, transform=panel.get_yaxis_transform(), va="center", **_BOLD)
            else:
                drawn[place] = labels[row.label]
                _draw(panel, place, row, looks[row.model])
        panel.annotate(
            "mCE (%)", (1, 1), xycoords="axes fraction", xytext=(_MCE_POINTS, 2), **_BESIDE, **_BOLD
        )
        panel.set(ylim=(len(rows) - 0.4, -0.6), yticks=list(drawn), yticklabels=drawn.values())
        panel.tick_params(axis="y", length=0)
        panel.set(xlim=(0, 100), xlabel="Top-1 accuracy (%)")
        style.rules(panel, "x")
        panel.spines["left"].set_visible(False)
        dot: dict[str, Any] = {"marker": "o", "color": "#444444", "markersize": 5}
        handles = [sample("under corruption", **dot), sample("clean", **dot, markerfacecolor="white")]
        below(figure, handles)
    return figure


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
    mce = "\N{EN DASH}" if row.mce is None else f"{row.mce:.1f}"
    across = panel.get_yaxis_transform()
    panel.annotate(
        mce,
        (1, place),
        xycoords=across,
        xytext=(_MCE_POINTS, 0),
        va="center",
        fontsize=_LABEL_POINTS,
        **_BESIDE,
    )


def _of_variants(scores: Sequence[FewShotScore]) -> list[Backbone]:
    return [
        Backbone(
            group=", ".join(filter(None, (one.collection, one.subject))),
            model=one.variant,
            label=f"{with_marks(one.variant, one.marks)}, "
            + (f"{one.percent:g} %" if one.percent else "untuned"),
            clean=one.clean_accuracy,
            corrupted=one.corruption_accuracy,
            mce=one.mce,
        )
        for one in scores
    ]


def _of_results(scores: Sequence[ModelScores]) -> list[Backbone]:
    collections = grouped(scores, lambda one: one.collection)
    return [
        Backbone(
            group=collection if len(collections) > 1 else "",
            model=model,
            label=_label(own),
            clean=mean_over_datasets(all_models, model, lambda one: one.clean_accuracy),
            corrupted=mean_over_datasets(all_models, model, lambda one: one.average_accuracy),
            mce=mean_over_datasets(all_models, model, lambda one: one.mce),
        )
        for collection, all_models in collections.items()
        for model, own in grouped(all_models, lambda one: one.model).items()
    ]


def _label(rows: Sequence[ModelScores]) -> str:
    """Return a model's name with the marks of its results and its encoder."""
    name = with_marks(rows[0].model, tuple(dict.fromkeys(mark for row in rows for mark in row.marks)))
    return name if rows[0].backbone in {"", rows[0].model} else f"{name} ({rows[0].backbone})"
