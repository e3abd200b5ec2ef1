"""The folder a reader of the docs is in: a few images of two datasets, a build, models, own files."""

from __future__ import annotations

import dataclasses
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from blocks import Reader
from commands import CLIENT

HERE = Path(__file__).parent
_PER_CLASS = {"train": 1, "val": 1, "test": 1}
_DATASETS = ("fundus", "pbc")  # enough for every page, and quick


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clean data, the built benchmark, models and own images. Read only; pages get links to it."""
    pytest.importorskip("open_clip", reason="needs the 'evaluate' extra")
    from model_factories import make_open_clip_folder
    from PIL import Image

    from medimeta_c.building.build import BuildConfig, build
    from medimeta_c.sources.phantoms.plan import PLANS
    from medimeta_c.sources.phantoms.writer import write_folder

    root = tmp_path_factory.mktemp("world")
    data, tree = root / "data", root / "tree"
    data.mkdir()
    for name in _DATASETS:  # drawn, but in genuine MedIMeta folders under the real ids
        write_folder(dataclasses.replace(PLANS[name], per_class=_PER_CLASS), data / name)
    build(BuildConfig(datasets=_DATASETS, source="medimeta", data_dir=data, out=tree / "MediMeta-C", jobs=1))
    for seed, folder in enumerate((root / "hub", root / "named", tree / "my-clip")):
        make_open_clip_folder(folder, seed, image_size=56)
    images = sorted((data / "pbc" / "images").iterdir())
    with Image.open(images[0]) as image:
        image.save(tree / "scan.png")
    for index, path in enumerate(images[:6]):
        folder = tree / "my-data" / "pathology" / "test" / ("benign", "malignant")[index % 2]
        folder.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as image:
            image.save(folder / f"{index:03d}.png")
    return root


@pytest.fixture(scope="session")
def command(world: Path) -> Iterator[Path]:
    """A folder with a ``medimeta-c`` that starts at once; see `commands`."""
    with tempfile.TemporaryDirectory() as short:  # a socket's path may not be long
        path = Path(short) / "socket"
        arguments = [str(HERE / "commands.py"), str(path), str(world / "hub"), str(world / "named")]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        with subprocess.Popen(
            [sys.executable, *arguments], stdout=subprocess.PIPE, text=True, env=environment
        ) as server:
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
            script = Path(short) / "bin" / "medimeta-c"
            script.parent.mkdir()
            script.write_text(f"#!{sys.executable} -IS\n{CLIENT.format(path=str(path))}")
            script.chmod(script.stat().st_mode | stat.S_IXUSR)
            try:
                yield script.parent
            finally:
                server.kill()


@pytest.fixture
def reader(world: Path, command: Path, tmp_path: Path) -> Reader:
    """A fresh folder with links to the world's files."""
    folder = tmp_path / "reader"
    shutil.copytree(world / "tree", folder, copy_function=os.link)
    environment = {
        **os.environ,
        "PATH": f"{command}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "MEDIMETA_DATA": str(world / "data"),
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    environment.pop("HF_TOKEN", None)
    return Reader(folder, environment)
