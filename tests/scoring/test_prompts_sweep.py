"""`evaluate --prompts-sweep`: many wordings on image embeddings computed once, in files beside the result."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the evaluate extra")

from model_factories import make_open_clip_folder  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

import medimeta_c as mc  # noqa: E402
from medimeta_c.building.build import BuildConfig, build  # noqa: E402
from medimeta_c.cli import app  # noqa: E402
from medimeta_c.errors import ConfigError, ModelError, ResultError  # noqa: E402
from medimeta_c.format.keys import SetKey  # noqa: E402
from medimeta_c.lora import LoraConfig  # noqa: E402
from medimeta_c.lora.adapterfile import write_adapter  # noqa: E402
from medimeta_c.lora.adapters import attach  # noqa: E402
from medimeta_c.metrics.resampling import Resampling  # noqa: E402
from medimeta_c.metrics.variance import variance_split  # noqa: E402
from medimeta_c.models import load_model  # noqa: E402
from medimeta_c.models.torch_model import TorchModel  # noqa: E402
from medimeta_c.reports import write_reports  # noqa: E402
from medimeta_c.results.assessment.loss import assess  # noqa: E402
from medimeta_c.results.folder.saved import SavedResult, read_saved  # noqa: E402
from medimeta_c.results.paraphrases import folder as folders  # noqa: E402
from medimeta_c.results.paraphrases.record import (  # noqa: E402
    PromptsSweep,
    read_prompts_sweep,
    read_swept,
)
from medimeta_c.results.paraphrases.views import prompts_tables, readable_sweep  # noqa: E402
from medimeta_c.scoring.inference import Predictor  # noqa: E402
from medimeta_c.scoring.jobs import outcome  # noqa: E402
from medimeta_c.scoring.sweep import sweep  # noqa: E402
from medimeta_c.scoring.zero_shot import UnitFeatures  # noqa: E402

RUNNER = CliRunner()
FILES = ("prompts-sweep.json", "prompts-sweep.parquet")
TEMPLATES = ("{class}", "a scan of {class}", "{modality} that shows {class}", "impression: {class}")


@pytest.fixture(scope="module", autouse=True)
def _no_reports() -> Iterator[None]:
    """Drawing them takes most of an evaluation's time; the tests of reports write their own."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(outcome, "write_reports", lambda saved, benchmark: None)
        yield


