"""MedCLIP: checkpoints of the published layout, against the upstream module and preprocessing."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from model_factories import picture
from PIL import Image
from published_folders import medclip_state, write_medclip, write_medclip_towers

from medimeta_c.errors import ModelError
from medimeta_c.models import Model, load_model

TEXTS = ["a photo of a benign cell", "retina", "an x-ray of the normal blood"]
MEAN, STD = 0.5862785803043838, 0.27950088968644304


@pytest.fixture(scope="module")
def towers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_medclip_towers(tmp_path_factory.mktemp("towers"))


@pytest.fixture(scope="module", params=["vit", "resnet"])
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(towers: Path, variant: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the package downloads it, with the tokenizer's files beside the weights."""
    return write_medclip(tmp_path_factory.mktemp(f"medclip-{variant}"), towers, variant)


@pytest.fixture(scope="module")
def model(folder: Path, variant: str) -> Model:
    return load_model(f"medclip:{variant}@{folder}")


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch, towers: Path) -> Any:
    """medclip 0.0.3's own modeling module, without its package, which needs an old transformers."""
    spec = importlib.util.find_spec("medclip")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("needs the reference implementation: pip install --no-deps medclip==0.0.3")
    package = types.ModuleType("upstream_medclip")
    package.__path__ = list(spec.submodule_search_locations)
    monkeypatch.setitem(sys.modules, "upstream_medclip", package)
    monkeypatch.setitem(sys.modules, "requests", types.ModuleType("requests"))  # for its downloads
    for name in ("constants", "modeling_medclip"):
        monkeypatch.delitem(sys.modules, f"upstream_medclip.{name}", raising=False)
    constants = importlib.import_module("upstream_medclip.constants")
    monkeypatch.setattr(constants, "BERT_TYPE", str(towers / "bert"))
    monkeypatch.setattr(constants, "VIT_TYPE", str(towers / "swin"))
    resnet50 = torchvision.models.resnet50
    monkeypatch.setattr(torchvision.models, "resnet50", lambda **_: resnet50(weights=None))
    modeling = importlib.import_module("upstream_medclip.modeling_medclip")
    monkeypatch.setattr(
        modeling.MedCLIPTextModel.__init__, "__defaults__", (str(towers / "bert"), 512, False)
    )
    return modeling


def upstream_model(modeling: Any, variant: str, state: dict[str, torch.Tensor]) -> Any:
    """Upstream's model with the checkpoint's weights.

    The towers come from the same files through transformers, which knows their old names; upstream's own
    load_state_dict would not, under a current transformers. The rest is loaded here.
    """
    kind = modeling.MedCLIPVisionModelViT if variant == "vit" else modeling.MedCLIPVisionModel
    theirs = modeling.MedCLIPModel(vision_cls=kind)
    theirs.text_model.projection_head.weight.data = state["text_model.projection_head.weight"]
    theirs.logit_scale.data = state["logit_scale"]
    if variant == "vit":
        theirs.vision_model.projection_head.weight.data = state["vision_model.projection_head.weight"]
    else:
        prefix = "vision_model."
        own = {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}
        theirs.vision_model.load_state_dict(own)
    return theirs.eval()


def test_the_vectors_are_upstreams(upstream: Any, towers: Path, variant: str, model: Model) -> None:
    """Images, and each text encoded alone, agree with medclip 0.0.3 to 1e-5; so does the temperature."""
    state = medclip_state(towers, variant)
    theirs = upstream_model(upstream, variant, state)
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    normalize = torch.nn.functional.normalize
    tokenizer = theirs.text_model.tokenizer
    with torch.no_grad():
        images = theirs.encode_image(pixels)
        texts = torch.cat([theirs.text_model(**ids(tokenizer, text)) for text in TEXTS])
        theirs.compute_logits(images, texts)
    torch.testing.assert_close(normalize(model.encode_images(pixels)), images, atol=1e-5, rtol=0)
    torch.testing.assert_close(model.encode_texts(TEXTS), texts, atol=1e-5, rtol=1e-5)
    assert model.logit_scale == pytest.approx(float(theirs.logit_scale.detach().exp()))


def ids(tokenizer: Any, text: str) -> dict[str, torch.Tensor]:
    """A text's tokens, as the text tower's arguments."""
    batch = tokenizer([text], return_tensors="pt")
    return {name: batch[name] for name in ("input_ids", "attention_mask")}


def reference_transform(image: Image.Image) -> np.ndarray:
    """The upstream feature extractor, step by step: pad, resize, normalise one channel."""
    side = max(224, *image.size)
    square = Image.new("L", (side, side), 0)
    square.paste(image, (int((side - image.size[0]) / 2), int((side - image.size[1]) / 2)))
    pixels = np.asarray(square.resize((224, 224), Image.Resampling.BICUBIC)).astype(np.float32) / 255
    return (pixels - MEAN) / STD


