"""open_clip's models through our loader: open_clip's vectors, from whole local files or not at all."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from hub_server import HubServer, hub_environment, run_client
from model_factories import (
    TINY_BERT,
    make_biomedclip_folder,
    make_open_clip_folder,
    picture,
    write_bert_tokenizer,
)
from open_clip import pretrained as open_clip_pretrained
from safetensors.torch import load_file, save_file

from medimeta_c.errors import ConfigError, ModelError
from medimeta_c.models import Model, bert, load_model
from medimeta_c.models.families.open_clip_build import build_module

TEXTS = ["a photo of a benign cell", "an image of the retina", "x-ray"]


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_open_clip_folder(tmp_path_factory.mktemp("clip"), seed=1)


@pytest.fixture(scope="module")
def biomed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_biomedclip_folder(tmp_path_factory.mktemp("biomed"), seed=2)


@pytest.fixture(scope="module")
def clip(clip_folder: Path) -> Model:
    return load_model(f"local-dir:{clip_folder}")


@pytest.fixture(scope="module")
def biomed(biomed_folder: Path) -> Model:
    return load_model(f"local-dir:{biomed_folder}")


def edited(folder: Path, target: Path, **text_cfg: Any) -> Path:
    """Copy a model's folder and change settings of its text tower; a value of None removes one."""
    shutil.copytree(folder, target)
    config = json.loads((target / "open_clip_config.json").read_text())
    config["model_cfg"]["text_cfg"].update(text_cfg)
    for name in [key for key, value in text_cfg.items() if value is None]:
        del config["model_cfg"]["text_cfg"][name]
    (target / "open_clip_config.json").write_text(json.dumps(config))
    return target


def assert_same_vectors(ours: Model, theirs: Any, tokens: torch.Tensor) -> None:
    """Both embed the same pixels and tokens to the same vectors, to 1e-5."""
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(ours.encode_images(pixels), theirs.encode_image(pixels), atol=1e-5, rtol=0)
        torch.testing.assert_close(ours.encode_texts(TEXTS), theirs.encode_text(tokens), atol=1e-5, rtol=0)


def test_a_folder_gives_open_clips_own_vectors(clip_folder: Path, clip: Model) -> None:
    """A ViT with the byte-pair tokenizer: images, texts and temperature are create_model's."""
    theirs = open_clip.create_model(f"local-dir:{clip_folder}").eval()
    assert_same_vectors(clip, theirs, open_clip.get_tokenizer(f"local-dir:{clip_folder}")(TEXTS))
    assert clip.logit_scale == pytest.approx(20)
    assert clip.logit_bias is None


def test_biomedclips_structure_loads_with_the_network_off(
    biomed_folder: Path, tmp_path: Path, offline: list[Any]
) -> None:
    """A timm trunk, and a BERT named relative to the folder: open_clip's vectors, no connection."""
    ours = load_model(f"local-dir:{biomed_folder}")
    assert ours.context_length == 256
    vectors = ours.encode_texts(TEXTS)
    assert offline == []
    # open_clip itself needs the text tower under an absolute path and the tokenizer beside the weights
    theirs_folder = edited(biomed_folder, tmp_path / "theirs", hf_model_name=str(biomed_folder / "text"))
    write_bert_tokenizer(theirs_folder)
    theirs = open_clip.create_model(f"local-dir:{theirs_folder}").eval()
    tokens = open_clip.get_tokenizer(f"local-dir:{theirs_folder}")(TEXTS)
    assert_same_vectors(ours, theirs, tokens)
    assert vectors.shape == (3, 48)


def test_a_known_text_tower_needs_no_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: list[Any]
) -> None:
    """BiomedCLIP's folder as downloaded names its text tower on the Hub; its shape is known here."""
    name = "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract"
    assert bert.KNOWN_CONFIGS[name] == {"model_type": "bert", "architectures": ["BertModel"]}
    vocabulary = write_bert_tokenizer(tmp_path / "probe")
    monkeypatch.setitem(bert.KNOWN_CONFIGS, name, {**TINY_BERT, "vocab_size": vocabulary})
    folder = make_biomedclip_folder(tmp_path / "model", seed=2, text_tower=name)
    assert not list(folder.rglob("config.json"))
    model = load_model(f"local-dir:{folder}")
    assert model.encode_texts(TEXTS).shape == (3, 48)
    assert offline == []