@pytest.fixture(scope="module")
def benchmark(clean_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten sets: two datasets, two corruptions, two severities."""
    out = tmp_path_factory.mktemp("built") / "benchmark"
    build(
        BuildConfig(
            datasets=("cells", "rays"),
            source="imagefolder",
            data_dir=clean_dir,
            out=out,
            corruptions=("contrast", "pixelate"),
            severities=(1, 3),
            jobs=1,
        )
    )
    return out


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small open_clip model in a local folder."""
    torch.set_num_threads(1)
    return Path(make_open_clip_folder(tmp_path_factory.mktemp("models") / "tiny", seed=1, image_size=32))


@pytest.fixture(scope="module")
def wordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four paraphrases in a file."""
    file = tmp_path_factory.mktemp("prompts") / "wordings.yaml"
    file.write_text(f"version: 1\ntemplates: {json.dumps(TEMPLATES)}\n", encoding="utf-8")
    return file


Score = Callable[..., SavedResult]


@pytest.fixture(scope="module")
def score(benchmark: Path, tiny: Path, wordings: Path) -> Score:
    """Evaluate the tiny model with a sweep over the four wordings."""
    loaded = load_model(f"local-dir:{tiny}")

    def call(out: Path, **changes: Any) -> SavedResult:
        values: dict[str, Any] = {
            "model": loaded,
            "benchmark": benchmark,
            "baseline": "none",
            "prompts_sweep": wordings,
            "out": out,
            "device": "cpu",
            "batch_size": 7,
            "resampling": Resampling(resamples=100),
        }
        return mc.evaluate(mc.EvaluateConfig(**{**values, **changes}))

    return call


@pytest.fixture(scope="module")
def plain(score: Score, tmp_path_factory: pytest.TempPathFactory) -> SavedResult:
    """The result without a sweep. Read only."""
    return score(tmp_path_factory.mktemp("plain"), prompts_sweep=None)


@pytest.fixture(scope="module")
def swept(score: Score, plain: SavedResult, tmp_path_factory: pytest.TempPathFactory) -> SavedResult:
    """The result with a sweep. Read only."""
    return score(tmp_path_factory.mktemp("swept"))


def sweep_of(saved: SavedResult) -> PromptsSweep:
    found = read_prompts_sweep(saved.path, saved.result)
    assert found is not None
    return found


def bytes_of(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in FILES]


def copied(saved: SavedResult, root: Path) -> Path:
    """The folder of a copy, below a root of results of its own."""
    target = root / saved.path.parent.name / saved.path.name
    shutil.copytree(saved.path, target)
    return target


def test_the_result_is_byte_for_byte_the_one_without_a_sweep(plain: SavedResult, swept: SavedResult) -> None:
    """Only two files are added; nothing unfinished is left."""
    for name in ("result.json", "predictions.parquet"):
        assert (plain.path / name).read_bytes() == (swept.path / name).read_bytes()
    added = {path.name for path in swept.path.iterdir()} - {path.name for path in plain.path.iterdir()}
    assert added == set(FILES)


@pytest.mark.parametrize("place", range(len(TEMPLATES)))
def test_a_paraphrase_predicts_what_a_run_of_its_own_does(
    place: int, score: Score, swept: SavedResult, tmp_path: Path
) -> None:
    """Scored alone with `prompts`, one template gives the same predictions, texts and numbers."""
    file = tmp_path / "alone.yaml"
    file.write_text(f"version: 1\ntemplates: {json.dumps([TEMPLATES[place]])}\n", encoding="utf-8")
    alone = score(tmp_path / "out", prompts=file, prompts_sweep=None)
    found, cells = read_swept(swept.path)
    assert set(cells) == set(alone.predictions)
    for key, cell in alone.predictions.items():
        assert cell.image_ids == cells[key].image_ids
        assert cell.labels.tolist() == cells[key].labels.tolist()
        assert cell.predictions.tolist() == cells[key].predictions[:, place].tolist()
    for dataset in ("cells", "rays"):
        one, theirs = found.datasets[dataset].paraphrases[place], alone.result.scores.datasets[dataset]
        assert alone.result.run.prompts is not None
        assert one.digest == alone.result.run.prompts.restricted([dataset]).digest
        assert one.numbers["clean_accuracy"].value == theirs.clean_accuracy.value
        assert one.numbers["average_accuracy"].value == theirs.average_accuracy.value


def test_wordings_change_predictions(swept: SavedResult) -> None:
    """So that the equality above says something: the columns are not all one."""
    _, cells = read_swept(swept.path)
    assert any((cell.predictions != cell.predictions[:, :1]).any() for cell in cells.values())


def test_images_are_embedded_once(
    score: Score, benchmark: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many prompts there are, the image tower sees each image of each set one time."""
    seen: list[int] = []
    features = UnitFeatures.features

    def counted(self: UnitFeatures, pixels: Any) -> Any:
        seen.append(len(pixels))
        return features(self, pixels)

    monkeypatch.setattr(UnitFeatures, "features", counted)
    score(tmp_path)
    bench = mc.open_benchmark(benchmark)
    assert sum(seen) == sum(bench.record(key).rows for key in bench.sets)


def test_a_sweep_is_added_to_a_finished_result_and_then_computed_no_more(
    score: Score, plain: SavedResult, swept: SavedResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result's own bytes stay, the files are those of a sweep made together with it."""
    folder = copied(plain, tmp_path)
    before = (folder / "result.json").read_bytes()
    score(tmp_path)
    monkeypatch.setattr(Predictor, "_features", None)
    score(tmp_path)
    assert (folder / "result.json").read_bytes() == before
    assert bytes_of(folder) == bytes_of(swept.path)


@pytest.mark.parametrize("after", [0, 3, 9])
def test_an_interrupted_sweep_resumes_to_the_same_bytes(
    after: int, score: Score, swept: SavedResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped between two cells: nothing looks whole, finished cells are not predicted again."""
    save = folders.SweptFolder.save
    saved: list[SetKey] = []

    def stopping(self: folders.SweptFolder, cell: Any) -> None:
        if len(saved) == after:
            raise KeyboardInterrupt
        save(self, cell)
        saved.append(cell.key)

    with monkeypatch.context() as patched:
        patched.setattr(folders.SweptFolder, "save", stopping)
        with pytest.raises(KeyboardInterrupt):
            score(tmp_path)
    assert not [path for name in FILES for path in tmp_path.rglob(name)]
    again: list[SetKey] = []

    def noting(self: folders.SweptFolder, cell: Any) -> None:
        again.append(cell.key)
        save(self, cell)

    monkeypatch.setattr(folders.SweptFolder, "save", noting)
    resumed = score(tmp_path)
    assert not set(saved) & set(again)
    assert len(saved) + len(again) == 10
    assert bytes_of(resumed.path) == bytes_of(swept.path)
    assert resumed.result.complete


def test_a_sweep_stopped_between_its_two_files_is_not_shown(
    score: Score, swept: SavedResult, wordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New predictions beside the numbers of an earlier sweep do not belong together."""
    fewer = tmp_path / "fewer.yaml"
    fewer.write_text("version: 1\ntemplates: ['{class}', 'b {class}']\n", encoding="utf-8")
    saved = score(tmp_path, prompts_sweep=fewer)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(folders, "write_prompts_sweep", stop)
        with pytest.raises(KeyboardInterrupt):
            score(tmp_path)
    with pytest.raises(ResultError, match="do not belong together"):
        read_prompts_sweep(saved.path, saved.result)
    monkeypatch.setattr(Predictor, "_features", None)  # every cell was saved
    score(tmp_path)
    assert bytes_of(saved.path) == bytes_of(swept.path)


def test_other_wordings_replace_a_sweep_and_the_log_says_so(
    score: Score, swept: SavedResult, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Never two kinds of texts in one file."""
    other = tmp_path / "other.yaml"
    other.write_text("version: 1\ntemplates: ['{class}', 'b {class}']\n", encoding="utf-8")
    saved = score(tmp_path, prompts_sweep=other)
    assert len(sweep_of(saved).datasets["rays"].paraphrases) == 2
    with caplog.at_level(logging.WARNING):
        again = score(tmp_path)
    assert "sweep over prompts of rays again: the earlier one" in caplog.text
    assert bytes_of(again.path) == bytes_of(swept.path)


def edit_numbers(folder: Path) -> None:
    file = folder / "prompts-sweep.json"
    values = json.loads(file.read_text(encoding="utf-8"))
    values["datasets"]["rays"]["paraphrases"][1]["numbers"]["average_accuracy"]["value"] = 1.0
    file.write_text(json.dumps(values), encoding="utf-8")


def edit_texts(folder: Path) -> None:
    file = folder / "prompts-sweep.json"
    file.write_text(file.read_text(encoding="utf-8").replace("a scan of class0", "a scan of class9"), "utf-8")


def cut(folder: Path) -> None:
    file = folder / "prompts-sweep.parquet"
    file.write_bytes(file.read_bytes()[:-20])


def drop(folder: Path) -> None:
    (folder / "prompts-sweep.parquet").unlink()


@pytest.mark.parametrize("damage", [edit_numbers, edit_texts, cut, drop])
def test_a_damaged_sweep_is_refused_left_out_of_the_report_and_computed_again(
    damage: Callable[[Path], None],
    score: Score,
    swept: SavedResult,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder = copied(swept, tmp_path)
    damage(folder)
    saved = read_saved(folder)
    with pytest.raises(ResultError):
        read_prompts_sweep(folder, saved.result)
    with caplog.at_level(logging.WARNING):
        assert readable_sweep(folder, saved.result) is None
    assert "the report leaves out the sweep over prompts" in caplog.text
    score(tmp_path)
    assert bytes_of(folder) == bytes_of(swept.path)


def test_both_reports_have_the_tables(swept: SavedResult, plain: SavedResult, tmp_path: Path) -> None:
    """Beside a sweep, and only there."""
    for saved, there in ((swept, True), (plain, False)):
        folder = copied(saved, tmp_path / str(there))
        write_reports(assess(read_saved(folder)))
        for name in ("report.md", "report.html"):
            text = (folder / name).read_text(encoding="utf-8")
            assert ("Wording of the prompts" in text) is there
            assert ("Variance by images and prompts" in text) is there


def test_a_sweep_of_another_result_is_refused(swept: SavedResult, plain: SavedResult, tmp_path: Path) -> None:
    """Copied beside a result of other weights, its numbers are not that result's."""
    model = plain.result.run.model.model_copy(update={"weights_sha256": "0" * 64})
    run = plain.result.run.model_copy(update={"model": model})
    with pytest.raises(ResultError, match="does not belong to the result beside it"):
        read_prompts_sweep(swept.path, plain.result.model_copy(update={"run": run}))


def test_datasets_swept_one_after_the_other_make_the_same_sweep(
    score: Score, swept: SavedResult, tmp_path: Path
) -> None:
    score(tmp_path, datasets="rays")
    both = score(tmp_path, datasets="cells")
    assert bytes_of(both.path) == bytes_of(swept.path)


def test_a_dataset_without_a_sweep_is_not_passed_off_as_swept(score: Score, tmp_path: Path) -> None:
    """The result has two datasets, the sweep one: the table shows that one, and no mean over all."""
    score(tmp_path, datasets="rays")
    saved = score(tmp_path, datasets="cells", prompts_sweep=None)
    assert tuple(sweep_of(saved).datasets) == ("rays",)
    table, *_ = prompts_tables(sweep_of(saved), saved.result)
    assert {row[0].text for row in table.rows} == {"rays"}


def test_mce_is_that_of_the_result_and_follows_its_baseline(
    score: Score, plain: SavedResult, wordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run's prompts among the paraphrases have its mCE; another baseline needs a sweep, of kept cells."""
    file = tmp_path / "with-paper.yaml"
    file.write_text(
        "version: 1\ntemplates: ['a scan of {class}', 'A photo of a {modality} {class}']\n", encoding="utf-8"
    )
    other = make_open_clip_folder(tmp_path / "other", seed=2, image_size=32)
    base = score(tmp_path / "base", model=f"local-dir:{other}", prompts_sweep=None)
    saved = score(tmp_path / "out", baseline=base.path, prompts_sweep=file)
    numbers = sweep_of(saved).datasets["cells"].paraphrases[1].numbers
    assert numbers["mce"].value == pytest.approx(saved.result.scores.datasets["cells"].mce.value)
    spread = sweep_of(saved).datasets["cells"].spreads["mce"]
    assert spread.worst == spread.high
    monkeypatch.setattr(Predictor, "_features", None)
    changed = score(tmp_path / "out", baseline=plain.path, prompts_sweep=None)
    with pytest.raises(ResultError, match="divided by another baseline"):
        read_prompts_sweep(changed.path, changed.result)
    again = sweep_of(score(tmp_path / "out", baseline=plain.path, prompts_sweep=file))
    assert again.datasets["cells"].paraphrases[1].numbers["mce"].value == 1.0  # divided by itself


def test_numbers_are_median_range_and_worst(swept: SavedResult) -> None:
    """Recomputed by hand from the predictions."""
    found, cells = read_swept(swept.path)
    means = []
    for dataset in ("cells", "rays"):
        clean = cells[SetKey(dataset, "test", "clean", 0)].correct.mean(axis=0)
        corrupted = [
            cell.correct.mean(axis=0)
            for key, cell in cells.items()
            if key.dataset == dataset and key.severity
        ]
        lost = clean - np.mean(corrupted, axis=0)
        spread = found.datasets[dataset].spreads["points_lost"]
        assert spread.median.value == pytest.approx(np.median(lost))
        assert (spread.low.value, spread.high.value) == pytest.approx((lost.min(), lost.max()))
        assert spread.worst == spread.high
        assert found.datasets[dataset].spreads["clean_accuracy"].worst.value == pytest.approx(clean.min())
        means.append(lost.max())
        of_images = found.datasets[dataset].variance["clean_accuracy"].images
        n = len(cells[SetKey(dataset, "test", "clean", 0)])
        assert of_images == pytest.approx((clean * (1 - clean) / (n - 1)).mean())
    assert found.overall.spreads["points_lost"].worst.value == pytest.approx(np.mean(means))


def test_the_command_says_it_in_words_and_as_json(benchmark: Path, tiny: Path, tmp_path: Path) -> None:
    """The shipped paraphrases, of which every dataset has at least twenty."""
    options = ["evaluate", "--model", f"local-dir:{tiny}", str(benchmark), "--baseline", "none"]
    options += ["--dataset", "rays", "--out", str(tmp_path), "--workers", "0", "--device", "cpu"]
    done = RUNNER.invoke(app, [*options, "--prompts-sweep"])
    assert done.exit_code == 0, done.output
    assert "Over 24 wordings of the prompts accuracy under corruption is" in " ".join(done.output.split())
    assert "Variance by images and prompts" in done.output
    said = json.loads(RUNNER.invoke(app, [*options, "--prompts-sweep", "--json"]).stdout)
    assert len(said["prompts_sweep"]["datasets"]["rays"]["paraphrases"]) == 24
    assert PromptsSweep.model_validate_json(json.dumps(said["prompts_sweep"])).prompts == "paraphrases"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--paraphrases", "mine.yaml"], "--paraphrases are the wordings of --prompts-sweep"),
        (["--prompts-sweep", "--paraphrases", "paraphrase"], "did you mean 'paraphrases'"),
        (["--prompts-sweep", "--paraphrases", "paper"], "a sweep needs two paraphrases or more"),
    ],
)
def test_what_cannot_be_swept_is_refused(
    options: list[str], message: str, benchmark: Path, tiny: Path, tmp_path: Path
) -> None:
    """One sentence, before any work."""
    given = ["evaluate", "--model", f"local-dir:{tiny}", str(benchmark), "--baseline", "none"]
    done = RUNNER.invoke(app, [*given, "--out", str(tmp_path / "out"), "--device", "cpu", *options])
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.split())
    assert not (tmp_path / "out").exists()


def test_a_file_of_predictions_has_no_prompts_to_sweep(benchmark: Path, tmp_path: Path) -> None:
    given = ["evaluate", "--from-predictions", "answers.csv", str(benchmark), "--prompts-sweep"]
    done = RUNNER.invoke(app, given)
    assert (done.exit_code, "a file of predictions has no prompts" in done.stderr) == (2, True)


def test_a_model_without_prompts_refuses_the_sweep(score: Score, tmp_path: Path) -> None:
    """A classifier and an encoder alone: one sentence each."""

    def light(pixels: Any) -> Any:
        return torch.stack([pixels.mean((1, 2, 3)), -pixels.mean((1, 2, 3)), pixels.std((1, 2, 3))], dim=1)

    def transform(image: Any) -> Any:
        return torch.from_numpy(
            np.asarray(image.convert("RGB").resize((4, 4)), dtype=np.float32).transpose(2, 0, 1)
        )

    classes = ["class0", "class1", "class2"]
    classifier = mc.wrap(classify=light, scores="logits", classes=classes, transform=transform, name="light")
    encoder = mc.wrap(encode_image=light, transform=transform, name="blind")
    for model in (classifier, encoder):
        with pytest.raises(ConfigError, match="takes no prompts, so there are none to paraphrase"):
            score(tmp_path, model=model)


def test_a_paraphrase_too_long_for_the_model_is_refused_before_any_work(score: Score, tmp_path: Path) -> None:
    file = tmp_path / "long.yaml"
    words = " ".join(["qz"] * 85)
    file.write_text(f"version: 1\ntemplates: ['{{class}}', 'a {words} {{class}}']\n", encoding="utf-8")
    with pytest.raises(ModelError, match="tokens"):
        score(tmp_path / "out", prompts_sweep=file)
    assert not (tmp_path / "out").exists()


def adapters(base: Path, folder: Path, *, seed: int, rank: int = 2) -> str:
    """The spec of adapters of a seed, with values that change the image tower."""
    model = load_model(f"local-dir:{base}")
    assert isinstance(model, TorchModel)
    attached = attach(model, LoraConfig(rank=rank, alpha=8.0), seed=seed)
    draw = torch.Generator().manual_seed(seed)
    state = attached.state_dict()
    attached.load_state_dict(
        {name: each + torch.randn(each.shape, generator=draw) for name, each in state.items()}
    )
    write_adapter(folder, attached)
    return f"robustmedclip:{folder}"


def test_adapters_of_several_seeds_are_split_by_images_prompts_and_seeds(
    benchmark: Path, tiny: Path, wordings: Path, tmp_path: Path
) -> None:
    """Three seeds of one recipe are one array; a fourth adapter of another rank is not of that recipe."""
    specs = [adapters(tiny, tmp_path / f"seed-{seed}", seed=seed) for seed in range(3)]
    specs.append(adapters(tiny, tmp_path / "rank-3", seed=3, rank=3))
    options = [part for spec in specs for part in ("--model", spec)]
    options += [str(benchmark), "--baseline", "none", "--device", "cpu", "--workers", "0", "--json"]
    options += ["--out", str(tmp_path / "out"), "--prompts-sweep", "--paraphrases", str(wordings)]
    done = RUNNER.invoke(app, ["evaluate", *options])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    (split,) = said["prompts_seeds"]
    assert split["seeds"] == {spec: seed for seed, spec in enumerate(specs[:3])}
    file = json.loads((tmp_path / "out" / "prompts-seeds.json").read_text(encoding="utf-8"))
    assert file["splits"] == [split]
    arrays = {}
    for dataset in ("cells", "rays"):
        key = SetKey(dataset, "test", "clean", 0)
        tables = [read_swept(Path(path))[1][key].correct.T for path in said["results"][:3]]
        arrays[dataset] = np.stack(tables).astype(float)
    for dataset, array in arrays.items():
        own = variance_split([array])
        assert split["datasets"][dataset]["clean_accuracy"] == json.loads(own.model_dump_json())
    whole = variance_split(list(arrays.values()))
    assert split["overall"]["clean_accuracy"] == json.loads(whole.model_dump_json())
    assert whole.n_seeds == 3


def test_sweeps_of_seeds_over_other_wordings_are_left_out(
    benchmark: Path, tiny: Path, wordings: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One of the seeds was swept over more datasets earlier: the two are not one table."""
    specs = [adapters(tiny, tmp_path / f"seed-{seed}", seed=seed) for seed in range(2)]
    shared: dict[str, Any] = {
        "benchmark": benchmark,
        "baseline": "none",
        "device": "cpu",
        "out": tmp_path / "out",
    }
    mc.evaluate(mc.EvaluateConfig(model=specs[0], datasets="cells", prompts_sweep=wordings, **shared))
    configs = [
        mc.EvaluateConfig(model=spec, datasets="rays", prompts_sweep=wordings, **shared) for spec in specs
    ]
    with caplog.at_level(logging.WARNING):
        report = sweep(configs)
    assert report.seeds == ()
    assert "differ in more than the seed" in caplog.text
