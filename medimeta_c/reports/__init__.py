"""Reports of a result: Markdown, one HTML page, and tables for the terminal. They read files only."""

from __future__ import annotations

from pathlib import Path

from medimeta_c.format.benchmark import Benchmark
from medimeta_c.io.files import write_atomic
from medimeta_c.reports.html import render_html
from medimeta_c.reports.markdown import render_markdown
from medimeta_c.results.assessment.loss import assess
from medimeta_c.results.baseline_choice import ChosenBaseline
from medimeta_c.results.folder import SavedResult

__all__ = ["HTML_NAME", "MARKDOWN_NAME", "write_reports"]

MARKDOWN_NAME = "report.md"
HTML_NAME = "report.html"


def write_reports(
    saved: SavedResult, benchmark: Benchmark | None = None, baseline: ChosenBaseline | None = None
) -> tuple[Path, Path]:
    """Write ``report.md`` and ``report.html`` into a result's folder, each atomically.

    Parameters
    ----------
    saved : SavedResult
        The result.
    benchmark : Benchmark, optional
        What was scored; with it the page shows the images that corruption changed most.
    baseline : ChosenBaseline, optional
        What errors were divided by, with predictions to pair with; see `assess`.

    Returns
    -------
    tuple of Path
        The two files.

    Raises
    ------
    ConfigError
        If the benchmark is another than the one scored.
    WriteError
        If a file cannot be written.
    """
    found = assess(saved, baseline)
    markdown, html = saved.path / MARKDOWN_NAME, saved.path / HTML_NAME
    write_atomic(markdown, render_markdown(found).encode())
    write_atomic(html, render_html(found, benchmark).encode())
    return markdown, html
