"""Several fractions and seeds: one folder a run, one table with mean and spread."""

from __future__ import annotations

import json
import shutil
import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from runs import weights

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.errors import ConfigError, ResultError, SourceError
from medimeta_c.finetuning import Ablation, AblationConfig, FinetuneConfig, ablate, finetune
from medimeta_c.finetuning.ablationtable import ablation_table, write_ablation
from medimeta_c.io.tables.table import UNDEFINED, mean_cell
from medimeta_c.results.ablation import AblationRun
from medimeta_c.results.folder.saved import read_saved
from medimeta_c.scoring.config import EvaluateConfig
from medimeta_c.scoring.evaluation import evaluate

Configure = Callable[..., FinetuneConfig]


@pytest.fixture(scope="module")
def benchmark_dir(images_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test split of both folders under two corruptions at one severity."""
    out = tmp_path_factory.mktemp("ablation") / "benchmark"
    build(
        BuildConfig(
            datasets=("cells", "rays"),
            source="imagefolder",
            data_dir=images_dir,
            corruptions=("contrast", "pixelate"),
            severities=(1,),
            out=out,
            jobs=1,
        )
    )
    return out


def test_ablation(configure: Configure, benchmark_dir: Path, tiny_model: str, tmp_path: Path) -> None:
    """Two fractions by two seeds: runs as if made alone, scores as `evaluate` gives them, and the table."""
    measured = evaluate(
        EvaluateConfig(model=tiny_model, benchmark=str(benchmark_dir), baseline="none", out=tmp_path / "base")
    )
    config = AblationConfig(
        run=configure(epochs=3),
        fractions=(0.25, 1.0),
        seeds=(0, 1),
        benchmark=str(benchmark_dir),
        baseline=str(measured.path),
    )
    heard: list[str] = []
    ablation = ablate(config, on_progress=lambda name, _: heard.append(name))
    out = config.run.out
    folders = [f"fewshot-{fraction}/seed-{seed}" for fraction in (0.25, 1.0) for seed in (0, 1)]
    assert [run.folder for run in ablation.runs] == folders
    assert list(dict.fromkeys(heard)) == ["base model", *folders]
    alone = configure(epochs=3, fraction=0.25, seed=1, out=tmp_path / "alone")
    finetune(alone)
    assert weights(out / "fewshot-0.25/seed-1") == weights(alone.out)

    assert ablation.base is not None
    assert ablation.base.mce == pytest.approx(1)
    for run in ablation.runs:
        (result,) = (out / run.folder / "results").glob("*/*/result.json")
        overall = read_saved(result).result.scores.overall
        assert run.scored is not None
        assert run.scored.mce == overall.mce.value
        assert run.scored.clean_accuracy == overall.clean_accuracy.value
    assert Ablation.model_validate_json((out / "ablation.json").read_bytes()) == ablation

    shown = ablation_table(ablation)
    assert [row[1].text for row in shown.rows] == ["0", "10", "40"]
    accuracies = [100 * run.scored.clean_accuracy for run in ablation.runs[2:] if run.scored]
    mean, std = statistics.mean(accuracies), statistics.stdev(accuracies)
    assert shown.rows[-1][shown.headers.index("Clean accuracy")].value == pytest.approx(mean)
    table = (out / "ablation.md").read_text()
    assert "| untuned | 0 | 0 |" in table
    assert f"| 100 % | 40 | {ablation.runs[2].trainable_parameters:,} |" in table
    assert f"| {mean:.1f} ± {std:.1f} |" in table
    lines = [line for line in table.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1
    assert len(lines) == 5

    assert ablate(config) == ablation


def test_without_a_benchmark(configure: Configure) -> None:
    """Nothing is scored: the table has the validation accuracy alone."""
    config = AblationConfig(run=configure(epochs=1), fractions=(0.5,), seeds=(0, 3))
    ablation = ablate(config)
    assert ablation.base is None
    assert {run.seed: run.scored for run in ablation.runs} == {0: None, 3: None}
    table = (config.run.out / "ablation.md").read_text()
    assert "mCE" not in table
    assert "Nothing was scored on a benchmark" in table
    record = json.loads((config.run.out / "ablation.json").read_text())
    assert "mce" not in record["runs"][0]
    assert "of the train splits of" in table
    assert "draw_from" not in record


def test_images_of_val_are_called_that(configure: Configure) -> None:
    """`--from val` is in both files; runs of the two splits do not go into one folder."""
    run = configure(epochs=1, draw_from="val")
    ablation = ablate(AblationConfig(run=run, fractions=(0.5,), seeds=(0,)))
    assert (ablation.draw_from, ablation.schema_version) == ("val", 2)
    assert "1 share of the val splits of cells, rays" in (run.out / "ablation.md").read_text()
    with pytest.raises(ResultError, match="draw from"):
        ablate(AblationConfig(run=replace(run, draw_from="train"), fractions=(0.5,), seeds=(0,)))


@pytest.mark.parametrize("name", ["thesis.tex", "adapter.json"])
def test_folders_of_something_else(configure: Configure, name: str) -> None:
    """Files of another kind, and a single run, are left alone."""
    config = AblationConfig(run=configure(epochs=1), fractions=(0.5,), seeds=(0, 1))
    config.run.out.mkdir()
    (config.run.out / name).touch()
    with pytest.raises(ResultError, match=rf"holds '{name}', which no ablation wrote"):
        ablate(config)
    assert [path.name for path in config.run.out.iterdir()] == [name]


def test_an_adapted_base_is_adapted_again(configure: Configure, benchmark_dir: Path, tmp_path: Path) -> None:
    """Adapters on adapters are scored too, though their file may not choose such a base by itself."""
    first = configure(epochs=1, out=tmp_path / "first")
    finetune(first)
    run = configure(epochs=1, model=f"robustmedclip:{first.out}")
    scoring = {"benchmark": str(benchmark_dir), "baseline": "none"}
    config = AblationConfig(run=run, fractions=(0.5,), seeds=(0,), **scoring)
    (scored,) = ablate(config).runs
    assert scored.scored is not None
    assert scored.scored.clean_accuracy is not None


def test_scores_of_other_datasets_are_not_mixed_in(
    configure: Configure, benchmark_dir: Path, tmp_path: Path
) -> None:
    """A base model that was scored on more datasets, by an ablation since given up, is no row of this one."""
    out = tmp_path / "run"
    scoring = {"benchmark": str(benchmark_dir), "baseline": "none"}
    evaluate(EvaluateConfig(model=configure().model, out=out / "results", **scoring))
    run = configure(epochs=1, datasets=("cells",), out=out)
    with pytest.raises(ResultError, match=r"also holds scores on rays, which are not part of this ablation"):
        ablate(AblationConfig(run=run, fractions=(0.5,), seeds=(0,), **scoring))


def test_what_cannot_be_trained_on_is_refused_before_scoring(
    configure: Configure, images_dir: Path, benchmark_dir: Path, tmp_path: Path
) -> None:
    """A dataset without a val split stops the ablation before the base model is scored on all of it."""
    data = shutil.copytree(images_dir, tmp_path / "data")
    shutil.rmtree(data / "rays/val")
    run = configure(epochs=1, data_dir=data)
    with pytest.raises(SourceError, match="'rays' has no val split"):
        ablate(AblationConfig(run=run, fractions=(0.5,), seeds=(0,), benchmark=str(benchmark_dir)))
    assert not run.out.exists()


def test_a_benchmark_is_named_however_it_was_given(
    configure: Configure, benchmark_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From within the benchmark, as ".", it has its name, and the table its columns."""
    monkeypatch.chdir(benchmark_dir)
    run = configure(epochs=1, fraction=1.0)
    ablate(AblationConfig(run=run, fractions=(0.5,), seeds=(0,), benchmark=".", baseline="none"))
    table = (run.out / "ablation.md").read_text()
    assert "are of the test split of benchmark; baseline: none." in table
    assert len({line.count("|") for line in table.splitlines() if line.startswith("|")}) == 1


def test_an_undefined_mce_is_a_dash_with_its_reason(tmp_path: Path) -> None:
    """One run without mCE leaves the row without one, and the table says why."""
    run = AblationRun.model_validate(
        {
            "folder": "fewshot-0.1/seed-0",
            "fraction": 0.1,
            "seed": 0,
            "images": 9,
            "trainable_parameters": 884_736,
            "total_parameters": 87_000_000,
            "hours": 1.62,
            "val_accuracy": 0.9,
            "scored": {
                "clean_accuracy": 0.8005,
                "average_accuracy": 0.4273,
                "clean_error": None,
                "mce": None,
                "why_no_mce": "there is *no* baseline",
            },
        }
    )
    ablation = Ablation(
        model="m|odel", datasets=("pbc",), benchmark="MediMeta-C", baseline="none", base=None, runs=(run,)
    )
    write_ablation(tmp_path, ablation)
    table = (tmp_path / "ablation.md").read_text()
    row = "| 10 % | 9 | 884,736 | 87.0 | 1.02 | 1.62 | 90.0 | 80.0 | – | 42.7 | – |"  # noqa: RUF001
    assert row in table
    assert r"there is \*no\* baseline" in table
    assert r"# Few-shot ablation of m\|odel" in table


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.5], "0.50"),
        ([1.0, 3.0], "2.00 ± 1.41"),
        ([1.0, None], UNDEFINED),
        ([], UNDEFINED),
    ],
)
def test_mean_over_seeds(values: list[float | None], expected: str) -> None:
    """The mean and the sample standard deviation; none of a single seed, nothing of undefined numbers."""
    assert mean_cell(values, 2).text == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fractions": ()}, "no fraction given"),
        ({"seeds": (1, 1)}, "duplicate seed: 1"),
        ({"fractions": (0.1, 7.0)}, "fraction 7 is not valid"),
        ({"seeds": (-1,)}, "seed -1 is negative"),
    ],
)
def test_bad_requests(configure: Configure, changes: dict[str, tuple[float, ...]], message: str) -> None:
    """An invalid grid is refused."""
    values = {"fractions": (0.1,), "seeds": (0,), **changes}
    with pytest.raises(ConfigError, match=message):
        AblationConfig(run=configure(), **values)  # type: ignore[arg-type]
