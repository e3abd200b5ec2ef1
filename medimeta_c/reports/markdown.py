"""``report.md``: the verdict and the tables, for reading in a repository."""

from __future__ import annotations

import json

from medimeta_c.io.markdown import environment
from medimeta_c.io.tables.markdown import markdown
from medimeta_c.io.templating import templates_folder
from medimeta_c.reports.cautions import notes, warnings
from medimeta_c.reports.headlines import headline_table, headlines
from medimeta_c.reports.tables import further_tables, lost_table, main_tables, severity_table
from medimeta_c.results.assessment.confidence_numbers import Confidence
from medimeta_c.results.assessment.confidence_tables import confidence_tables
from medimeta_c.results.assessment.loss import Assessment
from medimeta_c.results.assessment.verdict import verdict
from medimeta_c.results.paraphrases.record import PromptsSweep
from medimeta_c.results.paraphrases.views import prompts_sentence

__all__ = ["render_markdown"]

_TEMPLATE = "report.md.jinja"


def render_markdown(found: Assessment, confidence: Confidence, sweep: PromptsSweep | None = None) -> str:
    """Return the report of a result as Markdown; untrusted text is escaped."""
    templates = environment(templates_folder())
    templates.filters["table"] = markdown
    result = found.saved.result
    return templates.get_template(_TEMPLATE).render(
        result=result,
        run=result.run,
        said=verdict(found),
        prompts="" if sweep is None else prompts_sentence(sweep, result),
        warnings=warnings(result),
        notes=notes(result),
        headlines=headline_table(headlines(found)),
        tables=main_tables(result),
        more=[*confidence_tables(confidence), *further_tables(result, sweep)],
        lost=[lost_table(result, name) for name in result.scope.corruptions],
        by_severity=[severity_table(result, name) for name in result.scope.corruptions],
        preprocessing=json.dumps(result.run.preprocessing, sort_keys=True, ensure_ascii=False),
    )
