"""Figure of probes: accuracy on clean and corrupted images over the number of shots."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.legend import below, sample
from medimeta_c.figures.drawing.looks import Look
from medimeta_c.figures.drawing.modellooks import model_looks
from medimeta_c.figures.exhibit import Picture, paged
from medimeta_c.results.ablation import Scored
from medimeta_c.results.probes import ProbeRun, Probes

__all__ = ["pictures", "probe_figure"]

_CLEAN, _CORRUPTED = "clean_accuracy", "average_accuracy"
_HOLLOW: dict[str, Any] = {"markerfacecolor": "white", "linewidth": 0.7, "linestyle": "--"}
_FILLED: dict[str, Any] = {"linewidth": 1.3, "linestyle": "-"}
_ACROSS, _MOST_ROWS = 2, 3


def pictures(probes: Probes) -> list[Picture]:
    """Return accuracy over the number of shots: of all datasets together, then of each of several."""
    every = probes.datasets if len(probes.datasets) > 1 else ()
    panels = ["", *every]
    return [
        Picture(
            name=f"probes{page}",
            caption=f"Heads trained on the features of {probes.model}; shots of each class of the "
            f"{probes.draw_from} split stand at equal distances. Hollow and dashed: clean images; filled: "
            "mean over corruptions and severities. Bars: sample standard deviation over seeds.",
            figure=probe_figure(probes, shown),
            header=(
                "dataset",
                "head",
                "shots",
                "seeds",
                _CLEAN,
                f"{_CLEAN}_sd",
                _CORRUPTED,
                f"{_CORRUPTED}_sd",
            ),
            rows=[
                (name or "all", runs[0].head, _shots(runs[0]), len(runs), *_spread(runs, name))
                for name in shown
                for runs in probes.grouped()
            ],
        )
        for page, shown in paged(panels, _MOST_ROWS, _ACROSS)
    ]


def probe_figure(probes: Probes, datasets: Sequence[str]) -> Figure:
    """Draw a panel for each dataset; an empty name stands for all together.

    Parameters
    ----------
    probes : Probes
        The scores.
    datasets : sequence of str
        What is drawn.
    """
    looks = model_looks([run.title for run in probes.runs])
    across = min(_ACROSS, len(datasets))
    down = -(-len(datasets) // across)
    with style.context():
        wide = style.PAGE_INCHES if across > 1 else style.COLUMN_INCHES
        figure, panels = style.page(wide, 2.3 * down, down, across)
        for panel in panels.flat[len(datasets) :]:
            panel.set_axis_off()
        for panel, name in zip(panels.flat, datasets, strict=False):
            _draw(panel, probes, name, looks)
        handles = [
            sample(title, **(looks[title].strokes | {"linestyle": "-"}), markersize=looks[title].size(5))
            for title in dict.fromkeys(run.title for run in probes.runs)
        ]
        plain: dict[str, Any] = {"color": "#444444", "marker": "o", "markersize": 5}
        below(figure, [*handles, sample("under corruption", **plain), sample("clean", **plain, **_HOLLOW)])
    return figure


def _draw(panel: Axes, probes: Probes, name: str, looks: dict[str, Look]) -> None:
    ticks = sorted({_place(run.shots) for run in probes.runs if run.shots != 0}) or [0]
    for field, how in ((_CLEAN, _HOLLOW), (_CORRUPTED, _FILLED)):
        points: dict[str, list[tuple[float, float, float]]] = {}
        for runs in probes.grouped():
            mean, spread = _mean([_number(run, name, field) for run in runs])
            if mean is None:
                continue
            if runs[0].shots == 0:
                panel.axhline(mean, color=looks[runs[0].title].colour, **_line(how), zorder=1)
            else:
                points.setdefault(runs[0].title, []).append(
                    (ticks.index(_place(runs[0].shots)), mean, spread or 0.0)
                )
        for title, each in points.items():
            across, up, bars = zip(*sorted(each), strict=True)
            look = looks[title]
            strokes = look.strokes | how
            panel.errorbar(
                across, up, yerr=bars, **strokes, markersize=look.size(5), elinewidth=0.7, capsize=2
            )
    words = ["all" if place == float("inf") else f"{place:g}" for place in ticks]
    panel.set_xticks(range(len(ticks)), words)
    panel.set(xlabel="Shots of each class", ylabel="Accuracy (%)")
    panel.set_title(name or ("All datasets" if len(probes.datasets) > 1 else ""))
    panel.set_ylim(0, 103)
    style.rules(panel, "y")


def _line(how: dict[str, Any]) -> dict[str, Any]:
    return {name: how[name] for name in ("linewidth", "linestyle")}


def _place(shots: int | None) -> float:
    return float("inf") if shots is None else float(shots)


def _shots(run: ProbeRun) -> str | int:
    return "all" if run.shots is None else run.shots


def _number(run: ProbeRun, dataset: str, field: str) -> float | None:
    scored: Scored = run.datasets[dataset] if dataset else run.scored
    value: float | None = getattr(scored, field)
    return None if value is None else 100 * value


def _mean(values: Sequence[float | None]) -> tuple[float | None, float | None]:
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None, None
    return statistics.fmean(known), statistics.stdev(known) if len(known) > 1 else None


def _spread(runs: Sequence[ProbeRun], dataset: str) -> tuple[float | None, ...]:
    clean, corrupted = (
        _mean([_number(run, dataset, field) for run in runs]) for field in (_CLEAN, _CORRUPTED)
    )
    return (*clean, *corrupted)
