"""transformers' CLIP and SigLIP through our loader: the library's own vectors, strictly loaded."""

from __future__ import annotations

import json
import pickle
import shutil
import string
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from model_factories import SENTENCES, TOWER, picture, seeded, write_bert, write_siglip
from PIL import Image as PILImage
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModel,
    AutoProcessor,
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPTokenizerFast,
)

from medimeta_c.errors import ConfigError, ModelError
from medimeta_c.models import Model, load_model
from medimeta_c.models.families import transformers_clip
from medimeta_c.models.tokenizers import HfTokens, read_tokenizer
from medimeta_c.models.transforms import ResizedAsTensorFlow

TEXTS = list(SENTENCES)


def write_clip(folder: Path) -> Path:
    """A tiny CLIPModel with its own kind of tokenizer and image processor, as save_pretrained leaves it."""
    letters = [*string.ascii_lowercase, *string.digits, *",.-"]
    tokens = [
        *letters,
        *(f"{one}</w>" for one in letters),
        "th",
        "the</w>",
        "<|startoftext|>",
        "<|endoftext|>",
    ]
    vocab = {token: index for index, token in enumerate(tokens)}
    CLIPTokenizerFast(vocab=vocab, merges=[("t", "h"), ("th", "e</w>")], model_max_length=40).save_pretrained(
        folder
    )
    special = {"bos_token_id": vocab["<|startoftext|>"], "eos_token_id": vocab["<|endoftext|>"]}
    config = CLIPConfig(
        text_config={**TOWER, **special, "vocab_size": len(vocab), "max_position_embeddings": 40},
        vision_config={**TOWER, "image_size": 224, "patch_size": 32},
        projection_dim=24,
    )
    seeded(CLIPModel(config), 3).save_pretrained(folder)
    CLIPImageProcessor().save_pretrained(folder)
    return folder


WRITERS: dict[str, Callable[[Path], Path]] = {"clip": write_clip, "siglip": write_siglip}


@pytest.fixture(scope="module", params=list(WRITERS))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return WRITERS[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return load_model(f"transformers:{folder}")


def copied(folder: Path, target: Path) -> Path:
    """A copy to spoil."""
    shutil.copytree(folder, target)
    return target


def is_siglip(folder: Path) -> bool:
    """Which of the two a folder holds."""
    return bool(json.loads((folder / "config.json").read_text())["model_type"] == "siglip")


def test_the_vectors_are_the_librarys_own(folder: Path, model: Model) -> None:
    """Images, and texts padded the way each family was trained, agree to 1e-5."""
    theirs = AutoModel.from_pretrained(folder).eval()
    tokenizer = AutoProcessor.from_pretrained(folder).tokenizer
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    if is_siglip(folder):
        tokens = {
            "input_ids": tokenizer(TEXTS, padding="max_length", max_length=64, return_tensors="pt").input_ids
        }
    else:
        tokens = tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        images = theirs.get_image_features(pixel_values=pixels).pooler_output
        texts = theirs.get_text_features(**tokens).pooler_output
    torch.testing.assert_close(model.encode_images(pixels), images, atol=1e-5, rtol=0)
    torch.testing.assert_close(model.encode_texts(TEXTS), texts, atol=1e-5, rtol=0)


def test_logits_are_the_librarys_own(folder: Path, model: Model) -> None:
    """Scale and bias on the cosine similarity give the model's own logits."""
    theirs = AutoModel.from_pretrained(folder).eval()
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    tokens = model.tokenizer(TEXTS)  # type: ignore[attr-defined]
    with torch.no_grad():
        expected = theirs(pixel_values=pixels, **tokens).logits_per_image
    normalize = torch.nn.functional.normalize
    cosine = normalize(model.encode_images(pixels)) @ normalize(model.encode_texts(TEXTS)).T
    logits = model.logit_scale * cosine + (model.logit_bias or 0.0)
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)
    assert (model.logit_bias == -9.5) if is_siglip(folder) else (model.logit_bias is None)


@pytest.mark.parametrize("size", [(224, 224), (300, 260)])
@pytest.mark.parametrize("grey", [False, True])
def test_the_transform_is_the_processors(
    folder: Path, model: Model, size: tuple[int, int], grey: bool
) -> None:
    """What AutoProcessor makes of the image, grey copied to three channels."""
    image = picture(*size, grey=grey)
    theirs = AutoProcessor.from_pretrained(folder)(images=image.convert("RGB"), return_tensors="pt")[
        "pixel_values"
    ][0]
    ours = pickle.loads(pickle.dumps(model.preprocess))(image)
    torch.testing.assert_close(ours, theirs, atol=0, rtol=0)


