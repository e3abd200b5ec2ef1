"""A whole probe: what it writes, resumes, refuses; no scored label is read before the last fit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import Compose, Grayscale, Resize, ToTensor

from medimeta_c.errors import ConfigError, ModelError, ResultError, SourceError
from medimeta_c.format import shards
from medimeta_c.models import Preprocessing
from medimeta_c.models.contract import ModelIdentity
from medimeta_c.probing import ProbeConfig, Probes, probe
from medimeta_c.probing.featurefile import write_feature_set
from medimeta_c.probing.heads import HEADS
from medimeta_c.probing.learning import fit_head
from medimeta_c.results.folder.saved import read_saved
from medimeta_c.results.probes import read_probes
from medimeta_c.results.unfinished import UnfinishedCells
from medimeta_c.scoring import decoding, inference
from medimeta_c.scoring.evaluation import evaluate

Configure = Callable[..., ProbeConfig]


class Pixels:
    """An image encoder without text: the pixels of a small grey picture, and how the test spoils them."""

    def __init__(self, spoil: Callable[[torch.Tensor], torch.Tensor] = lambda found: found) -> None:
        self._spoil = spoil
        self.preprocess = Compose([Resize((6, 6)), Grayscale(3), ToTensor()])
        self.preprocessing = Preprocessing(
            size=(6, 6),
            resize="squash",
            resize_size=(6, 6),
            interpolation="bilinear",
            center_crop=False,
            mean=(0.0,) * 3,
            std=(1.0,) * 3,
            channels="luma",
            implementation="test",
            plain=False,
        )
        self.identity = ModelIdentity(
            spec="pixels", family="test", weights_sha256="named pixels", architecture="none", parameters=0
        )

    def encode_images(self, pixels: torch.Tensor) -> torch.Tensor:
        """The first channel, flat, without its mean."""
        flat = pixels[:, 0].flatten(1).float()
        return self._spoil(flat - flat.mean(dim=1, keepdim=True))

    def to(self, device: Any, dtype: Any) -> Pixels:
        """Stay."""
        return self


@pytest.fixture(scope="module")
def probed(
    tiny_model: str, images_dir: Path, benchmark_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[ProbeConfig, Probes]:
    """A probe of the tiny model: two heads that are trained, one that is not."""
    from medimeta_c.metrics.resampling import Resampling

    config = ProbeConfig(
        model=tiny_model,
        benchmark=benchmark_dir,
        data_dir=images_dir,
        out=tmp_path_factory.mktemp("probed"),
        heads=("zero-shot", "linear", "tip-f"),
        shots=(2, "all"),
        seeds=(0, 1),
        baseline="none",
        device="cpu",
        workers=0,
        resampling=Resampling(resamples=100),
    )
    return config, probe(config)


def test_there_is_a_result_for_each_head_shots_and_seed(probed: tuple[ProbeConfig, Probes]) -> None:
    """All images are the same for every seed; zero-shot has neither shots nor seed."""
    config, probes = probed
    found = [(one.head, one.shots, one.seed) for one in probes.runs]
    assert found == [
        ("zero-shot", 0, 0),
        *[("linear", 2, 0), ("linear", 2, 1), ("linear", None, 0)],
        *[("tip-f", shots, seed) for shots in (2, None) for seed in (0, 1)],
    ]
    for one in probes.runs:
        saved = read_saved(config.out / one.folder)
        assert saved.result.complete
        assert saved.result.scores.overall.clean_accuracy.value == one.scored.clean_accuracy
        assert all(
            cell.top1.low is not None or cell.top1.interval_reason for cell in saved.result.scores.cells
        )
        assert (saved.path / "report.html").is_file()
    assert len({one.folder for one in probes.runs}) == len(probes.runs)


def test_a_result_says_what_was_trained_and_how(probed: tuple[ProbeConfig, Probes]) -> None:
    """Head, shots, seed and, by dataset, images and chosen settings; prompts only where they count."""
    config, probes = probed
    folders = {(one.head, one.shots): config.out / one.folder for one in probes.runs}
    record = json.loads((folders["linear", 2] / "result.json").read_text())["run"]
    assert (record["head"]["name"], record["head"]["shots"], record["prompts"]) == ("linear", 2, None)
    assert set(record["head"]["fits"]) == {"cells", "rays"}
    assert record["head"]["fits"]["cells"]["images"] == 6
    assert set(record["head"]["fits"]["cells"]["settings"]) == {"C"}
    assert folders["linear", 2].parent.name.endswith("-linear-2-shots-seed-1")
    tip = read_saved(folders["tip-f", None]).result.run
    assert tip.prompts is not None
    assert tip.head is not None
    assert set(tip.head.fits["rays"].settings) == {"alpha", "beta"}


def test_zero_shot_is_what_evaluate_says(probed: tuple[ProbeConfig, Probes], tmp_path: Path) -> None:
    """The same identity, and the same predictions: the kept features are those of an evaluation."""
    config, probes = probed
    ours = read_saved(config.out / probes.runs[0].folder)
    theirs = evaluate(replace(config.evaluation, out=tmp_path))
    assert ours.result.run == theirs.result.run
    for key, cell in theirs.predictions.items():
        assert ours.predictions[key].predictions.tolist() == cell.predictions.tolist()
        own = ours.predictions[key].probabilities
        assert own is not None
        assert cell.probabilities is not None
        assert np.allclose(own, cell.probabilities, atol=1e-6)


def test_files_are_a_table_a_figure_and_a_record(probed: tuple[ProbeConfig, Probes]) -> None:
    config, probes = probed
    folder = probes.folder_in(config.out)
    assert {path.name for path in folder.iterdir()} == {
        *("features", "probes.json", "probes.md", "probes.csv"),
        *("probes.png", "probes.svg", "probes.pdf"),
    }
    assert read_probes(folder) == probes
    text = (folder / "probes.md").read_text()
    assert "| Linear probe | 2 |" in text
    assert " ± " in text
    assert "Patients are not known of cells, rays" in text
    rows = (folder / "probes.csv").read_text().splitlines()
    assert len(rows) == 1 + 3 * 5  # all and two datasets, times heads and shots


def test_run_again_it_makes_nothing_again(
    probed: tuple[ProbeConfig, Probes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Features and cells are read; only heads are fitted again, to the same settings."""
    config, probes = probed
    monkeypatch.setattr(inference.Embedder, "_features", None)
    assert probe(config) == probes


