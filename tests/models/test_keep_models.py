"""KEEP: the numbers of its authors' own code, on the same seeded weights (scripts/upstream/keep.py)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from published_folders import KEEP_CONFIG, write_keep
from safetensors.torch import save_file
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from upstream_numbers import TEXTS, assert_small_numbers, read_numbers

from medimeta_c.errors import ModelError
from medimeta_c.models import Model, load_model
from medimeta_c.models.families.published.keep import Keep, TextSettings

THEIRS = read_numbers("keep")
CONFIG = KEEP_CONFIG


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_keep(tmp_path_factory.mktemp("keep"))


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    loaded = load_model(f"keep:{folder}")
    assert isinstance(loaded, Model)
    return loaded


def test_images_texts_and_logits_are_the_authors(model: Model, offline: list[Any]) -> None:
    """Of every size, grey and colour, through their transform and ours: equal to 1e-5."""
    assert_small_numbers(model, THEIRS)
    assert offline == []


def test_tokens_are_the_authors(model: Model) -> None:
    """BERT's word pieces in lower case, padded to the longest text, not to 256: the vectors are the same."""
    tokens = model.tokenizer(TEXTS)  # type: ignore[attr-defined]
    rows = zip(tokens["input_ids"], tokens["attention_mask"].sum(1), strict=True)
    assert [row[:length].tolist() for row, length in rows] == THEIRS["ids"]


def test_preprocessing_has_imagenets_numbers(model: Model) -> None:
    """Bicubic resize of the shortest edge to 224, centre crop, ImageNet's mean and standard deviation."""
    record = model.preprocessing
    assert (record.size, record.resize, record.interpolation) == ((224, 224), "shortest", "bicubic")
    assert (record.mean, record.std) == (IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD)


def test_the_published_size_loads() -> None:
    """The tensors of the authors' full model, by name and shape: ViT-L/16 at 224 pixels, and BERT's base."""
    with torch.device("meta"):
        state = {name: torch.empty(shape) for name, shape in THEIRS["published_shapes"].items()}
        module = Keep.from_state(state, TextSettings(), "the published checkpoint")
    assert module.image_size == 224


def test_code_beside_the_weights_is_not_run(folder: Path, model: Model, tmp_path: Path) -> None:
    """The repository brings a module of its own; here it would leave a file behind."""
    write_keep(tmp_path)
    mark = tmp_path / "ran"
    (tmp_path / "modeling_keep.py").write_text(f"open({str(mark)!r}, 'w').close()\n", encoding="utf-8")
    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    (tmp_path / "pytorch_model.bin").unlink()
    save_file(state, tmp_path / "model.safetensors")
    again = load_model(f"keep:{tmp_path}")
    assert not mark.exists()
    assert again.identity.model_copy(update={"spec": ""}) == model.identity.model_copy(update={"spec": ""})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"visual_head.2.bias": None}, r"1 missing \(visual_head.2.bias\)"),
        ({"text.pooler.extra": torch.zeros(1)}, r"1 unexpected \(text.pooler.extra\)"),
        ({"visual.norm.weight": torch.zeros(64)}, r"1 of another shape or type \(visual.norm.weight\)"),
        ({"visual.blocks.99999999.x": torch.zeros(1)}, "do not fit"),
        ({"text.embeddings.word_embeddings.weight": torch.zeros(90, 128)}, "of another shape"),
        ({"visual.pos_embed": None}, "is not a KEEP checkpoint"),
        ({"visual.pos_embed": torch.zeros(1, 0, 128)}, "is not a KEEP checkpoint"),
        ({"visual.patch_embed.proj.weight": torch.zeros(32, 3, 16, 16)}, "width of 32 is not a"),
    ],
    ids=["missing", "extra", "misshapen", "layer", "vocabulary", "no positions", "empty", "width"],
)
def test_weights_load_whole_or_not_at_all(
    tmp_path: Path, changes: dict[str, torch.Tensor | None], said: str
) -> None:
    """Each tensor is used, or is an error that names it."""
    with pytest.raises(ModelError, match=said):
        load_model(f"keep:{write_keep(tmp_path, **changes)}")


@pytest.mark.parametrize("setting", ["do_lower_case", "strip_accents", "tokenize_chinese_chars"])
def test_what_the_tokenizer_does_to_letters_is_part_of_the_identity(
    model: Model, tmp_path: Path, setting: str
) -> None:
    """No vocabulary shows it: with another setting, some texts have other tokens."""
    file = write_keep(tmp_path) / "tokenizer_config.json"
    settings = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**settings, setting: False}), encoding="utf-8")
    again = load_model(f"keep:{tmp_path}").identity
    assert again.weights_sha256 == model.identity.weights_sha256
    assert again.architecture != model.identity.architecture


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({**CONFIG, "model_type": "bert"}, "model_type"),
        ({**CONFIG, "text_config": {**CONFIG["text_config"], "is_decoder": True}}, "is_decoder"),
        ({**CONFIG, "text_config": {**CONFIG["text_config"], "hidden_size": "many"}}, "hidden_size"),
        ({**CONFIG, "text_config": {**CONFIG["text_config"], "hidden_act": "none"}}, "not a KEEP checkpoint"),
        ({**CONFIG, "text_config": {**CONFIG["text_config"], "vocab_size": 60}}, "64 tokens, .* knows 60"),
        ([], "config.json"),
    ],
    ids=["kind", "decoder", "words", "activation", "vocabulary", "list"],
)
def test_a_configuration_that_does_not_fit_is_refused(tmp_path: Path, config: Any, said: str) -> None:
    """Of another kind of model, with values that cannot be, or of fewer tokens than the tokenizer."""
    with pytest.raises(ModelError, match=said):
        load_model(f"keep:{write_keep(tmp_path, config)}")


@pytest.mark.parametrize("changed", [{"hidden_act": "relu"}, {"layer_norm_eps": 1e-3}], ids=["act", "eps"])
def test_another_configuration_is_another_model(
    tmp_path: Path, model: Model, changed: dict[str, Any]
) -> None:
    """The same tensors compute something else: vectors and identity differ."""
    config = {**CONFIG, "text_config": {**CONFIG["text_config"], **changed}}
    again = load_model(f"keep:{write_keep(tmp_path, config)}")
    assert isinstance(again, Model)
    assert again.identity.weights_sha256 == model.identity.weights_sha256
    assert again.identity.architecture != model.identity.architecture
    assert not torch.allclose(again.encode_texts(TEXTS), model.encode_texts(TEXTS), atol=1e-5)


def test_a_text_too_long_is_refused(model: Model) -> None:
    """256 tokens with start and end are read; one more is not cut off."""
    longest = " ".join(["cell"] * 254)
    assert model.encode_texts([longest]).isfinite().all()
    with pytest.raises(ModelError, match=r"257 tokens, and keep:.* reads at most 256"):
        model.encode_texts(["retina", f"{longest} cell"])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("config.json", r"config\.json"),
        ("vocab.txt", "there is no tokenizer"),
        ("pytorch_model.bin", "holds none of"),
    ],
)
def test_a_missing_file_is_named(tmp_path: Path, name: str, said: str) -> None:
    """Whichever of the three."""
    (write_keep(tmp_path) / name).unlink()
    with pytest.raises(ModelError, match=said):
        load_model(f"keep:{tmp_path}")