def test_a_repository_that_a_configuration_names_is_not_fetched(
    biomed_folder: Path, tmp_path: Path, offline: list[Any]
) -> None:
    """A text tower, a tokenizer and a timm trunk: each is named, with what to do, and nobody is called."""
    folder = edited(biomed_folder, tmp_path / "m", hf_model_name="some-lab/their-bert")
    with pytest.raises(
        ModelError, match=r"names the repository some-lab/their-bert.*hf download .*config\.json"
    ):
        load_model(f"local-dir:{folder}")
    folder = edited(biomed_folder, tmp_path / "t", hf_tokenizer_name="some-lab/their-words")
    for file in (*folder.glob("tokenizer*"), *folder.glob("vocab*")):
        file.unlink()
    with pytest.raises(ModelError, match=r"names the repository some-lab/their-words.*hf download"):
        load_model(f"local-dir:{folder}")
    for trunk in ("hf-hub:some-lab/their-vit", "local-dir:/etc", "some-lab/their-vit"):
        folder = edited(biomed_folder, tmp_path / trunk.replace("/", "-").replace(":", "-"))
        config = json.loads((folder / "open_clip_config.json").read_text())
        config["model_cfg"]["vision_cfg"]["timm_model_name"] = trunk
        (folder / "open_clip_config.json").write_text(json.dumps(config))
        with pytest.raises(ModelError, match=rf"image tower from {trunk}, which is not fetched"):
            load_model(f"local-dir:{folder}")
    assert offline == []


def test_a_text_tower_outside_the_folder_is_not_read(biomed_folder: Path, tmp_path: Path) -> None:
    """A name that climbs out of the model's folder, or starts at the root, is not followed."""
    outside = shutil.copytree(biomed_folder / "text", tmp_path / "models" / "outside")
    for index, name in enumerate(("../outside", str(outside))):
        folder = edited(biomed_folder, tmp_path / "models" / str(index), hf_model_name=name)
        with pytest.raises(ModelError, match="neither a local folder nor a Hub name"):
            load_model(f"local-dir:{folder}")


@pytest.mark.parametrize("setting", ["trust_remote_code", "cache_dir", "vocab_file", "tokenizer_name"])
def test_a_tokenizer_may_not_run_code(biomed_folder: Path, tmp_path: Path, setting: str) -> None:
    """A configuration sets what open_clip's own tokenizers take, not what is handed on to transformers."""
    folder = edited(biomed_folder, tmp_path / "m", tokenizer_kwargs={"clean": "lower", setting: "x"})
    with pytest.raises(ModelError, match=rf"could run code or read other files \({setting}\)"):
        load_model(f"local-dir:{folder}")


def test_a_text_tower_of_another_kind_is_not_built(
    biomed_folder: Path, tmp_path: Path, offline: list[Any]
) -> None:
    """Some of transformers' kinds fetch a backbone that they name, when their configuration is read."""
    folder = edited(biomed_folder, tmp_path / "m")
    tower = {"model_type": "upernet", "backbone": "some-lab/their-vit", "use_pretrained_backbone": True}
    (folder / "text" / "config.json").write_text(json.dumps(tower))
    with pytest.raises(ModelError, match=r"its model_type is 'upernet', not one of roberta"):
        load_model(f"local-dir:{folder}")
    assert offline == []


def test_the_silent_projection_is_an_error_with_its_cure(biomed_folder: Path, tmp_path: Path) -> None:
    """Weights without a text projection and no hf_proj_type: open_clip would add a random one."""
    folder = edited(biomed_folder, tmp_path / "m", hf_proj_type=None)
    weights = folder / "open_clip_pytorch_model.bin"
    state = torch.load(weights, weights_only=True)
    torch.save({key: value for key, value in state.items() if not key.startswith("text.proj.")}, weights)
    with pytest.raises(ModelError, match=r"2 missing \(text\.proj\.0\.weight.*\"hf_proj_type\": null"):
        load_model(f"local-dir:{folder}")


@pytest.mark.parametrize("kind", ["missing", "unexpected", "of another shape or type", "quantised"])
def test_weights_load_whole_or_not_at_all(biomed_folder: Path, tmp_path: Path, kind: str) -> None:
    """A tensor too few, too many, of another shape or of integers is named."""
    folder = edited(biomed_folder, tmp_path / "m")
    weights = folder / "open_clip_pytorch_model.bin"
    state = torch.load(weights, weights_only=True)
    name = "visual.head.proj.weight"
    if kind == "missing":
        del state[name]
    elif kind == "unexpected":
        name = "visual.extra"
        state[name] = torch.zeros(2)
    else:
        state[name] = state[name][:, :5] if kind == "of another shape or type" else state[name].long()
    torch.save(state, weights)
    kind = kind.replace("quantised", "of another shape or type")
    with pytest.raises(ModelError, match=rf"1 {kind} \({name}\)"):
        load_model(f"local-dir:{folder}")


