"""``report.html``: one self-contained page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from medimeta_c.errors import ConfigError
from medimeta_c.figures.svg.reliability import reliability_diagram
from medimeta_c.figures.svg.severity_curves import severity_curves
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.display import display_name
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.io.tables.html import SHADES, html
from medimeta_c.io.tables.table import Table
from medimeta_c.io.templating import environment, templates_folder, visible
from medimeta_c.metrics.summary import CellScore
from medimeta_c.reports.cautions import notes, warnings
from medimeta_c.reports.changed import most_changed, thumbnails
from medimeta_c.reports.confusion import confusion_table
from medimeta_c.reports.headlines import headlines
from medimeta_c.reports.ranges import Ranges, ranges
from medimeta_c.reports.tables import ALL, MOST_LOST, further_tables, lost_table, main_tables, severity_table
from medimeta_c.results.assessment.confidence_numbers import Confidence
from medimeta_c.results.assessment.confidence_tables import confidence_tables
from medimeta_c.results.assessment.loss import Assessment
from medimeta_c.results.assessment.verdict import Verdict, verdict
from medimeta_c.results.cells import percent
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.paraphrases.record import PromptsSweep
from medimeta_c.results.paraphrases.views import prompts_sentence
from medimeta_c.results.result import Result

__all__ = ["render_html"]

_TEMPLATE = "report.html.jinja"


def render_html(
    found: Assessment,
    confidence: Confidence,
    benchmark: Benchmark | None = None,
    sweep: PromptsSweep | None = None,
) -> str:
    """Return the report of a result as a page of its own; untrusted text is escaped.

    Parameters
    ----------
    found : Assessment
        What the result says.
    confidence : Confidence
        How far its probabilities can be trusted.
    benchmark : Benchmark, optional
        What was scored, for pictures.
    sweep : PromptsSweep, optional
        The sweep over prompts beside the result.

    Raises
    ------
    ConfigError
        If the benchmark is another than the one scored.
    """
    result = found.saved.result
    if benchmark is not None and benchmark.fingerprint != result.run.benchmark.fingerprint:
        raise ConfigError(
            f"{benchmark.name} is not the benchmark that was scored (fingerprint "
            f"{benchmark.fingerprint[:12]}, the result has {result.run.benchmark.fingerprint[:12]}): "
            "give that one, or none"
        )
    said = verdict(found)
    return (
        _environment()
        .get_template(_TEMPLATE)
        .render(
            result=result,
            run=result.run,
            name=f"{_short_name(result.run.model.spec)}{result.run.added}",
            said=said,
            parts=_parts(said, "" if sweep is None else prompts_sentence(sweep, result)),
            warnings=warnings(result),
            notes=notes(result),
            headlines=headlines(found),
            ranges=list(_ranges(found)),
            shades=SHADES,
            most_lost=MOST_LOST,
            tables=[*main_tables(result), *confidence_tables(confidence)],
            more=further_tables(result, sweep),
            sections=list(_sections(found, confidence, benchmark)),
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


def _parts(said: Verdict, prompts: str) -> dict[str, str]:
    """Return the sentences under the judgement and that on prompts, by what they answer."""
    parts = {
        "What it knows": said.knows,
        "What it loses": said.loses,
        "What it gets wrong": said.errors,
        "How sure that is": said.sure,
        "How much hangs on the prompts": prompts,
    }
    return {question: answer for question, answer in parts.items() if answer}


def _ranges(found: Assessment) -> Iterator[Ranges]:
    """Yield points lost and, where there is a baseline, mCE, for each dataset and for all."""
    result, loss, rival = found.saved.result, found.loss, found.rival
    datasets = result.scope.datasets
    lost = {name: loss.datasets[name].lost.points for name in datasets}
    mce = {name: result.scores.datasets[name].mce for name in datasets}
    theirs = {} if rival is None else {name: rival.loss.datasets[name].lost.points for name in datasets}
    if len(datasets) > 1:
        lost = {ALL: loss.overall.lost.points, **lost}
        mce = {ALL: result.scores.overall.mce, **mce}
        theirs |= {} if rival is None else {ALL: rival.loss.overall.lost.points}
    yield ranges(
        "Points lost to corruption",
        "Clean accuracy minus accuracy under corruption; less is better."
        + ("" if rival is None else f" Rings are {rival.model}."),
        lost,
        line=(0.0, "nothing lost"),
        others=theirs,
    )
    baseline = result.meaningful_baseline
    if baseline is not None and any(one.value is not None for one in mce.values()):
        yield ranges(
            "mCE",
            f"Errors under corruption in percent of those of {baseline.model}; less is better.",
            mce,
            line=(1.0, "as many, 100"),
        )


def _sections(
    found: Assessment, confidence: Confidence, benchmark: Benchmark | None
) -> Iterator[dict[str, Any]]:
    """Yield what the page shows of each dataset."""
    saved, result = found.saved, found.saved.result
    for dataset in result.scope.corruptions:
        entry = result.run.benchmark.dataset(dataset)
        changes = most_changed(saved, dataset) if benchmark is not None else ()
        pictures = {}
        if benchmark is not None:
            pairs = ((key, one.image_id) for one in changes for key in (one.clean, one.corrupted))
            pictures = thumbnails(benchmark, pairs)
        curves = severity_curves(result, dataset, found.loss.datasets[dataset].chance)
        yield {
            "dataset": dataset,
            "title": entry.title,
            "lost": lost_table(result, dataset),
            "curves": {display_name(name): drawn for name, drawn in curves.items()},
            "reliability": _reliability(confidence, dataset),
            "confusion": _confusion(saved, dataset),
            "severities": severity_table(result, dataset),
            "changes": tuple(
                (one, pictures[one.clean, one.image_id], pictures[one.corrupted, one.image_id])
                for one in changes
            ),
            "class_names": entry.class_names,
        }


def _reliability(confidence: Confidence, dataset: str) -> Markup | None:
    """Return the diagram of a dataset's clean and of its corrupted images; None without probabilities."""
    parts = {"clean": confidence.datasets[dataset].clean, "corrupted": confidence.datasets[dataset].corrupted}
    series = {name: one.bins for name, one in parts.items() if one.bins is not None}
    if not series:
        return None
    return reliability_diagram(series, f"Accuracy on {dataset} by confidence, clean and corrupted")


def _worst_cell(result: Result, dataset: str) -> CellScore | None:
    """Return the corrupted cell with the lowest accuracy."""
    cells = [
        cell
        for cell in result.scores.cells
        if cell.dataset == dataset and cell.corruption != CLEAN and not cell.invalid
    ]
    return min(cells, key=lambda cell: (cell.correct / cell.n, cell.key), default=None)


def _confusion(saved: SavedResult, dataset: str) -> tuple[Table, ...]:
    """Return the confusion on clean images and that of the worst cell; nothing without either."""
    run, worst = saved.result.run, _worst_cell(saved.result, dataset)
    clean = saved.predictions.get(SetKey(dataset, run.split, CLEAN, 0))
    if clean is None or worst is None:
        return ()
    names = run.benchmark.dataset(dataset).class_names
    cells = {"Clean": clean, _condition(worst.key): saved.predictions[worst.key]}
    return tuple(confusion_table(cell, names, title) for title, cell in cells.items())
