"""What decides pixels: a directory keeps one seed, version, source and treatment of channels and windows."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from trees import tree

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.building.verification import verify
from medimeta_c.errors import BuildError, ConfigError, SourceError
from medimeta_c.format.benchmark import open_benchmark
from medimeta_c.format.suites import CORE
from medimeta_c.sources.contract import Channels

Configure = Callable[..., BuildConfig]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 1}, "seed 0, this build has 1"),
        ({"channels": "rgb"}, "channels 'source', this build has 'rgb'"),
    ],
)
def test_another_protocol_needs_another_directory(
    build_config: Configure, changes: dict[str, object], message: str
) -> None:
    """A directory of another seed or channel treatment is refused, finished or not, and left as it is."""
    config = build_config(datasets=("rays",), severities=(1,))
    build(config)
    digests = tree(config.out)
    with pytest.raises(BuildError, match=message):
        build(dataclasses.replace(config, **changes))
    assert tree(config.out) == digests
    (config.out / "manifest.json").rename(config.out / ".medimeta-c" / "manifest.json")
    with pytest.raises(BuildError, match=message):
        build(dataclasses.replace(config, **changes))


def test_another_benchmark_version_needs_another_directory(build_config: Configure) -> None:
    """Pixels of two benchmark versions never mix."""
    config = build_config(datasets=("rays",), severities=(1,))
    build(config)
    newer = dataclasses.replace(CORE, version="2.0")
    with pytest.raises(BuildError, match=r"benchmark_version '1\.0', this build has '2\.0'"):
        build(dataclasses.replace(config, suite=newer))


def test_other_source_data_needs_another_directory(
    build_config: Configure, clean_dir: Path, tmp_path: Path
) -> None:
    """The same dataset name with other images is refused."""

    config = build_config(datasets=("rays",), severities=(1,))
    build(config)
    other = tmp_path / "other"
    shutil.copytree(clean_dir, other)
    next((other / "rays" / "class0").iterdir()).unlink()
    with pytest.raises(BuildError, match=r"rays checksum .*choose another `out`"):
        build(dataclasses.replace(config, data_dir=other, severities=(1, 2)))


def test_rgb_protocol_copies_grey_before_corruption(build_config: Configure) -> None:
    """With channels=rgb the noise on a grey image is coloured, as the reference package's is."""
    build(build_config(datasets=("rays",), severities=(3,), corruptions=("gaussian_noise",), channels="rgb"))
    bench = open_benchmark(build_config().out)
    clean, noisy = (next(iter(bench.batches(key))).images[0] for key in bench.sets)
    assert clean.shape[2] == noisy.shape[2] == 3
    assert (clean[..., 0] == clean[..., 1]).all()
    assert not (noisy[..., 0] == noisy[..., 1]).all()


@pytest.fixture
def xrays(tmp_path: Path) -> Path:
    """A folder of two grey pictures stored as RGB JPEG files, which colours them by a level or two."""
    shade = np.add.outer(np.arange(32) * 2, np.arange(32)).astype(np.uint8)
    for name in ("ill", "well"):
        folder = tmp_path / "data/xrays/test" / name
        folder.mkdir(parents=True)
        Image.fromarray(np.dstack([shade] * 3)).save(folder / "0.jpeg", quality=95)
    return tmp_path / "data"


@pytest.mark.parametrize("channels", ["source", "grey", "luma"])
def test_grey_stored_as_rgb(
    build_config: Configure, xrays: Path, channels: Channels, caplog: pytest.LogCaptureFixture
) -> None:
    """A build says that RGB files show grey; asked for, it makes them grey, and so does a rebuild."""
    config = build_config(
        datasets=("xrays",),
        data_dir=xrays,
        corruptions=("gaussian_noise",),
        severities=(3,),
        channels=channels,
    )
    manifest = build(config).manifest
    assert manifest.protocol.channels == channels
    assert manifest.dataset("xrays").channels == (3 if channels == "source" else 1)
    told = [record.getMessage() for record in caplog.records]
    assert [line.partition(", so")[0] for line in told] == [
        "xrays: all 2 images are stored as RGB and show grey"
    ] * (channels == "source")
    report = verify(config.out, rebuild=1, jobs=1)
    assert (report.ok, report.rebuilt) == (True, 2)


def test_window(build_config: Configure, tmp_path: Path) -> None:
    """A window is part of the protocol, a rebuild uses it, and it is for folders of pictures only."""
    for name in ("ill", "well"):
        folder = tmp_path / "data/deep" / name
        folder.mkdir(parents=True)
        Image.fromarray(np.arange(256, dtype=np.uint16).reshape(16, 16) * 16).save(folder / "0.png")
    config = build_config(
        datasets=("deep",),
        data_dir=tmp_path / "data",
        corruptions=("contrast",),
        severities=(1,),
        window="0,4095.0",
    )
    assert build(config).manifest.protocol.window == "0,4095"
    assert verify(config.out, rebuild=1, jobs=1).ok
    with pytest.raises(ConfigError, match="pbc is read as phantoms"):
        build(dataclasses.replace(config, datasets=("pbc",), source="phantoms"))


def test_colours_are_not_taken_as_grey(build_config: Configure, tmp_path: Path) -> None:
    """Arrays that show colours cannot be grey either; the image is named."""
    config = build_config(datasets=("pbc",), source="phantoms", channels="grey", data_dir=tmp_path / "data")
    with pytest.raises(SourceError, match=r"image '\d{6}' of pbc shows colours"):
        build(config)
