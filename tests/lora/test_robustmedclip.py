"""``robustmedclip:``, this package's adapters: the base they name, merged, under an identity of its own."""

from __future__ import annotations

import ast
import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
from lora_towers import trained
from model_factories import make_open_clip_folder, picture

from medimeta_c import lora
from medimeta_c.errors import ConfigError, ModelError
from medimeta_c.lora import LoraConfig
from medimeta_c.lora.adapterfile import write_adapter
from medimeta_c.lora.adapters import attach
from medimeta_c.models import Model, load_model
from medimeta_c.models.torch_model import TorchModel

TEXTS = ["a photo of a benign cell", "retina"]


@pytest.fixture(scope="module")
def base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_open_clip_folder(tmp_path_factory.mktemp("base") / "tiny", image_size=56)


@pytest.fixture(scope="module")
def run(base_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as fine-tuning leaves it."""
    return write_run(base_folder, tmp_path_factory.mktemp("run"))


def write_run(base_folder: Path, folder: Path, *, alpha: float = 8.0, moved: bool = True) -> Path:
    """Adapters of rank 4 on the base."""
    model = loaded(f"local-dir:{base_folder}")
    adapters = attach(model, LoraConfig(rank=4, alpha=alpha), seed=3)
    if moved:
        adapters.load_state_dict(trained(adapters.state_dict()))
    write_adapter(folder, adapters)
    return folder


def loaded(spec: str) -> TorchModel:
    """A model that adapters go on."""
    model = load_model(spec)
    assert isinstance(model, TorchModel)
    return model


def pixels_of(model: Model) -> torch.Tensor:
    """Two pictures as the model sees them."""
    return torch.stack([model.preprocess(picture(70, 90, seed=seed)) for seed in (0, 1)])


def edited(run: Path, folder: Path, **base: Any) -> Path:
    """A copy of a run whose record names another base."""
    shutil.copytree(run, folder)
    values = json.loads((folder / "adapter.json").read_text())
    values["base"].update(base)
    (folder / "adapter.json").write_text(json.dumps(values))
    return folder


def test_the_adapted_model_is_loaded_by_its_folder(base_folder: Path, run: Path) -> None:
    """Images go through the adapters, texts and preprocessing are the base's, and no adapter is left over."""
    base, model = loaded(f"local-dir:{base_folder}"), loaded(f"robustmedclip:{run}")
    adapted = loaded(f"local-dir:{base_folder}")
    adapters = attach(adapted, LoraConfig(rank=4, alpha=8.0), seed=3)
    adapters.load_state_dict(trained(adapters.state_dict()))
    images = pixels_of(base)
    torch.testing.assert_close(
        model.encode_images(images), adapted.encode_images(images), rtol=1e-5, atol=1e-5
    )
    assert float((model.encode_images(images) - base.encode_images(images)).abs().max()) > 1e-2
    assert torch.equal(model.encode_texts(TEXTS), base.encode_texts(TEXTS))
    assert (model.preprocessing, model.logit_scale) == (base.preprocessing, base.logit_scale)
    assert set(model.module.state_dict()) == set(base.module.state_dict())
    assert isinstance(model, Model)


def test_untrained_adapters_are_the_base(base_folder: Path, tmp_path: Path) -> None:
    """Through the files and the merge, every bit is the base's."""
    base = load_model(f"local-dir:{base_folder}")
    model = load_model(f"robustmedclip:{write_run(base_folder, tmp_path, moved=False)}")
    images = pixels_of(base)
    assert torch.equal(model.encode_images(images), base.encode_images(images))


def test_identity_covers_base_adapters_and_scale(base_folder: Path, run: Path, tmp_path: Path) -> None:
    """Loaded again it is equal; other adapters, another scale or the base alone have other digests."""
    specs = [f"robustmedclip:{run}", f"local-dir:{base_folder}"]
    specs.append(f"robustmedclip:{write_run(base_folder, tmp_path / 'scale', alpha=4.0)}")
    specs.append(f"robustmedclip:{write_run(base_folder, tmp_path / 'start', moved=False)}")
    identities = [load_model(spec).identity for spec in specs]
    assert len({one.weights_sha256 for one in identities}) == 4
    first, base = identities[:2]
    assert load_model(specs[0]).identity == first
    assert (first.spec, first.family, first.revision) == (specs[0], "robustmedclip", None)
    assert first.architecture == f"{base.architecture}; LoRA of rank 4 on q, k, v of 2 layers"
    assert first.parameters == base.parameters


@pytest.mark.parametrize("name", ["adapter.json", "adapter.safetensors"])
def test_a_file_of_the_folder_may_be_named(run: Path, name: str) -> None:
    """It means its folder."""
    assert load_model(f"robustmedclip:{run / name}").identity.family == "robustmedclip"


def test_a_base_that_moved_is_named_in_the_spec(base_folder: Path, run: Path, tmp_path: Path) -> None:
    """The error says how; weights decide whether it is the right one, not their place."""
    gone = edited(run, tmp_path / "run", spec="local-dir:/nowhere/tiny")
    with pytest.raises(ModelError, match=rf"local-dir:/nowhere/tiny.*robustmedclip:{gone}\+base=SPEC"):
        load_model(f"robustmedclip:{gone}")
    moved = tmp_path / "moved"
    shutil.copytree(base_folder, moved)
    model = load_model(f"robustmedclip:{gone}+base=local-dir:{moved}")
    expected = load_model(f"robustmedclip:{run}").identity.weights_sha256
    assert model.identity.weights_sha256 == expected
    other = make_open_clip_folder(tmp_path / "other", seed=1, image_size=56)
    with pytest.raises(ModelError, match="load them onto their own base"):
        load_model(f"robustmedclip:{gone}+base=local-dir:{other}")


@pytest.mark.parametrize("spec", ["python:os:system", "robustmedclip:somewhere", "model:biomedclip"])
def test_a_file_cannot_choose_a_base_that_runs_code(run: Path, tmp_path: Path, spec: str) -> None:
    """Nor one that is itself adapted: those are loaded when the user names them."""
    folder = edited(run, tmp_path / "run", spec=spec)
    with pytest.raises(ModelError, match=rf"only when you ask for it yourself.*\+base={spec}"):
        load_model(f"robustmedclip:{folder}")


def test_a_model_of_ones_own_takes_no_adapters(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An object that is only a Model is refused in a sentence."""
    (tmp_path / "mine_without_towers.py").write_text(
        "from medimeta_c.models import load_model\n"
        f"inner = load_model('robustmedclip:{run}')\n"
        "class Mine:\n"
        "    def __getattr__(self, name):\n"
        "        return getattr(inner, name)\n"
        "    def encode_images(self, pixels):\n"
        "        return inner.encode_images(pixels)\n"
        "    def to(self, device, dtype):\n"
        "        return self\n"
        "model = Mine()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModelError, match="model of your own, which takes no adapters"):
        load_model(f"robustmedclip:{run}+base=python:mine_without_towers:model")


@pytest.mark.parametrize("target", ["+base=local-dir:x", "somewhere+base="])
def test_half_a_spec_is_refused(target: str) -> None:
    """Both the adapters' place and the base's spec must be there."""
    with pytest.raises(ConfigError, match=r"robustmedclip:PATH_OR_REPO\[\+base=SPEC\]"):
        load_model(f"robustmedclip:{target}")


def test_a_place_without_adapters_says_what_was_looked_for(tmp_path: Path) -> None:
    """An empty folder, a folder that is not there, and a file of another kind."""
    with pytest.raises(ModelError, match=r"adapter\.json, model\.pth, lora_weights\.safetensors"):
        load_model(f"robustmedclip:{tmp_path}")
    with pytest.raises(ModelError, match=r"no file or folder.*no Hub name"):
        load_model(f"robustmedclip:{tmp_path / 'absent'}")
    torch.save({"weight": torch.zeros(2)}, tmp_path / "x.pth")
    with pytest.raises(ModelError, match="not a RobustMedCLIP checkpoint"):
        load_model(f"robustmedclip:{tmp_path / 'x.pth'}")


def test_a_hub_base_is_loaded_at_its_recorded_commit(
    base_folder: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repository that moved on since does not change the model."""
    asked: list[str] = []

    def stand_in(spec: str) -> Model:
        asked.append(spec)
        return load_model(f"local-dir:{base_folder}")

    monkeypatch.setattr("medimeta_c.lora.robustmedclip.load_model", stand_in)
    for index, (spec, revision) in enumerate(
        [("hf-hub:org/tiny", "c0ffee"), ("hf-hub:org/tiny@v1", "c0ffee"), ("ViT-B-16/openai", "c0ffee")]
    ):
        load_model(f"robustmedclip:{edited(run, tmp_path / str(index), spec=spec, revision=revision)}")
    assert asked == ["hf-hub:org/tiny@c0ffee", "hf-hub:org/tiny@v1", "ViT-B-16/openai"]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "base", ["hf-hub:some-lab/their-clip", "transformers:some-lab/their-clip", "ViT-B-16/openai"]
)
def test_a_base_that_a_file_names_is_fetched_when_the_user_names_it(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    """It is read from the Hub's cache, and otherwise named and asked for: nobody is called."""
    tried: list[Any] = []

    def refuse(*arguments: Any, **_: Any) -> None:
        tried.append(arguments)
        raise OSError("the network is off")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    folder = edited(run, tmp_path / "run", spec=base, revision=None)
    with pytest.raises(ModelError, match=rf"to fetch it, name it as robustmedclip:{folder}\+base={base}"):
        load_model(f"robustmedclip:{folder}")
    assert tried == []
    with pytest.raises(ModelError, match="cannot be reached"):
        load_model(f"robustmedclip:{folder}+base={base}")
    assert tried


def test_adapters_come_from_the_hub(
    base_folder: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both files at one commit, which the identity names."""
    asked: list[tuple[str, tuple[str, ...], str | None]] = []
    snapshot = tmp_path / "snapshots" / "abc123"
    shutil.copytree(run, snapshot)

    def stand_in(repo: str, names: tuple[str, ...], revision: str | None = None) -> Path:
        asked.append((repo, tuple(names), revision))
        return snapshot / names[0]

    monkeypatch.setattr("medimeta_c.models.hub_files.fetch_file", stand_in)
    with pytest.raises(ModelError, match=rf"names local-dir:{base_folder} as the base.*only when you ask"):
        load_model("robustmedclip:org/adapters@v2")
    asked.clear()
    model = load_model(f"robustmedclip:org/adapters@v2+base=local-dir:{base_folder}")
    assert model.identity.revision == "abc123"
    assert [(repo, names[0], revision) for repo, names, revision in asked] == [
        ("org/adapters", "adapter.json", "v2"),
        ("org/adapters", "adapter.safetensors", "abc123"),
    ]


def test_weights_come_from_a_folder_of_a_repository(
    base_folder: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``ORG/NAME/FOLDER/…[@REVISION]`` is a folder of the repository, or a file in it."""
    asked: list[tuple[str, tuple[str, ...], str | None]] = []
    snapshot = tmp_path / "snapshots" / "abc123"
    shutil.copytree(run, snapshot / "deep" / "er")

    def stand_in(repo: str, names: list[str], revision: str | None = None) -> Path:
        asked.append((repo, tuple(names), revision))
        return snapshot / names[0]

    monkeypatch.setattr("medimeta_c.models.hub_files.fetch_file", stand_in)
    for place in ("deep/er@v2", "deep/er/adapter.json@v2", "deep/er/adapter.safetensors@v2"):
        model = load_model(f"robustmedclip:org/adapters/{place}+base=local-dir:{base_folder}")
        assert model.identity.revision == "abc123"
    published = ("deep/er/model.pth", "deep/er/lora_weights.safetensors")
    assert asked[0] == ("org/adapters", ("deep/er/adapter.json", *published), "v2")
    assert asked[1] == ("org/adapters", ("deep/er/adapter.safetensors",), "abc123")
    assert asked[2] == asked[4] == ("org/adapters", ("deep/er/adapter.json",), "v2")
    with pytest.raises(ModelError, match="no Hub name"):
        load_model("robustmedclip:org/adapters/../elsewhere")


@pytest.mark.usefixtures("impatient")
def test_a_place_that_is_neither_here_nor_on_the_hub_names_both() -> None:
    """A mistyped folder looks like a repository: the message says that there is no such folder."""
    with pytest.raises(ModelError, match=r"no file or folder runs/one/best here; on the Hub: .*reached"):
        load_model("robustmedclip:runs/one/best")


def test_adapters_know_no_family_of_models() -> None:
    """Adapters go onto any model: they import no loader of one kind, and no model imports them."""
    package = Path(lora.__file__).parents[1]
    for room, other in (("lora", "medimeta_c.models.families"), ("models", "medimeta_c.lora")):
        for file in (package / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                assert not (isinstance(node, ast.ImportFrom) and str(node.module).startswith(other)), file
