"""Scores of results on disk: one name a model, one baseline a dataset, one build."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.errors import ConfigError
from medimeta_c.format.benchmark import Benchmark, open_benchmark
from medimeta_c.paper import find_results, scores_of
from medimeta_c.results.folder.saved import SavedResult

Evaluate = Callable[..., SavedResult]


@pytest.fixture
def evaluate(benchmark: Benchmark, tmp_path: Path) -> Evaluate:
    """Write the result of a made-up model below `tmp_path`, each call into a folder of its own."""
    from made_up_predictions import evaluated

    calls = iter(range(100))

    def run(on: Benchmark = benchmark, **changes: object) -> SavedResult:
        return evaluated(tmp_path / f"call-{next(calls)}", on, **changes)  # type: ignore[arg-type]

    return run


def test_one_model_has_one_name_on_all_its_datasets(evaluate: Evaluate, tmp_path: Path) -> None:
    """Results on other datasets join it; another on the same datasets is told apart by its folder."""
    evaluate(datasets=("cells",))
    evaluate(datasets=("rays",))
    found = find_results([str(tmp_path)])
    assert {name: len(results) for name, results in found.items()} == {"tiny": 2}
    assert {(row.model, row.dataset) for row in scores_of(found)} == {("tiny", "cells"), ("tiny", "rays")}
    evaluate(datasets=("rays",), precision="bf16")
    first, second = find_results([str(tmp_path)])
    assert first == "tiny" and second.startswith("tiny (")


def test_a_name_given_joins_what_it_names(evaluate: Evaluate) -> None:
    """NAME=PATH twice is one model, unless both are of one dataset."""
    cells, rays = evaluate(datasets=("cells",)), evaluate(datasets=("rays",))
    found = find_results([f"mine={cells.path}", f"mine={rays.path}"])
    assert {name: len(results) for name, results in found.items()} == {"mine": 2}
    with pytest.raises(ConfigError, match=r"two results are called 'mine'.*NAME=PATH"):
        find_results([f"mine={cells.path}", f"mine={cells.path}"])


def test_scores_of_two_builds_are_refused(
    evaluate: Evaluate, clean_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Other images of a dataset give scores that do not compare; the sentence names both."""
    out = tmp_path_factory.mktemp("other") / "benchmark"
    build(
        BuildConfig(
            datasets=("rays",), source="imagefolder", data_dir=clean_dir, out=out, severities=(1,), jobs=1
        )
    )
    one, other = evaluate(), evaluate(on=open_benchmark(out), spec="hf-hub:test/other")
    with pytest.raises(ConfigError, match=r"rays was scored on two different builds, \w{12} and \w{12}"):
        find_results([str(one.path), str(other.path)])


def test_the_baseline_itself_has_100_percent(evaluate: Evaluate, tmp_path: Path) -> None:
    """As the paper's tables print it, though it was scored without a baseline."""
    base = evaluate(spec="ViT-B-16/openai", skill=-1.5, seed=2)
    evaluate(baseline=str(base.path))
    rows = [row for row in scores_of(find_results([str(tmp_path)])) if row.model == "ViT-B-16/openai"]
    assert len(rows) == 2
    for row in rows:
        assert (row.clean_error, row.mce, set(row.ce.values())) == (100.0, 100.0, {100.0})


def test_errors_of_different_baselines_are_left_out(evaluate: Evaluate, tmp_path: Path) -> None:
    """CE divided by different models does not compare; accuracies do."""
    bases = [evaluate(spec=f"hf-hub:test/base{seed}", skill=-1.5, seed=seed) for seed in (2, 3)]
    for base in bases:
        evaluate(spec=f"hf-hub:test/divided-by-{base.result.run.model.spec[-1]}", baseline=str(base.path))
    rows = scores_of(find_results([str(tmp_path)]))
    assert len(rows) == 8
    assert all(row.mce is None and row.clean_error is None and not row.baseline for row in rows)
    assert all(row.average_accuracy is not None for row in rows)
