"""Image features: one row an image, equal to the model's own, and read back as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from medimeta_c.cli import app
from medimeta_c.errors import ConfigError, ResultError
from medimeta_c.format.benchmark import open_benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.results.featurefile import Features, read_features, write_features


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny open_clip model."""
    pytest.importorskip("open_clip", reason="needs the 'evaluate' extra")
    from model_factories import make_open_clip_folder

    return make_open_clip_folder(tmp_path_factory.mktemp("model") / "tiny")


def test_features_are_the_models_own(built: Path, model_folder: Path, tmp_path: Path) -> None:
    """The command saves clean and corrupted images as the model embeds them, at the severities named."""
    import torch
    from PIL import Image

    from medimeta_c.models import load_model

    out = tmp_path / "features.parquet"
    spec = f"local-dir:{model_folder}"
    run = CliRunner().invoke(
        app,
        ["features", str(built), "--model", spec, "--out", str(out), "--images", "3", "--severity", "2,4",
         "--device", "cpu"],
    )  # fmt: skip
    assert run.exit_code == 0, run.output
    features = read_features(out)
    assert features.datasets == ("cells", "rays")
    described = {one.dataset: one.modality for one in open_benchmark(built).manifest.datasets}
    assert features.modalities == {name: words for name, words in described.items() if words}
    assert len(features.rows) == 2 * (1 + 7 * 2) * 3
    assert {row[2] for row in features.rows} == {0, 2, 4}
    model = load_model(spec, device="cpu", precision="fp32")
    batch = next(open_benchmark(built).batches(SetKey("cells", "test", "contrast", 2)))
    places = [i for i, row in enumerate(features.rows) if row[:3] == ("cells", "contrast", 2)]
    for index, place in enumerate(places):
        assert features.rows[place][3:] == (batch.image_ids[index], int(batch.labels[index]))
        pixels = model.preprocess(Image.fromarray(batch.images[index]))[None]
        with torch.no_grad():
            assert np.allclose(features.vectors[place], model.encode_images(pixels)[0].numpy(), atol=1e-5)


def test_what_was_not_built_is_refused(built: Path, tmp_path: Path) -> None:
    """A split or severity that is not there is the user's mistake, found before a model is loaded."""
    pytest.importorskip("torch", reason="needs the 'evaluate' extra")
    from medimeta_c.scoring.features import FeaturesConfig, extract

    config = {"model": "local-dir:none", "benchmark": str(built), "out": tmp_path / "f.parquet"}
    with pytest.raises(ConfigError, match="split"):
        extract(FeaturesConfig(**config, split="val"))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="unknown severity 6"):
        FeaturesConfig(**config, severities=6)  # type: ignore[arg-type]


def test_metadata_nested_without_end_is_refused(tmp_path: Path) -> None:
    """The file is whole otherwise."""
    path = tmp_path / "f.parquet"
    row = ("rays", "clean", 0, "000000", 0)
    write_features(path, Features(model="m", phantoms=(), rows=(row,), vectors=np.zeros((1, 2), np.float32)))
    table = pq.read_table(path)
    pq.write_table(
        table.replace_schema_metadata(
            {**table.schema.metadata, b"medimeta-c modalities": b"[" * 50_000},
        ),
        path,
    )
    with pytest.raises(ResultError, match="holds no image features"):
        read_features(path)


def test_another_file_holds_no_features(built: Path, tmp_path: Path) -> None:
    """A missing file, text, a damaged footer and another Parquet file are all named, in one line."""
    (tmp_path / "text").write_text("no")
    whole = (built / "stats" / "spectrum.parquet").read_bytes()
    (tmp_path / "damaged").write_bytes(whole[:-40] + bytes(32) + whole[-8:])
    for path in (
        *(tmp_path / name for name in ("absent", "text", "damaged")),
        built / "stats" / "spectrum.parquet",
    ):
        with pytest.raises(ResultError, match=r"holds no image features .*`medimeta-c features`") as caught:
            read_features(path)
        assert "\n" not in str(caught.value)
