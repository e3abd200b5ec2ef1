"""``report.html``: one self-contained page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from medimeta_c.errors import ConfigError
from medimeta_c.figures.svg.confusion import confusion, confusion_counts
from medimeta_c.figures.svg.elements import svg
from medimeta_c.figures.svg.severity_curves import severity_curves
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.display import display_name
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.io.tables.html import SHADES, html
from medimeta_c.io.templating import environment, templates_folder, visible
from medimeta_c.metrics.summary import CellScore
from medimeta_c.metrics.values import Estimate
from medimeta_c.reports.changed import most_changed, thumbnails
from medimeta_c.reports.tables import ALL, further_tables, main_tables, severity_table
from medimeta_c.reports.verdict import verdict
from medimeta_c.results.cells import interval_text, percent
from medimeta_c.results.folder import SavedResult
from medimeta_c.results.paraphrases.record import PromptsSweep
from medimeta_c.results.result import Result

__all__ = ["render_html"]

_TEMPLATE = "report.html.jinja"


def render_html(
    saved: SavedResult, benchmark: Benchmark | None = None, sweep: PromptsSweep | None = None
) -> str:
    """Return the report of a result as a page of its own; untrusted text is escaped.

    Parameters
    ----------
    saved : SavedResult
        The result.
    benchmark : Benchmark, optional
        What was scored, for pictures.
    sweep : PromptsSweep, optional
        The sweep over prompts beside the result.

    Raises
    ------
    ConfigError
        If the benchmark is another than the one scored.
    """
    result = saved.result
    if benchmark is not None and benchmark.fingerprint != result.run.benchmark.fingerprint:
        raise ConfigError(
            f"{benchmark.name} is not the benchmark that was scored (fingerprint "
            f"{benchmark.fingerprint[:12]}, the result has {result.run.benchmark.fingerprint[:12]}): "
            "give that one, or none"
        )
    bars, hundred = _bars(result)
    return (
        _environment()
        .get_template(_TEMPLATE)
        .render(
            result=result,
            run=result.run,
            name=f"{_short_name(result.run.model.spec)}{result.run.added}",
            verdict=verdict(result),
            bars=bars,
            hundred=hundred,
            shades=SHADES,
            tables=main_tables(result),
            more=further_tables(result, sweep),
            sections=list(_sections(saved, benchmark)),
            pictures=benchmark is not None,
            images=sum(entry.images for entry in result.run.benchmark.datasets),
            preprocessing=json.dumps(result.run.preprocessing, sort_keys=True, ensure_ascii=False, indent=1),
        )
    )


def _environment() -> Environment:
    templates = environment(templates_folder(), visible)
    templates.filters.update(percent=percent, condition=_condition, table=html)
    return templates


def _short_name(spec: str) -> str:
    """Return the part of a spec that tells models apart at a glance: the last component."""
    return re.split(r"[/\\]", spec.rstrip("/\\"))[-1] if not spec.startswith("python:") else spec


def _condition(key: SetKey) -> str:
    return "clean" if key.corruption == CLEAN else f"{display_name(key.corruption)}, severity {key.severity}"


def _bars(result: Result) -> tuple[list[dict[str, Any]], float]:
    """Return mCE by dataset and overall, in percent of one scale's width, and where 100 % lies on it.

    There are none without a baseline.
    """
    named: list[tuple[str, Estimate]] = [
        (name, result.scores.datasets[name].mce) for name in result.scope.corruptions
    ]
    if len(named) > 1:
        named.insert(0, (ALL, result.scores.overall.mce))
    ends = [end for _, one in named for end in (one.value, one.high) if end is not None]
    if not ends:
        return [], 0.0
    scale = 100 / max(1.25, 1.04 * max(ends))
    bars = [
        {
            "name": name,
            "value": percent(one.value),
            "interval": interval_text(one),
            "at": None if one.value is None else scale * one.value,
            "start": None if one.low is None else scale * one.low,
            "end": None if one.high is None else scale * one.high,
        }
        for name, one in named
    ]
    return bars, scale


def _sections(saved: SavedResult, benchmark: Benchmark | None) -> Iterator[dict[str, Any]]:
    """Yield what the page shows of each dataset."""
    result = saved.result
    for dataset in result.scope.corruptions:
        entry = result.run.benchmark.dataset(dataset)
        changes = most_changed(saved, dataset) if benchmark is not None else ()
        pictures = {}
        if benchmark is not None:
            pairs = ((key, one.image_id) for one in changes for key in (one.clean, one.corrupted))
            pictures = thumbnails(benchmark, pairs)
        worst = _worst_cell(result, dataset)
        yield {
            "dataset": dataset,
            "title": entry.title,
            "curves": Markup(
                svg(
                    severity_curves(result, dataset),
                    f"curves-{dataset}",
                    f"Accuracy on {dataset} by corruption and severity",
                )
            ),
            "confusion": _confusion(saved, dataset, worst),
            "severities": severity_table(result, dataset),
            "changes": tuple(
                (one, pictures[one.clean, one.image_id], pictures[one.corrupted, one.image_id])
                for one in changes
            ),
            "class_names": entry.class_names,
        }


def _worst_cell(result: Result, dataset: str) -> CellScore | None:
    """Return the corrupted cell with the lowest accuracy."""
    cells = [
        cell
        for cell in result.scores.cells
        if cell.dataset == dataset and cell.corruption != CLEAN and not cell.invalid
    ]
    return min(cells, key=lambda cell: (cell.correct / cell.n, cell.key), default=None)


def _confusion(saved: SavedResult, dataset: str, worst: CellScore | None) -> Markup | None:
    """Return the confusion on clean images beside that of the worst cell; None without either."""
    run = saved.result.run
    names = run.benchmark.dataset(dataset).class_names
    clean = saved.predictions.get(SetKey(dataset, run.split, CLEAN, 0))
    if clean is None or worst is None:
        return None
    cells = {"Clean": clean, _condition(worst.key): saved.predictions[worst.key]}
    matrices = {
        title: confusion_counts(cell.labels, cell.predictions, len(names)) for title, cell in cells.items()
    }
    figure = confusion(matrices, names)
    return Markup(svg(figure, f"confusion-{dataset}", f"Confusion matrices of {dataset}", own_size=True))