@pytest.mark.parametrize("grey", [False, True])
def test_images_of_the_models_size_are_only_normalised(model: Model, grey: bool) -> None:
    """The plain record is true: normalising pixels by it gives the processor's tensors."""
    record = model.preprocessing
    assert record.is_normalise_only(224, 224)
    image = picture(224, 224, grey=grey)
    pixels = torch.from_numpy(np.array(image)).float().div(255)
    planes = pixels.expand(3, -1, -1) if grey else pixels.permute(2, 0, 1)
    ours = (planes - torch.tensor(record.mean)[:, None, None]) / torch.tensor(record.std)[:, None, None]
    torch.testing.assert_close(ours, model.preprocess(image), atol=2e-6, rtol=0)


def test_a_processor_that_crops_is_not_plain(tmp_path: Path) -> None:
    """Resizing to 256 and cropping 224 moves pixels even in an image of 224."""
    folder = write_clip(tmp_path)
    CLIPImageProcessor(size={"shortest_edge": 256}).save_pretrained(folder)
    record = load_model(f"transformers:{folder}").preprocessing
    assert record.size == (224, 224)
    assert record.resize_size == (256, 256)
    assert record.center_crop
    assert not record.is_normalise_only(224, 224)


def test_a_long_prompt_is_refused(model: Model, folder: Path) -> None:
    """The limit is the text tower's: 40 tokens for this CLIP, 64 for this SigLIP."""
    limit = 64 if is_siglip(folder) else 40
    assert model.context_length == limit
    special = 1 if is_siglip(folder) else 2
    model.encode_texts([" ".join(["a"] * (limit - special))])
    with pytest.raises(ModelError, match=f"is {limit + 1} tokens.*at most {limit}"):
        model.encode_texts([" ".join(["a"] * (limit - special + 1))])


def test_a_text_alone_has_the_vector_it_has_in_company(model: Model) -> None:
    """Padding to the longest of a batch changes nothing."""
    torch.testing.assert_close(
        model.encode_texts(TEXTS)[1:2], model.encode_texts(TEXTS[1:2]), atol=1e-5, rtol=0
    )


def test_containers_do_not_matter(folder: Path, model: Model, tmp_path: Path) -> None:
    """A torch file and shards give the same digest and vectors as one safetensors file."""
    state = load_file(folder / "model.safetensors")
    torch_file, shards = copied(folder, tmp_path / "bin"), copied(folder, tmp_path / "shards")
    (torch_file / "model.safetensors").unlink()
    torch.save(state, torch_file / "pytorch_model.bin")
    (shards / "model.safetensors").unlink()
    AutoModel.from_pretrained(folder).save_pretrained(shards, max_shard_size="50KB")
    assert len(list(shards.glob("model-*.safetensors"))) > 1
    for other in (torch_file, shards):
        again = load_model(f"transformers:{other}")
        assert again.identity.weights_sha256 == model.identity.weights_sha256
        torch.testing.assert_close(again.encode_texts(TEXTS), model.encode_texts(TEXTS), atol=0, rtol=0)


@pytest.mark.parametrize("kind", ["missing", "unexpected", "of another shape or type", "quantised"])
def test_weights_load_whole_or_not_at_all(folder: Path, tmp_path: Path, kind: str) -> None:
    """Where transformers warns and initialises at random, we stop and name the tensor."""
    spoilt = copied(folder, tmp_path / "m")
    state = load_file(folder / "model.safetensors")
    name = "text_model.final_layer_norm.bias"
    if kind == "missing":
        del state[name]
    elif kind == "unexpected":
        name = "text_model.extra"
        state[name] = torch.zeros(2)
    else:
        state[name] = torch.zeros(7) if kind == "of another shape or type" else state[name].long()
    save_file(state, spoilt / "model.safetensors", metadata={"format": "pt"})
    kind = kind.replace("quantised", "of another shape or type")
    with pytest.raises(ModelError, match=rf"1 {kind} \({name}\)"):
        load_model(f"transformers:{spoilt}")


def test_a_text_model_alone_is_no_clip(tmp_path: Path) -> None:
    """A BERT loads, and is refused for what it cannot do."""
    write_bert(tmp_path, seed=1)
    with pytest.raises(ModelError, match=r"BertModel.*does not embed images and texts"):
        load_model(f"transformers:{tmp_path}")


