"""``report.md``: the verdict and the tables, for reading in a repository."""

from __future__ import annotations

import json

from medimeta_c.io.markdown import environment
from medimeta_c.io.tables.markdown import markdown
from medimeta_c.io.templating import templates_folder
from medimeta_c.reports.tables import further_tables, main_tables, severity_table
from medimeta_c.reports.verdict import verdict
from medimeta_c.results.paraphrases.record import PromptsSweep
from medimeta_c.results.result import Result

__all__ = ["render_markdown"]

_TEMPLATE = "report.md.jinja"


def render_markdown(result: Result, sweep: PromptsSweep | None = None) -> str:
    """Return the report of a result as Markdown; untrusted text is escaped."""
    templates = environment(templates_folder())
    templates.filters["table"] = markdown
    return templates.get_template(_TEMPLATE).render(
        result=result,
        run=result.run,
        verdict=verdict(result),
        tables=main_tables(result),
        more=further_tables(result, sweep),
        by_severity=[severity_table(result, name) for name in result.scope.corruptions],
        preprocessing=json.dumps(result.run.preprocessing, sort_keys=True, ensure_ascii=False),
    )
