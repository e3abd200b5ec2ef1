"""The folder a reader of the docs is in: a few images of every dataset, a build, models, files of their own."""

from __future__ import annotations

import dataclasses
import os
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
_PER_CLASS = {"train": 3, "val": 1, "test": 1}


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clean data, the built benchmark, models and own images. Read only; pages get links to it."""
    pytest.importorskip("open_clip", reason="needs the 'evaluate' extra")
    from model_factories import make_biomedclip_folder, make_open_clip_folder

    from medimeta_c.builder import BuildConfig, build
    from medimeta_c.sources.phantoms.plan import PLANS
    from medimeta_c.sources.phantoms.writer import write_folder

    root = tmp_path_factory.mktemp("world")
    data = root / "data"
    data.mkdir()
    for name, plan in PLANS.items():  # drawn, but in genuine MedIMeta folders under the real ids
        write_folder(dataclasses.replace(plan, per_class=_PER_CLASS), data / name)
    tree = root / "tree"
    build(BuildConfig(datasets=tuple(PLANS), source="medimeta", data_dir=data, out=tree / "MediMeta-C", jobs=2))
    make_biomedclip_folder(root / "hub", 1)
    make_open_clip_folder(root / "named", 2)
    shutil.copytree(root / "named", tree / "my-clip")
    images = sorted((data / "pbc" / "images").iterdir())
    from PIL import Image

    with Image.open(images[0]) as image:
        image.save(tree / "scan.png")
    for index, path in enumerate(images[:6]):
        folder = tree / "my-data" / "pathology" / "test" / ("benign", "malignant")[index % 2]
        folder.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as image:
            image.save(folder / f"{index:03d}.png")
    return root


@pytest.fixture
def reader(world: Path, tmp_path: Path) -> tuple[Path, Callable[[str], list[str]], dict[str, str]]:
    """A fresh folder with links to the world's files; the driver's command line; the environment."""
    place = tmp_path / "reader"
    shutil.copytree(world / "tree", place, copy_function=os.link)
    tools = tmp_path / "bin"
    tools.mkdir()
    # `medimeta-c` as the reader types it, with stand-ins for weights from the network.
    command = tools / "medimeta-c"
    command.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(HERE)!r})\n"
        f"arguments, sys.argv[1:] = sys.argv[1:], [{str(world / 'hub')!r}, {str(world / 'named')!r}]\n"
        "import driver\n"
        "if arguments[:1] in (['evaluate'], ['finetune'], ['features']):\n    driver.use_stand_ins()\n"
        "sys.argv[1:] = arguments\nfrom medimeta_c.cli import main\nmain()\n"
    )
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    (tools / "python").symlink_to(sys.executable)
    environment = {
        **os.environ,
        "PATH": f"{tools}:{os.environ['PATH']}",
        "MEDIMETA_DATA": str(world / "data"),
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    environment.pop("HF_TOKEN", None)

    def command_line(page: str) -> list[str]:
        return [sys.executable, str(HERE / "driver.py"), str(world / "hub"), str(world / "named")]

    return place, command_line, environment