def test_position_ids_are_dropped_only_when_they_are_positions(biomed_folder: Path, tmp_path: Path) -> None:
    """The old constant is accepted by its values, not by its name."""
    folder = edited(biomed_folder, tmp_path / "m")
    weights = folder / "open_clip_pytorch_model.bin"
    state = torch.load(weights, weights_only=True)
    state["text.transformer.embeddings.position_ids"] += 1
    torch.save(state, weights)
    with pytest.raises(ModelError, match=r"1 unexpected \(text\.transformer\.embeddings\.position_ids\)"):
        load_model(f"local-dir:{folder}")


def test_position_embeddings_are_not_stretched(clip_folder: Path, tmp_path: Path) -> None:
    """A checkpoint of another image size is refused; open_clip would interpolate it."""
    folder = edited(clip_folder, tmp_path / "m")
    config = json.loads((folder / "open_clip_config.json").read_text())
    config["model_cfg"]["vision_cfg"]["image_size"] = 256
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"of another shape or type \(visual\.positional_embedding\)"):
        load_model(f"local-dir:{folder}")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "open_clip_config.json").unlink(), "transformers:PATH"),
        (lambda folder: (folder / "open_clip_config.json").write_text("{}"), "not valid at model_cfg"),
        (lambda folder: (folder / "open_clip_config.json").write_text('{"model_cfg": {}}'), "embed_dim"),
        (
            lambda folder: (folder / "open_clip_config.json").write_text("[" * 99_999),
            "is not valid JSON",
        ),
        (lambda folder: (folder / "open_clip_model.safetensors").unlink(), "none of the weight files"),
        (lambda folder: (folder / "open_clip_model.safetensors").write_bytes(b"no"), "damaged"),
    ],
    ids=["no config", "empty config", "no settings", "deep config", "no weights", "damaged weights"],
)
def test_a_broken_folder_says_what_is_wrong(
    clip_folder: Path, tmp_path: Path, spoil: Any, message: str
) -> None:
    """Each missing or damaged file has its sentence."""
    folder = edited(clip_folder, tmp_path / "m")
    spoil(folder)
    with pytest.raises(ModelError, match=message):
        load_model(f"local-dir:{folder}")


