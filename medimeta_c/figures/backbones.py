"""Image encoders compared: accuracy without and under corruption, and mCE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from medimeta_c.figures import style
from medimeta_c.figures.exhibit import Inputs, Lacking, Picture
from medimeta_c.modelscores import FewShotScore, ModelScores

__all__ = ["Backbone", "backbones", "exhibit"]

_LINE_INCHES = 0.24


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """One line of the figure; numbers in percent.

    Parameters
    ----------
    model, label : str
        Whose colour it has, and what stands beside it.
    clean, corrupted, mce : float or None
        Accuracies and mCE.
    """

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
        lines, what = _of_results(inputs.scores), "means over datasets"
    elif len(variants) > 1:
        lines, what = _of_variants(inputs.fewshot), "fine-tuned on the share given"
    else:
        raise Lacking("give --results of models with two image encoders, or --paper")
    note = f" {inputs.printed}" if inputs.printed else ""
    yield Picture(
        name="backbones",
        caption=f"Top-1 accuracy on clean images and under corruption, {what}; at the right mCE.{note}",
        figure=backbones(lines, style.model_looks(inputs.models())),
        header=("model", "label", "clean_accuracy", "corruption_accuracy", "mce"),
        rows=[(one.model, one.label, one.clean, one.corrupted, one.mce) for one in lines],
    )


def backbones(lines: Sequence[Backbone], looks: Mapping[str, style.ModelLook]) -> Figure:
    """Draw a line a backbone from its accuracy under corruption (filled) to the clean one (hollow).

    Parameters
    ----------
    lines : sequence of Backbone
        From top to bottom.
    looks : mapping of str to ModelLook
        By model.
    """
    with style.context():
        figure = Figure(
            figsize=(1.3 * style.COLUMN_INCHES, _LINE_INCHES * len(lines) + 0.75),
            dpi=style.PRINT_DPI,
            facecolor="white",
            layout="constrained",
        )
        panel = figure.subplots()
        for place, one in enumerate(lines):
            look = looks[one.model]
            if one.clean is not None and one.corrupted is not None:
                panel.plot((one.corrupted, one.clean), (place, place), color=look.colour, linewidth=1.4)
            if one.corrupted is not None:
                panel.plot(
                    one.corrupted, place, marker=look.marker, color=look.colour, markersize=look.size(5)
                )
            if one.clean is not None:
                panel.plot(
                    one.clean,
                    place,
                    marker=look.marker,
                    markersize=look.size(5),
                    markerfacecolor="white",
                    markeredgecolor=look.colour,
                )
            mce = "\N{EN DASH}" if one.mce is None else f"{one.mce:.1f}"
            panel.text(1.02, place, mce, transform=panel.get_yaxis_transform(), va="center_baseline")
        panel.text(
            1.02, -0.9, "mCE (%)", transform=panel.get_yaxis_transform(), va="center", fontweight="bold"
        )
        panel.set_ylim(len(lines) - 0.4, -0.6)
        panel.set_yticks(range(len(lines)), [one.label for one in lines])
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
        figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    return figure


def _of_variants(scores: Sequence[FewShotScore]) -> list[Backbone]:
    return [
        Backbone(
            model=one.variant,
            label=f"{one.variant}, {one.percent:g} %" if one.percent else f"{one.variant}, untuned",
            clean=one.clean_accuracy,
            corrupted=one.corruption_accuracy,
            mce=one.mce,
        )
        for one in scores
    ]


def _of_results(scores: Sequence[ModelScores]) -> list[Backbone]:
    made = []
    for model in dict.fromkeys(one.model for one in scores):
        own = [one for one in scores if one.model == model]
        label = model if own[0].backbone in {"", model} else f"{model}\n({own[0].backbone})"
        made.append(
            Backbone(
                model=model,
                label=label,
                clean=_mean([one.clean_accuracy for one in own]),
                corrupted=_mean([one.average_accuracy for one in own]),
                mce=_mean([one.mce for one in own]),
            )
        )
    return made


def _mean(values: Sequence[float | None]) -> float | None:
    known = [one for one in values if one is not None]
    return float(np.mean(known)) if known and len(known) == len(values) else None
