"""What a competitor may try for a better number than the model deserves, every number following from rows."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import yaml
from made_up_predictions import ENVIRONMENT, PLAN, answers, evaluated, identity
from submissions_on_disk import PLAIN, edit_json, place, resubmitted
from typer.testing import CliRunner

from medimeta_c.cli import app
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.leaderboard.accepted import Accepted
from medimeta_c.leaderboard.checks import check_submission
from medimeta_c.leaderboard.evalresults import model_eval_yaml
from medimeta_c.leaderboard.submission import described
from medimeta_c.leaderboard.validation import validate
from medimeta_c.metrics.grid import Scope
from medimeta_c.results.folder.adding import open_result_folder
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.predictions import CellPredictions
from medimeta_c.results.scoring import Terms, make_result, scope_of

Submitted = Callable[..., Path]
OTHER = {"weights_sha256": "12" * 32}


def rewritten(folder: Path) -> Path:
    """The same predictions in another order, in a file of other bytes."""
    path = folder / "predictions.parquet"
    table = pq.read_table(path)
    pq.write_table(table.take(np.random.default_rng(3).permutation(len(table))), path, compression="snappy")
    return folder


def answered(cell: CellPredictions, probabilities: Any) -> CellPredictions:
    """Other answers to the same images."""
    return CellPredictions.of(cell.key, cell.image_ids, cell.labels, probabilities)


def test_the_order_of_rows_changes_nothing(submitted: Submitted, accepted: Accepted) -> None:
    """Rows belong to their image ids: shuffled, every number and interval still follows."""
    assert check_submission(rewritten(submitted()), accepted).ok


def test_anothers_answers_in_another_file_are_a_copy(
    submitted: Submitted, benchmark: Benchmark, tmp_path: Path
) -> None:
    """Shuffled, compressed otherwise, under other weights and name, on one dataset or all: still a copy."""
    first = submitted()
    for datasets in (["cells", "rays"], ["rays"]):
        out = tmp_path / "-".join(datasets)
        same = evaluated(out / "run", benchmark, skill=2.5, datasets=datasets, model=OTHER)
        copy = rewritten(place(out, same, described({**PLAIN, "name": "Mine"}, declared=True)))
        (found,) = validate([copy], None, among=tmp_path / "results")
        assert found.problems == (f"{copy} is a copy of {first}: the same run or predictions",)


def test_answers_to_clean_images_do_not_pass_for_all(benchmark: Benchmark, tmp_path: Path) -> None:
    """The clean set's probabilities in every cell would be a model that no corruption touches."""
    cells = answers(benchmark)
    clean = {key.dataset: cell for key, cell in cells.items() if key.severity == 0}
    forged = {key: replace(clean[key.dataset], key=key) for key in cells}
    (problem,) = check_submission(resubmitted(benchmark, tmp_path, forged), None).problems
    assert "has exactly the same probabilities as cells/test/" in problem


def test_decisions_and_a_constant_may_repeat(benchmark: Benchmark, tmp_path: Path) -> None:
    """A model that only decides, or that answers all images alike, repeats itself in good faith."""
    honest = answers(benchmark)
    sizes = {key: one.probabilities.shape[1] for key, one in honest.items()}
    decided = {key: answered(one, np.eye(sizes[key])[one.labels]) for key, one in honest.items()}
    assert check_submission(resubmitted(benchmark, tmp_path / "decided", decided), None).ok
    even = {
        key: answered(one, np.full((len(one), sizes[key]), 1 / sizes[key])) for key, one in honest.items()
    }
    assert check_submission(resubmitted(benchmark, tmp_path / "even", even), None).ok