@pytest.mark.parametrize("size", [(224, 224), (300, 260), (97, 131), (224, 150)])
@pytest.mark.parametrize("grey", [False, True])
def test_the_transform_pads_to_a_grey_square(size: tuple[int, int], grey: bool, model: Model) -> None:
    """Colour becomes luma, small images are padded and not enlarged, the channel is copied."""
    image = picture(*size, grey=grey)
    ours = model.preprocess(image)
    assert ours.shape == (3, 224, 224)
    for channel in ours:
        np.testing.assert_allclose(channel.numpy(), reference_transform(image), atol=1e-6)
    assert not model.preprocessing.is_normalise_only(224, 224)


def test_the_layouts_own_constants_do_not_count_as_weights(folder: Path, variant: str, model: Model) -> None:
    """Without the stale position constants the checkpoint has the same digest and still loads."""
    other = folder / "without"
    other.mkdir()
    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    kept = {key: value for key, value in state.items() if "position_i" not in key}
    assert len(kept) < len(state)
    torch.save(kept, other / "pytorch_model.bin")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(folder / name, other / name)
    again = load_model(f"medclip:{variant}@{other}")
    assert again.identity.weights_sha256 == model.identity.weights_sha256


@pytest.mark.parametrize(
    "name",
    [
        "logit_scale",
        "text_model.projection_head.weight",
        "text_model.model.encoder.layer.2.output.LayerNorm.bias",
        "vision",
    ],
)
def test_weights_load_whole_or_not_at_all(tmp_path: Path, folder: Path, variant: str, name: str) -> None:
    """A missing tensor of any part is named."""
    if name == "vision":
        name = f"vision_model.model.{'layernorm.weight' if variant == 'vit' else 'layer4.2.conv3.weight'}"
    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    del state[name]
    torch.save(state, tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match=rf"1 missing \({name.split('model.model.')[-1]}\)"):
        load_model(f"medclip:{variant}@{tmp_path}")


@pytest.mark.parametrize(
    "name", ["text_model.projection_head.weight", "text_model.model.embeddings.word_embeddings.weight"]
)
@pytest.mark.parametrize("spoil", [torch.Tensor.long, torch.Tensor.sum], ids=["integers", "scalar"])
def test_tensors_of_another_kind_are_refused(
    tmp_path: Path, folder: Path, variant: str, name: str, spoil: Any
) -> None:
    """Quantised weights would load as what they are not."""
    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    torch.save({**state, name: spoil(state[name])}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin"):
        load_model(f"medclip:{variant}@{tmp_path}")


def test_the_other_variants_checkpoint_is_refused(folder: Path, variant: str) -> None:
    """Swin's weights are not read as a ResNet's, nor the other way round."""
    other = "resnet" if variant == "vit" else "vit"
    with pytest.raises(ModelError, match=f"read as MedCLIP {other}"):
        load_model(f"medclip:{other}@{folder}")


def test_without_a_path_the_packages_own_folder_is_used(
    folder: Path, variant: str, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`medclip:vit` finds pretrained/medclip-vit, and says how to get it when it is not there."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=rf"pretrained/medclip-{variant}.*from_pretrained"):
        load_model(f"medclip:{variant}")
    (tmp_path / "pretrained").mkdir()
    (tmp_path / "pretrained" / f"medclip-{variant}").symlink_to(folder)
    assert load_model(f"medclip:{variant}").identity.weights_sha256 == model.identity.weights_sha256


def test_a_missing_tokenizer_offline_says_what_to_copy(
    folder: Path, variant: str, tmp_path: Path, impatient: None
) -> None:
    """The folder lacks the tokenizer and the Hub is not there: both are in the message."""
    shutil.copy(folder / "pytorch_model.bin", tmp_path)
    with pytest.raises(ModelError, match=r"no tokenizer in .*vocab\.txt.*Bio_ClinicalBERT"):
        load_model(f"medclip:{variant}@{tmp_path}")


def test_a_bare_vocabulary_is_enough(
    folder: Path, variant: str, model: Model, towers: Path, tmp_path: Path
) -> None:
    """vocab.txt alone, as Bio_ClinicalBERT publishes it, gives the same tokens."""
    shutil.copy(folder / "pytorch_model.bin", tmp_path)
    shutil.copy(towers / "bert" / "vocab.txt", tmp_path)
    again = load_model(f"medclip:{variant}@{tmp_path}")
    torch.testing.assert_close(again.encode_texts(TEXTS), model.encode_texts(TEXTS), atol=0, rtol=0)


def test_a_tokenizer_of_more_tokens_is_refused(
    folder: Path, variant: str, towers: Path, tmp_path: Path
) -> None:
    """It is another model's: its ids would lie outside the text tower's table."""
    (tmp_path / "pytorch_model.bin").symlink_to(folder / "pytorch_model.bin")
    words = (towers / "bert" / "vocab.txt").read_text(encoding="utf-8")
    (tmp_path / "vocab.txt").write_text(f"{words}macula\n", encoding="utf-8")
    size = len(words.split())
    with pytest.raises(ModelError, match=rf"has {size + 1} tokens, and the text tower knows {size}"):
        load_model(f"medclip:{variant}@{tmp_path}")


def test_prompts_have_77_tokens(model: Model) -> None:
    """The limit of upstream's tokenizer, without its truncation."""
    assert model.context_length == 77
    with pytest.raises(ModelError, match="is 78 tokens"):
        model.encode_texts([" ".join(["a"] * 76)])
