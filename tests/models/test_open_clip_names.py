"""open_clip's models by architecture and tag, by a checkpoint of one's own, and from the Hub."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from hub_server import HubServer, hub_environment, run_client
from open_clip import pretrained as open_clip_pretrained
from open_clip_vectors import TEXTS, assert_same_vectors

from medimeta_c.errors import ConfigError, ModelError
from medimeta_c.models import Model, load_model


@pytest.fixture
def tiny_arch(clip_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An architecture of open_clip's own registry, small, with an `openai` tag whose weights are local."""
    config = json.loads((clip_folder / "open_clip_config.json").read_text())["model_cfg"]
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "ViT-tiny", config)
    tag = {"file": str(clip_folder / "open_clip_model.safetensors"), "quick_gelu": True, "mean": (0.5,) * 3}
    monkeypatch.setitem(open_clip_pretrained._PRETRAINED, "ViT-tiny", {"openai": tag})
    return "ViT-tiny"


def test_a_tag_brings_the_activation_it_was_trained_with(clip_folder: Path, tiny_arch: str) -> None:
    """`ARCH/openai` has QuickGELU though the architecture's own configuration says GELU."""
    ours = load_model(f"{tiny_arch}/openai")
    theirs = open_clip.create_model(tiny_arch, "openai", force_quick_gelu=True).eval()
    assert_same_vectors(ours, theirs, open_clip.tokenize(TEXTS))
    plain = load_model(f"local-dir:{clip_folder}")
    assert not torch.allclose(ours.encode_texts(TEXTS), plain.encode_texts(TEXTS), atol=1e-3)
    assert ours.preprocessing.mean == (0.5, 0.5, 0.5)


def test_an_architecture_takes_a_checkpoint_of_ones_own(
    clip_folder: Path, tiny_arch: str, clip: Model
) -> None:
    """`ARCH/PATH` loads a file, with the activation asked for or named."""
    file = clip_folder / "open_clip_model.safetensors"
    for ours in (
        load_model(f"{tiny_arch}/{file}", activation="gelu"),
        load_model(f"{tiny_arch}-gelu/{file}"),
    ):
        torch.testing.assert_close(ours.encode_texts(TEXTS), clip.encode_texts(TEXTS))
        assert ours.identity.architecture == clip.identity.architecture
    quick, tagged = (
        load_model(f"{tiny_arch}/{file}", activation="quickgelu"),
        load_model(f"{tiny_arch}/openai"),
    )
    assert torch.equal(quick.encode_texts(TEXTS), tagged.encode_texts(TEXTS))
    assert quick.identity.architecture != clip.identity.architecture


def test_the_activation_of_a_bare_checkpoint_is_asked_for(clip_folder: Path, tiny_arch: str) -> None:
    """Where OpenAI's architecture fits both, nothing is assumed; where it is known, nothing is overridden."""
    file = clip_folder / "open_clip_model.safetensors"
    with pytest.raises(
        ConfigError, match=r"`activation='quickgelu'`.*`activation='gelu'`.*ViT-tiny-gelu/PATH"
    ):
        load_model(f"{tiny_arch}/{file}")
    with pytest.raises(ConfigError, match="has gelu, not quickgelu"):
        load_model(f"{tiny_arch}-gelu/{file}", activation="quickgelu")
    with pytest.raises(ConfigError, match="has quickgelu, not gelu"):
        load_model(f"ViT-B-16-quickgelu/{file}", activation="gelu")
    with pytest.raises(ConfigError, match="activation of ViT-tiny/openai is fixed"):
        load_model(f"{tiny_arch}/openai", activation="gelu")
    with pytest.raises(ConfigError, match="only for a checkpoint named as ARCH/PATH"):
        load_model(f"local-dir:{clip_folder}", activation="gelu")
    with pytest.raises(ConfigError, match=r"whose activations are their own: leave `activation` out"):
        load_model(f"nllb-clip-base-siglip/{file}", activation="quickgelu")
    with pytest.raises(ConfigError, match="unknown activation 'relu': use quickgelu or gelu"):
        load_model(f"{tiny_arch}/{file}", activation="relu")  # type: ignore[arg-type]


@pytest.mark.parametrize("address", ["https://openaipublic.x/{}/a.pt", "https://x/mlfoundations/a-{:.8}.pt"])
def test_the_activation_of_a_published_file_is_known(
    clip_folder: Path, tiny_arch: str, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """By its digest, which open_clip's address of it has, whole or in part."""
    file = clip_folder / "open_clip_model.safetensors"
    url = address.format(hashlib.sha256(file.read_bytes()).hexdigest())
    known = {"openai": {"url": url, "quick_gelu": True}}
    monkeypatch.setitem(open_clip_pretrained._PRETRAINED, "ViT-tiny", known)
    found = load_model(f"{tiny_arch}/{file}").identity.architecture
    assert found == load_model(f"{tiny_arch}/{file}", activation="quickgelu").identity.architecture
    with pytest.raises(ConfigError, match="is a published file that has quickgelu"):
        load_model(f"{tiny_arch}/{file}", activation="gelu")


def test_unknown_architectures_and_tags_are_suggested(tiny_arch: str) -> None:
    """Both answer with the nearest name."""
    with pytest.raises(ConfigError, match="did you mean 'ViT-B-16'"):
        load_model("ViT-B16/openai")
    with pytest.raises(ConfigError, match="did you mean 'openai'"):
        load_model(f"{tiny_arch}/openaii")


def test_the_papers_baseline_is_known_to_be_quickgelu() -> None:
    """CLIP ViT-B/16 and RN50 of OpenAI: the tag says so, in the version of open_clip installed."""
    for arch in ("ViT-B-16", "RN50"):
        assert open_clip.get_pretrained_cfg(arch, "openai")["quick_gelu"] is True


def test_an_unreachable_hub_is_one_sentence(offline: list[Any], impatient: None) -> None:
    """With the network off and nothing cached, the message names the way out."""
    with pytest.raises(ModelError, match=r"cannot be reached and nobody/nothing.*local-dir:PATH"):
        load_model("hf-hub:nobody/nothing")
    assert offline


def test_a_hub_model_is_pinned_to_its_commit(clip_folder: Path, clip: Model, tmp_path: Path) -> None:
    """The real client against a hub: weights, commit, a revision, and the cache when the hub is gone."""
    script = """
    from medimeta_c.errors import ModelError
    from medimeta_c.models import load_model
    model = load_model("hf-hub:test/tiny")
    said = []
    for spec in ("hf-hub:test/tiny@v9", "hf-hub:test/absent", "hf-hub:test/other"):
        try:
            load_model(spec)
        except ModelError as error:
            said.append(str(error))
    from huggingface_hub import constants
    constants.HF_HUB_OFFLINE = True
    cached = load_model("hf-hub:test/tiny")
    report([model.identity.revision, cached.identity.revision, cached.identity.weights_sha256, said])
    """
    with HubServer() as hub:
        repo = hub.store.add_repo("model", "test/tiny", clip_folder)
        hub.store.add_repo("model", "test/other", {"README.md": "nothing"})
        revision, again, digest, said = run_client(script, hub_environment(hub, tmp_path))
        (head,) = repo.refs.values()
    assert revision == again == head
    assert digest == clip.identity.weights_sha256
    assert "no revision 'v9'" in said[0]
    assert "no model 'test/absent'" in said[1]
    assert "none of open_clip_config.json" in said[2]