def test_an_easy_corruption_of_ones_own_is_refused(
    benchmark: Benchmark, accepted: Accepted, tmp_path: Path
) -> None:
    """A corruption that the benchmark has not would raise every mean."""
    whole = scope_of(benchmark.manifest)
    scope = Scope(
        corruptions={name: (*row, "easy") for name, row in whole.corruptions.items()},
        severities=whole.severities,
        split=whole.split,
    )
    cells = answers(benchmark)
    for key in scope.cells():
        if key not in cells:
            one = next(cell for other, cell in cells.items() if other.dataset == key.dataset)
            right = np.eye(one.probabilities.shape[1])[one.labels]
            cells[key] = answered(replace(one, key=key), right)
    run = identity(benchmark)
    made = make_result(run, ENVIRONMENT, cells, Terms(scope=scope, baseline=None, resampling=PLAN))
    with open_result_folder(tmp_path / "run", run) as folder:
        saved = folder.finish(made, cells)
    (problem,) = check_submission(place(tmp_path, saved, described(PLAIN, declared=True)), accepted).problems
    assert "cells was not scored on its grid (missing corruptions: none; unexpected: easy;" in problem


def test_part_of_a_grid_is_refused_with_the_benchmark_at_hand(
    submitted: Submitted, benchmark: Benchmark, tmp_path: Path
) -> None:
    """``--benchmark`` holds a submission against the whole grid, as the accepted file does."""
    folder = submitted()

    def cut(values: Any) -> None:
        values["scope"]["severities"] = [1, 2]
        values["scores"]["cells"] = [one for one in values["scores"]["cells"] if one["severity"] < 3]

    edit_json(folder / "result.json", cut)
    done = CliRunner().invoke(app, ["leaderboard", "validate", str(folder), "--benchmark", benchmark.name])
    assert done.exit_code == 1
    assert "severities [1, 2] of [1, 2, 3, 4, 5]" in done.stdout


def test_one_name_is_on_a_board_once(
    submitted: Submitted, accepted: Accepted, benchmark: Benchmark, tmp_path: Path
) -> None:
    """The fingerprint of a whole build, which only names the folder, makes no second place for a name."""
    first = submitted()
    other = evaluated(tmp_path / "other", benchmark, skill=1.0, seed=5, model=OTHER)
    second = submitted(other, root=tmp_path / "second")
    edit_json(second / "result.json", lambda values: values["run"]["benchmark"].update(fingerprint="ee" * 32))
    second = Path(shutil.move(second, second.parent / ("ee" * 6)))
    (found,) = validate([tmp_path / "second"], accepted, among=tmp_path / "results")
    assert found.problems[0].startswith(f"{second} has the same place as {first}: give it another name")


def test_a_baseline_of_ones_own_is_named(
    benchmark: Benchmark, weak: SavedResult, accepted: Accepted, tmp_path: Path
) -> None:
    """Whoever divides by a weak model has a fine mCE: the check and the model's own file say over what."""
    made = evaluated(tmp_path / "run", benchmark, skill=1.0, baseline=str(weak.path))
    found = check_submission(place(tmp_path, made, described(PLAIN, declared=True)), accepted)
    assert found.ok
    assert found.notes[0].startswith(f"its CE and mCE are divided by {weak.name}, the submitter's own")
    entries = yaml.safe_load(model_eval_yaml(made.result, "org/x", "https://example.org"))
    assert all(f"over {weak.name} (ViT-B-16/openai)" in entry["notes"] for entry in entries)


def test_adapters_said_to_be_no_adaptation_are_noted(
    benchmark: Benchmark, accepted: Accepted, tmp_path: Path
) -> None:
    """RobustMedCLIP's adapters are trained on datasets: of one submitted as base a maintainer reads so."""
    model = {"family": "robustmedclip"}
    made = evaluated(tmp_path / "run", benchmark, spec="robustmedclip:org/adapters", model=model)
    note = "a robustmedclip model is adapted to some datasets, but its adaptation is stated as base"
    for adaptation, overlap, notes in (("base", "none", (note,)), ("few-shot", "train", ())):
        said = described({**PLAIN, "adaptation": adaptation, "overlap": overlap}, declared=True)
        assert check_submission(place(tmp_path / adaptation, made, said), accepted).notes == notes