class _Killed(BaseException):
    """The end of a process, wherever it is."""


@pytest.mark.slow
def test_interrupted_anywhere_it_resumes_to_the_same_end(
    configure: Configure, probed: tuple[ProbeConfig, Probes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after each number of written feature files and cells: every set is embedded once in all."""
    config = configure(heads=("zero-shot", "linear", "tip-f"))
    embedded: list[str] = []
    write, save = write_feature_set, UnfinishedCells.save
    left = 0

    def count(name: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise _Killed

    def writing(path: Path, *rest: Any) -> None:
        count(path.name)
        write(path, *rest)
        embedded.append(path.name)

    def saving(self: UnfinishedCells, cell: Any) -> None:
        count(str(cell.key))
        save(self, cell)

    monkeypatch.setattr("medimeta_c.probing.store.write_feature_set", writing)
    monkeypatch.setattr(UnfinishedCells, "save", saving)
    for _ in range(20):
        left = 9
        try:
            found = probe(config)
        except _Killed:
            continue
        break
    assert sorted(embedded) == sorted(set(embedded))
    assert found.runs == probed[1].runs


def test_no_scored_label_is_read_before_the_last_fit(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every way to a shard is guarded: until all heads are fitted, none of the scored split is opened."""
    fitted: list[str] = []
    opened: list[str] = []
    plans = 2 * 2 + 2 * 1 + 1  # linear and ncm: two seeds of two shots, one of all; zero-shot

    def fitting(plan: Any, *rest: Any) -> Any:
        found = fit_head(plan, *rest)
        fitted.append(plan.name)
        return found

    def guarded(read: Callable[..., Any]) -> Callable[..., Any]:
        def reading(path: Path, *rest: Any, **more: Any) -> Any:
            if "/test/" in path.as_posix():
                assert len(fitted) == plans, f"{path} is opened after {fitted}"
                opened.append(path.as_posix())
            return read(path, *rest, **more)

        return reading

    monkeypatch.setattr("medimeta_c.probing.run.fit_head", fitting)
    for module, name in ((decoding, "read_row_group"), (decoding, "row_group_rows"), (shards, "read_tables")):
        monkeypatch.setattr(module, name, guarded(getattr(module, name)))
    import pyarrow.parquet as pq

    for name in ("ParquetFile", "read_table"):
        monkeypatch.setattr(pq, name, guarded_path(getattr(pq, name), fitted, plans))
    probe(configure(heads=("zero-shot", "linear", "ncm")))
    assert opened


def guarded_path(read: Any, fitted: list[str], plans: int) -> Any:
    """Guard pyarrow itself, for any other way to a shard, and for kept features."""

    def reading(source: Any, *rest: Any, **more: Any) -> Any:
        text = str(source)
        if "/test/" in text or "-test-" in text:
            assert len(fitted) == plans, f"{text} is opened after {fitted}"
        return read(source, *rest, **more)

    return reading


def test_without_texts_heads_that_need_none_are_fitted(configure: Configure) -> None:
    """By default what the model cannot have is left out, with a sentence; by name it is refused."""
    probes = probe(configure(model=Pixels(), heads=None, shots=2, seeds=0))
    assert [one.head for one in probes.runs] == ["linear", "knn", "ncm"]
    assert set(probes.left_out) == {name for name in HEADS if HEADS[name].needs_texts}
    with pytest.raises(ConfigError, match=r"tip needs the texts of classes, and pixels has no text encoder"):
        probe(configure(model=Pixels(), heads=("linear", "tip")))


@pytest.fixture
def with_patients(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A folder of images whose patients are known, some in two splits, and its benchmark."""
    from medimeta_c.building.build import BuildConfig, build

    draw = np.random.Generator(np.random.Philox(key=3))
    rows = ["file_name,label,split,patient"]
    data = tmp_path / "data" / "lungs"
    data.mkdir(parents=True)
    for split, first in (("train", 0), ("val", 6), ("test", 4)):
        for number in range(6):
            name = f"{split}{number}.png"
            Image.fromarray(draw.integers(0, 255, (20, 20), dtype=np.uint8)).save(data / name)
            rows.append(f"{name},{'ab'[number % 2]},{split},p{first + number}")
    (data / "metadata.csv").write_text("\n".join(rows) + "\n")
    out = tmp_path / "lungs-benchmark"
    build(
        BuildConfig(
            datasets="lungs",
            source="imagefolder",
            data_dir=tmp_path / "data",
            out=out,
            corruptions="contrast",
            severities=2,
            jobs=1,
        )
    )
    yield tmp_path / "data", out


def test_patients_learned_from_and_scored_are_counted(
    configure: Configure, with_patients: tuple[Path, Path]
) -> None:
    """Patients 4 to 9 are scored; 0 to 5 are in train, 6 to 11 in val: all six were seen."""
    data, benchmark = with_patients
    probes = probe(
        configure(model=Pixels(), benchmark=benchmark, data_dir=data, heads="ncm", shots=1, seeds=0)
    )
    (one,) = probes.overlap.values()
    assert (one.groups, one.shared, one.images, one.shared_images) == (6, 6, 6, 6)
    text = (probes.folder_in(configure().out) / "probes.md").read_text()
    assert "6 of the 6 patients scored (6 of 6 images) also have images in train or val" in text


def test_train_and_val_sets_of_the_benchmark_need_no_data(
    images_dir: Path, configure: Configure, tmp_path: Path
) -> None:
    """The same scores, whether clean images come from built sets or from the data."""
    from medimeta_c.building.build import BuildConfig, build

    out = tmp_path / "whole"
    build(
        BuildConfig(
            datasets="rays",
            source="imagefolder",
            data_dir=images_dir,
            out=out,
            splits=("train", "val", "test"),
            corruptions="contrast",
            severities=2,
            jobs=1,
        )
    )
    options = {"heads": "ncm", "shots": 2, "seeds": 0, "datasets": "rays"}
    built = probe(configure(**options, benchmark=out, data_dir=tmp_path / "nowhere"))
    read = probe(configure(**options))
    assert built.runs[0].scored == read.runs[0].scored


def test_shots_of_val_leave_the_rest_to_choose_by(configure: Configure) -> None:
    """Only by name; the result and its folder say so."""
    config = configure(draw_from="val", heads="linear", shots=1, seeds=0)
    probes = probe(config)
    assert probes.draw_from == "val"
    assert probes.runs[0].folder.split("/")[0].endswith("-linear-1-shots-of-val-seed-0")
    with pytest.raises(ConfigError, match="all 9 val images of cells are drawn to train on"):
        probe(configure(draw_from="val", shots="all"))


class TestRefusals:
    """One sentence: what is wrong, where, and what to do."""

    def test_more_shots_than_a_class_has(self, configure: Configure) -> None:
        with pytest.raises(ConfigError) as caught:
            probe(configure(shots=(2, 9)))
        words = "9 shots of each class cannot be drawn from train of cells: 'long cell' has 8"
        assert words in str(caught.value)
        assert str(caught.value).endswith("use at most `shots=8`")

    def test_data_that_the_benchmark_was_not_built_from(
        self, configure: Configure, images_dir: Path, tmp_path: Path
    ) -> None:
        import shutil

        other = tmp_path / "other"
        shutil.copytree(images_dir, other)
        path = sorted((other / "cells" / "train").rglob("*.png"))[0]
        Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
        with pytest.raises(SourceError, match=r"'cells' in .* is not what .* was built from \(checksum"):
            probe(configure(data_dir=other))

    def test_features_that_are_not_finite(self, configure: Configure) -> None:
        model = Pixels(lambda found: torch.full_like(found, torch.nan))
        with pytest.raises(ModelError, match="gives NaN or infinity for 24 of 24 train images of cells"):
            probe(configure(model=model))

    def test_features_of_another_width(self, configure: Configure) -> None:
        """The model is tried on one image when it is loaded; later batches have more."""
        widths = iter([36, 36, 36, 36, 36, 30, 30, 30, 30])
        model = Pixels(lambda found: found[:, : next(widths)])
        with pytest.raises(ModelError, match=r"features of shape \(\d+, 30\) for .* must be \(\d+, 36\)"):
            probe(configure(model=model, batch_size=64))

    def test_no_rows_of_features(self, configure: Configure) -> None:
        model = Pixels(lambda found: found if len(found) == 1 else found[0])
        with pytest.raises(ModelError, match=r"returned features of shape \(36,\) for 24 images"):
            probe(configure(model=model))

    def test_a_model_that_has_changed(
        self, configure: Configure, caplog: pytest.LogCaptureFixture, tmp_path: Path
    ) -> None:
        """Its kept features are not used, and its results are refused."""
        options = {"heads": "ncm", "shots": 2, "seeds": 0, "datasets": "rays"}
        probe(configure(model=Pixels(), **options))
        changed = Pixels()
        changed.identity = changed.identity.model_copy(update={"weights_sha256": "named otherwise"})
        with pytest.raises(ResultError, match="holds a run with weights digest 'named pixels'"):
            probe(configure(model=changed, **options))
        assert "embedding rays/train/clean/severity-0 again: " in caplog.text
        assert "holds features of another model" in caplog.text

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"heads": "liner"}, "unknown head 'liner': did you mean 'linear'?"),
            ({"heads": ("knn", "knn")}, "duplicate head: knn"),
            ({"shots": 0}, "shots 0 are not valid: use numbers from 1 up, or all"),
            ({"shots": "many"}, "shots 'many' are not valid"),
            ({"shots": ()}, "no number of shots given"),
            ({"seeds": -1}, "seed -1 is negative"),
            ({"draw_from": "test"}, "unknown draw from 'test'"),
            ({"split": "train"}, "split 'train' is what a probe learns from"),
            ({"prompts": "papr"}, "unknown template set 'papr'"),
            ({"device": "gpu"}, "unknown device 'gpu'"),
        ],
        ids=str,
    )
    def test_a_request_that_is_wrong(
        self, configure: Configure, changes: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ConfigError) as caught:
            configure(**changes)
        assert message in str(caught.value)
