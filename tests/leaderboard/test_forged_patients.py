"""Patients are the board's own: a submission that brings some changes no number, whoever looks at it."""

from __future__ import annotations

import datetime
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_up_predictions import evaluated
from submissions_on_disk import PLAIN, edit_json, place

from medimeta_c.format.benchmark import Benchmark
from medimeta_c.leaderboard import ReleaseConfig, SubmissionPreview, preview, release
from medimeta_c.leaderboard.accepted import accept
from medimeta_c.leaderboard.checks import check_submission
from medimeta_c.leaderboard.site.board import read_boards
from medimeta_c.leaderboard.submission import described
from medimeta_c.leaderboard.validation import validate
from medimeta_c.metrics.values import Estimate

DAY = datetime.date(2026, 11, 28)


@pytest.fixture(scope="module")
def honest(slides: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A board's repository with one submission. Read only."""
    root = tmp_path_factory.mktemp("honest")
    place(root, evaluated(root / "run", slides, skill=0.6), described(PLAIN, declared=True))
    return root


@pytest.fixture
def forged(honest: Path, slides: Benchmark, tmp_path: Path) -> Path:
    """The same, whose submission brings patients of its own: each image is one, in a file that it names."""
    root = Path(shutil.copytree(honest, tmp_path / "board"))
    (folder,) = (path.parent for path in root.glob("results/*/*/*/result.json"))
    ids = sorted(slides.groups("test")["slides"])
    columns = {
        "dataset": pa.array(["slides"] * len(ids)),
        "split": pa.array(["test"] * len(ids)),
        "image_id": pa.array(ids),
        "group": pa.array(range(len(ids)), pa.int32()),
    }
    (folder / "stats").mkdir()
    pq.write_table(pa.table(columns), folder / "stats/groups.parquet")
    shutil.copy(folder / "stats/groups.parquet", folder / "groups.parquet")

    def state(values: dict[str, dict[str, dict[str, str]]]) -> None:
        values["run"]["benchmark"]["groups_sha256"] = "ab" * 32

    edit_json(folder / "result.json", state)
    return root


def entry_numbers(root: Path, benchmark: Benchmark | None) -> Estimate:
    """The average accuracy, with its interval, that a board shows of its only submission."""
    boards = read_boards(root, baseline="none", benchmark=benchmark)
    (entry,) = next(one for one in boards if one.title.startswith("Other images")).entries
    assert entry.overall is not None
    return entry.overall.average_accuracy


def test_forged_patients_change_no_number(honest: Path, forged: Path, slides: Benchmark) -> None:
    """Over the board's own patients or, without its benchmark, over images; the two differ."""
    over_patients, over_images = entry_numbers(honest, slides), entry_numbers(honest, None)
    assert entry_numbers(forged, slides) == over_patients
    assert entry_numbers(forged, None) == over_images
    assert over_patients != over_images


def test_forged_patients_are_refused_in_a_tree(forged: Path, slides: Benchmark) -> None:
    """They are no part of a submission; alone, where files beside are not looked at, nothing reads them."""
    tree, found = validate([forged], accept(slides))
    assert not tree.ok
    (problem,) = found.problems
    assert "also holds groups.parquet, stats, not part of a submission" in problem
    assert check_submission(found.folder, accept(slides)).problems == ()


def test_releases_and_previews_take_the_boards_patients(
    honest: Path, forged: Path, slides: Benchmark, tmp_path: Path
) -> None:
    """What is frozen or previewed with the benchmark has its patients too."""
    numbers = entry_numbers(honest, slides)
    config = ReleaseConfig(name="v1", results=forged, baseline="none", benchmark=slides, day=DAY)
    made = release(config).release
    text = json.dumps(made.boards)
    assert json.dumps([numbers.low, numbers.high])[1:-1].split(", ")[0] in text
    (folder,) = (path.parent for path in forged.glob("results/*/*/*/result.json"))
    shown = SubmissionPreview(folder=folder, out=tmp_path / "out", baseline="none", benchmark=slides)
    ((_, entry),) = preview(shown).rows
    assert entry.overall is not None
    assert entry.overall.average_accuracy == numbers
