"""The few-shot ablation: what more training images give, on clean images and under corruption."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from medimeta_c.figures import style
from medimeta_c.figures.exhibit import Inputs, Picture, Scalar
from medimeta_c.modelscores import FewShotScore

__all__ = ["exhibit", "fewshot"]

_PANELS = (
    ("Accuracy (%)", (("clean_accuracy", "clean", False), ("corruption_accuracy", "under corruption", True))),
    ("Errors (% of the baseline's)", (("clean_error", "clean error", False), ("mce", "mCE", True))),
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
        caption="Fine-tuning on a share of the train split. Left: top-1 accuracy; right: errors in percent "
        f"of the baseline's. Hollow and thin: clean images; filled: under corruption.{spread}{note}",
        figure=fewshot(scores, style.model_looks(inputs.models())),
        header=("variant", "percent", *_NUMBERS, *(f"{name}_sd" for name in _NUMBERS), "train_hours"),
        rows=rows,
    )


def fewshot(scores: Sequence[FewShotScore], looks: Mapping[str, style.ModelLook]) -> Figure:
    """Draw accuracy and errors side by side, a pair of lines a variant.

    Parameters
    ----------
    scores : sequence of FewShotScore
        Rows of Table 6.
    looks : mapping of str to ModelLook
        By variant.
    """
    with style.context():
        figure = Figure(
            figsize=(style.PAGE_INCHES * 0.86, 2.45),
            dpi=style.PRINT_DPI,
            facecolor="white",
            layout="constrained",
        )
        panels = figure.subplots(1, len(_PANELS))
        for panel, (label, lines) in zip(panels, _PANELS, strict=True):
            for name, _, filled in lines:
                _draw(panel, scores, looks, name, filled=filled)
            panel.set_ylabel(label)
            panel.set_xlabel("Share of the train split (%)")
            panel.set_xticks(sorted({one.percent for one in scores}))
            panel.set_ylim(bottom=0)
            panel.grid(axis="y", color="#E5E5E5", linewidth=0.5)
            panel.set_axisbelow(True)
        panels[1].axhline(100, color="#999999", linewidth=0.6, zorder=0)
        handles = [
            Line2D(
                [],
                [],
                color=looks[one].colour,
                marker=looks[one].marker,
                label=one,
                markersize=looks[one].size(5),
            )
            for one in dict.fromkeys(score.variant for score in scores)
        ]
        handles += [
            Line2D([], [], color="#444444", marker="o", markersize=5, label="under corruption"),
            Line2D(
                [],
                [],
                color="#444444",
                marker="o",
                markersize=5,
                markerfacecolor="white",
                linewidth=0.7,
                linestyle="--",
                label="clean",
            ),
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=min(5, len(handles)), frameon=False)
    return figure


def _draw(
    panel: Axes,
    scores: Sequence[FewShotScore],
    looks: Mapping[str, style.ModelLook],
    name: str,
    *,
    filled: bool,
) -> None:
    for variant in dict.fromkeys(one.variant for one in scores):
        own = [one for one in scores if one.variant == variant and getattr(one, name) is not None]
        look = looks[variant]
        x, y = [one.percent for one in own], [getattr(one, name) for one in own]
        panel.errorbar(
            x,
            y,
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
