"""The same weights under another configuration are another model; elsewhere on disk they are the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from model_factories import make_biomedclip_folder, make_open_clip_folder

from medimeta_c.models import load_model

Change = Callable[[dict[str, Any]], None]


def quick_gelu(config: dict[str, Any]) -> None:
    config["model_cfg"]["quick_gelu"] = True


def other_pooling(config: dict[str, Any]) -> None:
    config["model_cfg"]["text_cfg"]["hf_pooler_type"] = "mean_pooler"


def other_activation(config: dict[str, Any]) -> None:
    config["hidden_act"] = "relu"


def rewritten(config: dict[str, Any]) -> None:
    config["transformers_version"] = "0.0.0"


def identity(folder: Path) -> tuple[str, str]:
    found = load_model(f"local-dir:{folder}").identity
    return found.weights_sha256, found.architecture


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model of each kind."""
    root = tmp_path_factory.mktemp("models")
    return {
        "open_clip": make_open_clip_folder(root / "open_clip", image_size=56),
        "biomedclip": make_biomedclip_folder(root / "biomedclip"),
    }


@pytest.mark.parametrize(
    ("kind", "file", "change", "same"),
    [
        ("open_clip", "open_clip_config.json", quick_gelu, False),
        ("biomedclip", "open_clip_config.json", other_pooling, False),
        ("biomedclip", "text/config.json", other_activation, False),
        ("biomedclip", "text/config.json", rewritten, True),
    ],
)
def test_settings_are_part_of_the_identity(  # noqa: PLR0917
    folders: dict[str, Path], tmp_path: Path, kind: str, file: str, change: Change, same: bool
) -> None:
    """Settings that change what is computed change the identity; the folder and who wrote it do not."""
    copy = shutil.copytree(folders[kind], tmp_path / "copy")
    before = identity(folders[kind])
    assert identity(copy) == before
    config = json.loads((copy / file).read_text())
    change(config)
    (copy / file).write_text(json.dumps(config))
    after = identity(copy)
    assert after[0] == before[0]
    assert (after[1] == before[1]) is same


def test_the_tokenizer_is_part_of_the_identity(folders: dict[str, Path], tmp_path: Path) -> None:
    """Another vocabulary makes other tokens of the same prompt."""
    copy = shutil.copytree(folders["biomedclip"], tmp_path / "copy")
    file = copy / "text" / "tokenizer.json"
    values = json.loads(file.read_text())
    vocabulary = values["model"]["vocab"]
    vocabulary["a"], vocabulary["of"] = vocabulary["of"], vocabulary["a"]
    file.write_text(json.dumps(values))
    assert identity(copy) != identity(folders["biomedclip"])
