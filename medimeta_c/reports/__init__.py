"""Reports of a result: Markdown, one HTML page, and tables for the terminal. They read files only."""

from __future__ import annotations

from pathlib import Path

from medimeta_c.format.benchmark import Benchmark
from medimeta_c.io.files import write_atomic
from medimeta_c.reports.html import render_html
from medimeta_c.reports.markdown import render_markdown
from medimeta_c.results.folder import SavedResult
from medimeta_c.results.paraphrases.views import readable_sweep

__all__ = ["HTML_NAME", "MARKDOWN_NAME", "write_reports"]

MARKDOWN_NAME = "report.md"
HTML_NAME = "report.html"


def write_reports(saved: SavedResult, benchmark: Benchmark | None = None) -> tuple[Path, Path]:
    """Write ``report.md`` and ``report.html`` into a result's folder, each atomically.

    Parameters
    ----------
    saved : SavedResult
        The result.
    benchmark : Benchmark, optional
        What was scored; with it the page shows the images that corruption changed most.

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
    markdown, html = saved.path / MARKDOWN_NAME, saved.path / HTML_NAME
    sweep = readable_sweep(saved.path, saved.result)
    write_atomic(markdown, render_markdown(saved.result, sweep).encode())
    write_atomic(html, render_html(saved, benchmark, sweep).encode())
    return markdown, html
