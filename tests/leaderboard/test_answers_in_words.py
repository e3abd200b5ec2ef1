"""Submissions of models that answer in words: checked like others, with what they left unanswered beside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_predictions import answers
from submissions_on_disk import edit_json, resubmitted

from medimeta_c.format.benchmark import Benchmark
from medimeta_c.leaderboard.accepted import Accepted
from medimeta_c.leaderboard.checks import check_submission
from medimeta_c.leaderboard.site.writing import SiteConfig, build_site
from medimeta_c.results.predictions import NO_ANSWER, CellPredictions


@pytest.fixture
def folder(benchmark: Benchmark, tmp_path: Path) -> Path:
    """A submission in which every fourth image of each set has no answer."""
    cells = {}
    for key, cell in answers(benchmark).items():
        chosen = np.where(np.arange(len(cell)) % 4 == 0, NO_ANSWER, cell.predictions)
        cells[key] = CellPredictions.of(key, cell.image_ids, cell.labels, None, predictions=chosen)
    decoding = {"mode": "generate", "orders": 1}
    return resubmitted(benchmark, tmp_path / "results", cells, prompts=None, decoding=decoding)


def test_the_share_without_an_answer_is_counted_again(folder: Path, accepted: Accepted) -> None:
    assert check_submission(folder, accepted).ok

    def flatter(values: Any) -> None:
        values["scores"]["cells"][0]["unanswered"] = 0

    edit_json(folder / "result.json", flatter)
    (problem,) = check_submission(folder, accepted).problems
    assert "unanswered of" in problem


def test_the_board_shows_the_share_without_an_answer(folder: Path, tmp_path: Path) -> None:
    """In the table, and on the model's own page."""
    build_site(SiteConfig(results=folder.parents[2], out=tmp_path / "site"))
    assert "no answer 25.0 %" in (tmp_path / "site/index.html").read_text()
    pages = [page.read_text() for page in (tmp_path / "site/models").glob("*.html")]
    assert sum("no answer 25.0 %" in page for page in pages) == 1
