"""`evaluate --prompts-sweep`: many wordings on image embeddings computed once, in files beside the result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the evaluate extra")

from model_factories import make_open_clip_folder  # noqa: E402
from tiny_results import (  # noqa: E402
    SWEEP_FILES,
    TEMPLATES,
    Score,
    sweep_bytes,
    sweep_of,
)

import medimeta_c as mc  # noqa: E402
from medimeta_c.errors import ResultError  # noqa: E402
from medimeta_c.format.keys import SetKey  # noqa: E402
from medimeta_c.results.folder.saved import SavedResult  # noqa: E402
from medimeta_c.results.paraphrases.record import (  # noqa: E402
    read_prompts_sweep,
    read_swept,
)
from medimeta_c.results.paraphrases.views import prompts_tables  # noqa: E402
from medimeta_c.scoring.inference import Predictor  # noqa: E402
from medimeta_c.scoring.zero_shot import UnitFeatures  # noqa: E402

pytestmark = pytest.mark.usefixtures("no_reports")


def test_the_result_is_byte_for_byte_the_one_without_a_sweep(plain: SavedResult, swept: SavedResult) -> None:
    """Only two files are added; nothing unfinished is left."""
    for name in ("result.json", "predictions.parquet"):
        assert (plain.path / name).read_bytes() == (swept.path / name).read_bytes()
    added = {path.name for path in swept.path.iterdir()} - {path.name for path in plain.path.iterdir()}
    assert added == set(SWEEP_FILES)


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


def test_datasets_swept_one_after_the_other_make_the_same_sweep(
    score: Score, swept: SavedResult, tmp_path: Path
) -> None:
    score(tmp_path, datasets="rays")
    both = score(tmp_path, datasets="cells")
    assert sweep_bytes(both.path) == sweep_bytes(swept.path)


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