def test_a_model_with_its_own_code_is_refused(folder: Path, tmp_path: Path) -> None:
    """No question at the terminal, no code from the folder: one sentence."""
    spoilt = copied(folder, tmp_path / "m")
    config = json.loads((spoilt / "config.json").read_text())
    config |= {"model_type": "strange", "auto_map": {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}}
    (spoilt / "config.json").write_text(json.dumps(config))
    (spoilt / "evil.py").write_text("raise SystemExit('ran')")
    with pytest.raises(ModelError, match="cannot load the model"):
        load_model(f"transformers:{spoilt}")


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("config.json", "needs config.json"),
        ("model.safetensors", "needs config.json and model.safetensors"),
        ("preprocessor_config.json", "preprocessor_config.json"),
        ("tokenizer.json", "no tokenizer in"),
    ],
)
def test_a_missing_file_is_named(folder: Path, tmp_path: Path, file: str, message: str) -> None:
    """Each file a model needs has its sentence when it is not there."""
    spoilt = copied(folder, tmp_path / "m")
    (spoilt / ("spiece.model" if is_siglip(folder) and file == "tokenizer.json" else file)).unlink()
    (spoilt / "vocab.txt").unlink(missing_ok=True)
    with pytest.raises(ModelError, match=message):
        load_model(f"transformers:{spoilt}")


@pytest.mark.parametrize(
    ("file", "setting", "message"),
    [
        ("config.json", {"vision_config": [1]}, "cannot load the model"),
        ("config.json", {"text_config": {**TOWER, "num_attention_heads": 5}}, "cannot load the model"),
        ("config.json", {"vision_config": {**TOWER, "patch_size": 0}}, "cannot load the model"),
        ("preprocessor_config.json", {"size": {"shortest_edge": -3}}, "no usable preprocessor_config.json"),
        ("preprocessor_config.json", {"resample": 99}, "no usable preprocessor_config.json"),
        ("preprocessor_config.json", {"image_std": [0, 0, 0]}, "std above 0"),
        ("preprocessor_config.json", {"image_mean": [0.5]}, "three numbers"),
        (
            "preprocessor_config.json",
            {"size": {"height": 64, "width": 64}, "do_center_crop": False},
            "does not read",
        ),
        ("tokenizer_config.json", {"model_max_length": "x"}, "names no length"),
    ],
    ids=str,
)
def test_a_damaged_setting_is_one_sentence(
    folder: Path, tmp_path: Path, file: str, setting: dict[str, Any], message: str
) -> None:
    """Whatever the library trips over, when it loads the model or sends the first image through."""
    spoilt = copied(folder, tmp_path / "m")
    values = json.loads((spoilt / file).read_text()) | setting
    (spoilt / file).write_text(json.dumps(values))
    with pytest.raises(ModelError, match=message) as caught:
        load_model(f"transformers:{spoilt}")
    assert "\n" not in str(caught.value)


def test_one_file_of_weights_comes_before_its_variants(folder: Path, model: Model, tmp_path: Path) -> None:
    """A half-precision copy beside the weights is not what transformers reads, nor what the digest is of."""
    other = copied(folder, tmp_path / "m")
    state = {key: value + 1 for key, value in load_file(folder / "model.safetensors").items()}
    save_file(state, other / "model_fp16.safetensors", metadata={"format": "pt"})
    assert load_model(f"transformers:{other}").identity.weights_sha256 == model.identity.weights_sha256


def test_an_unreachable_hub_is_one_sentence(impatient: None) -> None:
    """A name that is no folder is looked up on the Hub, which is not there."""
    with pytest.raises(ModelError, match=r"cannot be reached.*name its path"):
        load_model("transformers:nobody/nothing")


def test_lower_precision_comes_back_as_float32(folder: Path, model: Model) -> None:
    """bf16 weights, float32 vectors of nearly the same direction."""
    half = load_model(f"transformers:{folder}", precision="bf16")
    exact, rough = model.encode_texts(TEXTS), half.encode_texts(TEXTS)
    assert rough.dtype == torch.float32
    assert torch.nn.functional.cosine_similarity(exact, rough).min() > 0.99


def test_settings_are_part_of_the_identity(tmp_path: Path) -> None:
    """The same tensors with another activation are another model; who wrote the file makes no difference."""
    folder = write_clip(tmp_path / "clip")
    values = json.loads((folder / "config.json").read_text())

    def architecture(**changes: Any) -> str:
        (folder / "config.json").write_text(json.dumps(values | changes))
        return load_model(f"transformers:{folder}").identity.architecture

    before = architecture()
    assert architecture(transformers_version="0.0.0") == before
    assert architecture(text_config={**values["text_config"], "hidden_act": "relu"}) != before