@pytest.mark.parametrize(
    ("part", "setting", "message"),
    [
        ("vision_cfg", None, "cannot build the architecture"),
        ("text_cfg", "x", "cannot build the architecture"),
        ("vision_cfg", {"image_size": 224, "patch_size": 0}, "cannot build the architecture"),
        ("text_cfg", {"tokenizer_kwargs": [1]}, "cannot build the tokenizer"),
        ("text_cfg", {"hf_tokenizer_name": 5}, "cannot build the tokenizer"),
        ("preprocess_cfg", [1], "preprocessing settings"),
        ("preprocess_cfg", {"resize_mode": "odd"}, "preprocessing settings"),
        ("preprocess_cfg", {"mean": [0.5, 0.5]}, "three numbers"),
        ("preprocess_cfg", {"std": [0, 0, 0]}, "std above 0"),
    ],
    ids=str,
)
def test_a_damaged_setting_is_one_sentence(
    clip_folder: Path, tmp_path: Path, part: str, setting: Any, message: str
) -> None:
    """Whatever the library trips over in the configuration."""
    folder = edited(clip_folder, tmp_path / "m")
    config = json.loads((folder / "open_clip_config.json").read_text())
    holder = config if part == "preprocess_cfg" else config["model_cfg"]
    holder[part] = holder[part] | setting if isinstance(setting, dict) else setting
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=message) as caught:
        load_model(f"local-dir:{folder}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), 1000.0], ids=["NaN", "infinite"])
def test_a_logit_scale_that_is_no_number_is_refused(clip_folder: Path, tmp_path: Path, value: float) -> None:
    """Every probability would be NaN."""
    folder = edited(clip_folder, tmp_path / "m")
    state = load_file(folder / "open_clip_model.safetensors")
    save_file({**state, "logit_scale": torch.tensor(value)}, folder / "open_clip_model.safetensors")
    with pytest.raises(ModelError, match=r"logit scale of local-dir:.* is (nan|inf): check the weights"):
        load_model(f"local-dir:{folder}")


def test_an_unknown_setting_is_one_sentence(clip_folder: Path, tmp_path: Path) -> None:
    """A setting that open_clip does not know gives no traceback."""
    folder = edited(clip_folder, tmp_path / "m", wings=2)
    with pytest.raises(ModelError, match=r"open_clip cannot build.*wings"):
        load_model(f"local-dir:{folder}")


@pytest.mark.parametrize("size", [(224, 224), (300, 260), (97, 131)])
@pytest.mark.parametrize("grey", [False, True])
def test_the_transform_is_the_models_own(
    clip_folder: Path, clip: Model, size: tuple[int, int], grey: bool
) -> None:
    """Pixel for pixel what create_model_and_transforms gives, grey images included."""
    _, _, theirs = open_clip.create_model_and_transforms(f"local-dir:{clip_folder}")
    image = picture(*size, grey=grey)
    torch.testing.assert_close(clip.preprocess(image), theirs(image), atol=0, rtol=0)


@pytest.mark.parametrize("grey", [False, True])
def test_images_of_the_models_size_are_only_normalised(clip: Model, grey: bool) -> None:
    """What the record calls plain may be done on the device: the tensors are the transform's."""
    image = picture(224, 224, grey=grey)
    record = clip.preprocessing
    assert record.is_normalise_only(224, 224)
    assert not record.is_normalise_only(224, 225)
    pixels = torch.from_numpy(np.array(image)).float().div(255)
    planes = pixels.expand(3, -1, -1) if grey else pixels.permute(2, 0, 1)
    ours = (planes - torch.tensor(record.mean)[:, None, None]) / torch.tensor(record.std)[:, None, None]
    torch.testing.assert_close(ours, clip.preprocess(image), atol=1e-6, rtol=0)


def test_the_transform_travels_without_the_weights(clip: Model) -> None:
    """It pickles into worker processes, small, and works there."""
    packed = pickle.dumps(clip.preprocess)
    assert len(packed) < 5000
    image = picture(224, 224)
    torch.testing.assert_close(pickle.loads(packed)(image), clip.preprocess(image))


def test_too_long_a_prompt_is_refused_by_both_tokenizers(clip: Model, biomed: Model) -> None:
    """Neither truncates; the message has prompt, tokens and limit; the limit itself passes."""
    for model in (clip, biomed):
        room = model.context_length - 2
        assert model.encode_texts([" ".join(["a"] * room)]).shape[0] == 1
        with pytest.raises(ModelError, match=rf"'a a .*is {room + 3} tokens.*at most {room + 2}"):
            model.encode_texts(["cell", " ".join(["a"] * (room + 1))])


def test_texts_do_not_depend_on_their_company(clip: Model, biomed: Model) -> None:
    """A text alone, among others, or beyond one pass has the same vector; no text is an error."""
    many = [f"a photo of {number}" for number in range(70)]
    for model in (clip, biomed):
        whole = model.encode_texts(many)
        torch.testing.assert_close(model.encode_texts(many[66:67]), whole[66:67], atol=1e-6, rtol=0)
        with pytest.raises(ModelError, match="no text"):
            model.encode_texts([])


def test_identity_names_the_weights(clip_folder: Path, clip: Model, biomed: Model, tmp_path: Path) -> None:
    """Same weights in another place and container, same digest; other weights, another."""
    again = edited(clip_folder, tmp_path / "again")
    (again / "open_clip_model.safetensors").unlink()
    state = open_clip.create_model(f"local-dir:{clip_folder}").state_dict()
    torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}}, again / "model.pth")
    other = load_model(f"local-dir:{again}")
    assert other.identity.weights_sha256 == clip.identity.weights_sha256
    assert biomed.identity.weights_sha256 != clip.identity.weights_sha256
    assert clip.identity.spec == f"local-dir:{clip_folder}"
    assert (clip.identity.family, clip.identity.revision) == ("open_clip", None)
    assert clip.identity.parameters == sum(value.numel() for value in state.values())
    assert "TimmModel" in biomed.identity.architecture
    assert "HFTextEncoder" in biomed.identity.architecture


def test_lower_precision_is_close_and_comes_back_as_float32(clip_folder: Path, biomed_folder: Path) -> None:
    """bf16 weights give float32 vectors of nearly the same direction."""
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    for folder in (clip_folder, biomed_folder):
        full = load_model(f"local-dir:{folder}")
        half = load_model(f"local-dir:{folder}", precision="bf16")
        for exact, rough in (
            (full.encode_images(pixels), half.encode_images(pixels)),
            (full.encode_texts(TEXTS), half.encode_texts(TEXTS)),
        ):
            assert rough.dtype == torch.float32
            assert torch.nn.functional.cosine_similarity(exact, rough).min() > 0.99


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


@pytest.mark.parametrize("layers", [2**16, [1, 2**16, 1, 1]])
def test_a_configuration_of_more_layers_than_any_model_has_is_refused(layers: Any) -> None:
    """Building them would take hours."""
    cfg = {"embed_dim": 8, "vision_cfg": {"layers": layers}, "text_cfg": {"layers": 1}}
    with pytest.raises(ModelError, match="asks for 65536 layers in vision_cfg"):
        build_module(cfg, None, "a model")