@pytest.mark.parametrize(("module", "library"), [("sentencepiece",) * 2, ("google.protobuf", "protobuf")])
def test_a_tokenizers_missing_library_is_our_extra(module: str, library: str, tmp_path: Path) -> None:
    """Not upstream's page of installation, nor the advice to copy files again: the line that installs it."""
    script = (
        f"import sys\nsys.modules[{module!r}] = None\nfrom medimeta_c.models import load_model\n"
        f"try:\n    load_model('transformers:{write_siglip(tmp_path)}')\n"
        "except ImportError as error:\n    print(error)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    remedy = (
        "it needs the 'evaluate' extra: in a clone of the repository, pip install ./corruptions '.[evaluate]'"
    )
    assert run.stdout.strip() == f"the tokenizer in {tmp_path} cannot be read without {library}: {remedy}"


def test_an_image_tower_elsewhere_is_not_fetched(tmp_path: Path, offline: list[Any]) -> None:
    """A configuration may name timm's architecture on the Hub: nobody is called, and it is one sentence."""
    write_clip(tmp_path)
    vision = {"model_type": "timm_wrapper", "architecture": "hf-hub:some-lab/their-vit"}
    text = {"model_type": "clip_text_model", **TOWER}
    config = {"model_type": "vision-text-dual-encoder", "vision_config": vision, "text_config": text}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="architecture from hf-hub:some-lab/their-vit, which is not"):
        load_model(f"transformers:{tmp_path}")
    assert offline == []


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"attn_implementation": "some-lab/their-kernel"}, "attn_implementation from some-lab/their-kernel"),
        ({"text_config": {**TOWER, "_attn_implementation": "a/b:c"}}, "_attn_implementation from a/b:c"),
        (
            {
                "model_type": "vision-text-dual-encoder",
                "vision_config": {"model_type": "timm_wrapper", "architecture": "local-dir:/elsewhere"},
                "text_config": {"model_type": "clip_text_model", **TOWER},
            },
            "architecture from local-dir:/elsewhere",
        ),
    ],
    ids=["kernel", "text kernel", "image tower"],
)
def test_a_configuration_does_not_choose_what_else_is_read(
    tmp_path: Path, offline: list[Any], settings: dict[str, Any], named: str
) -> None:
    """Kernels to run and towers to build from, in the Hub's cache or on this disk, are refused by name."""
    write_clip(tmp_path)
    values = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(values | settings))
    with pytest.raises(ModelError, match=f"{named}, which is not fetched and not read"):
        load_model(f"transformers:{tmp_path}")
    assert offline == []


def test_a_model_of_another_kind_is_not_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which kind a configuration means is known before its code runs."""
    write_bert(tmp_path, seed=1)
    monkeypatch.setattr(f"{transformers_clip.__name__}.load_pretrained", lambda *_: pytest.fail("built"))
    with pytest.raises(ModelError, match=r"BertModel.*does not embed images and texts"):
        load_model(f"transformers:{tmp_path}")


@pytest.mark.parametrize(
    "setting", ["vocab", "merges", "gguf_file", "init_inputs", "vocab_file", "tokenizer_file"]
)
def test_a_tokenizer_outside_the_folder_is_not_read(tmp_path: Path, setting: str) -> None:
    """Each of these settings makes some version of transformers open the file that it names."""
    folder, outside = write_clip(tmp_path / "m"), tmp_path / "secret.txt"
    outside.write_text("a\nb\n")
    file = folder / "tokenizer_config.json"
    value = [str(outside)] if setting == "init_inputs" else str(outside)
    file.write_text(json.dumps(json.loads(file.read_text()) | {setting: value}))
    with pytest.raises(ModelError, match=rf"{setting} from the file .*secret\.txt, which is not read"):
        load_model(f"transformers:{folder}")


def test_a_setting_that_fails_only_when_texts_are_split_is_one_sentence(tmp_path: Path) -> None:
    """Transformers takes any value for the longest text, and compares it with a length later."""
    folder = write_clip(tmp_path / "m")
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"model_max_length": []}))
    tokens = HfTokens(read_tokenizer(folder), 16)
    with pytest.raises(ModelError, match="cannot split texts into tokens"):
        tokens.lengths(["a photo"])


def test_tokens_numbered_far_beyond_their_count_are_refused(tmp_path: Path) -> None:
    """The library would take memory for every number up to the largest, and end the process."""
    folder = write_clip(tmp_path / "m")
    file = folder / "tokenizer.json"
    values = json.loads(file.read_text())
    token = next(iter(values["model"]["vocab"]))
    values["model"]["vocab"][token] = 2**31
    file.write_text(json.dumps(values))
    with pytest.raises(ModelError, match=r"numbers \d+ tokens up to 2147483648"):
        read_tokenizer(folder)


def test_settings_that_only_say_where_files_were_are_read(folder: Path, model: Model, tmp_path: Path) -> None:
    """Tokenizers saved by older transformers hold paths of the machine that saved them, and own names."""
    other = copied(folder, tmp_path / "m")
    (tmp_path / "map.json").write_text("{}")
    file = other / "tokenizer_config.json"
    paths = {"special_tokens_map_file": str(tmp_path / "map.json"), "vocab_file": "/elsewhere/vocab.json"}
    more = {"name_or_path": "some-lab/other", "tokenizer_file": "tokenizer.json"}
    file.write_text(json.dumps(json.loads(file.read_text()) | paths | more))
    assert load_model(f"transformers:{other}").identity.architecture == model.identity.architecture


def test_an_index_reads_no_other_file_and_a_tensor_is_there_once(
    folder: Path, model: Model, tmp_path: Path
) -> None:
    """The digest is of the shards in the folder; two shards of two checkpoints are not mixed."""
    other = copied(folder, tmp_path / "m")
    state = load_file(other / "model.safetensors")
    shard = (other / "model.safetensors").rename(other / "model-00001-of-00001.safetensors")
    save_file({key: value + 1 for key, value in state.items()}, tmp_path / "evil.safetensors")
    index = {"weight_map": dict.fromkeys(state, "../evil.safetensors")}
    (other / "model.safetensors.index.json").write_text(json.dumps(index))
    assert load_model(f"transformers:{other}").identity.weights_sha256 == model.identity.weights_sha256
    shutil.copy(shard, other / "model-00001-of-00002.safetensors")
    with pytest.raises(ModelError, match=r"tensor .* in model-00001-of-00002.* and in another file"):
        load_model(f"transformers:{other}")


def test_big_vision_resizes_as_tensorflow_does(tmp_path: Path) -> None:
    """Bilinear from the centres of pixels, without antialiasing, cut to whole numbers; then the processor."""
    ours = load_model(f"transformers:{write_siglip(tmp_path)}", preprocessing="big-vision")
    line = PILImage.fromarray(np.array([[0, 100], [0, 100]], np.uint8))
    resized = ResizedAsTensorFlow((1, 4), lambda image: torch.from_numpy(np.asarray(image)[0, :, 0].copy()))
    assert resized(line).tolist() == [0, 25, 75, 100]
    image = picture(97, 61)
    pixels = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)[None].double()
    exact = torch.nn.functional.interpolate(pixels, (224, 224), mode="bilinear", antialias=False)[0]
    found = (ours.preprocess(image) * 0.5 + 0.5) * 255
    cut = found.round().double()
    assert (found - cut).abs().max() < 1e-3
    assert ((exact - cut) > -1e-3).all()
    assert ((exact - cut) < 1 + 1e-3).all()
    own = load_model(f"transformers:{tmp_path}")
    assert (own.preprocess(picture(600, 500)) - ours.preprocess(picture(600, 500))).abs().max() > 0.05
    assert torch.equal(own.preprocess(picture(224, 224)), ours.preprocess(picture(224, 224)))
    said = ours.preprocessing
    assert (said.resize, said.interpolation, said.plain) == ("squash", "bilinear", True)
    assert "ResizedAsTensorFlow" in said.implementation
    assert pickle.loads(pickle.dumps(ours.preprocess))(image).equal(ours.preprocess(image))


def test_a_preprocessing_that_a_model_does_not_have_is_refused_by_name(tmp_path: Path) -> None:
    """By the family where it lists none or others, by the model where it is no SigLIP."""
    with pytest.raises(ConfigError, match=r"hf-hub:org/name.* has only its own preprocessing, not"):
        load_model("hf-hub:some-lab/model", preprocessing="big-vision")
    with pytest.raises(ConfigError, match=r"unknown preprocessing of transformers:NAME_OR_PATH 'big-visio'"):
        load_model("transformers:some-lab/model", preprocessing="big-visio")
    with pytest.raises(ConfigError, match=r"of type clip, read by transformers\.CLIPImageProcessor"):
        load_model(f"transformers:{write_clip(tmp_path)}", preprocessing="big-vision")
