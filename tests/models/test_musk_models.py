"""MUSK: the numbers of its authors' own code, on the same seeded weights (scripts/upstream/musk.py)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from model_factories import write_sentencepiece
from published_folders import write_musk
from seeded_weights import LOG_SCALE
from timm.data.constants import IMAGENET_INCEPTION_MEAN, IMAGENET_INCEPTION_STD
from upstream_numbers import TEXTS, assert_small_numbers, read_numbers

from medimeta_c.errors import MissingExtraError, ModelError
from medimeta_c.models import Model, load_model
from medimeta_c.models.families.published.musk import Musk

THEIRS = read_numbers("musk")
MASK_TOKEN = "beit3.vision_embed.mask_token"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_musk(tmp_path_factory.mktemp("musk"))


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    loaded = load_model(f"musk:{folder}")
    assert isinstance(loaded, Model)
    return loaded


def test_images_texts_and_logits_are_the_authors(model: Model, offline: list[Any]) -> None:
    """Of every size, grey and colour, through their transform and ours: equal to 1e-5."""
    assert_small_numbers(model, THEIRS)
    assert model.logit_scale == LOG_SCALE  # the stored number, as in the authors' demonstration
    assert offline == []


def test_tokens_are_the_authors(model: Model) -> None:
    """XLM-RoBERTa's numbers, unknown letters included; padded to the longest text, not to 100."""
    tokens = model.tokenizer(TEXTS)  # type: ignore[attr-defined]
    rows = zip(tokens["input_ids"], tokens["attention_mask"].sum(1), strict=True)
    assert [row[:length].tolist() for row, length in rows] == THEIRS["ids"]
    assert any(3 in row for row in THEIRS["ids"])


def test_preprocessing_has_inceptions_numbers(model: Model) -> None:
    """Bicubic resize of the shortest edge, centre crop, a mean and standard deviation of one half."""
    record = model.preprocessing
    assert (record.size, record.resize, record.interpolation) == ((64, 64), "shortest", "bicubic")
    assert (record.mean, record.std) == (IMAGENET_INCEPTION_MEAN, IMAGENET_INCEPTION_STD)


def test_the_published_size_loads() -> None:
    """The tensors of the authors' full model, by name and shape, but for pretraining's mask."""
    with torch.device("meta"):
        shapes = THEIRS["published_shapes"].items()
        state = {name: torch.empty(shape) for name, shape in shapes if name != MASK_TOKEN}
        module = Musk.from_state(state, "the published checkpoint")
    assert (module.sizes["image_size"], module.sizes["layers"]) == (384, 24)


def test_pretrainings_mask_may_be_missing_and_changes_nothing(tmp_path: Path, model: Model) -> None:
    """It stands for hidden patches, and there are none; any other tensor counts."""
    again = load_model(f"musk:{write_musk(tmp_path, **{MASK_TOKEN: None})}")
    assert isinstance(again, Model)
    assert torch.equal(again.encode_texts(TEXTS), model.encode_texts(TEXTS))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"vision_head.weight": None}, r"1 missing \(vision_head.weight\)"),
        ({"head.weight": torch.zeros(1)}, r"1 unexpected \(head.weight\)"),
        ({"language_head.weight": torch.zeros(64, 128)}, r"1 of another shape or type \(language_head"),
        ({"beit3.encoder.layers.9999999.x": torch.zeros(1)}, "do not fit"),
        ({"beit3.encoder.embed_positions.A.weight": None}, "is not a MUSK checkpoint"),
        ({"beit3.encoder.embed_positions.A.weight": torch.zeros(2, 128)}, "is not a MUSK checkpoint"),
        ({"beit3.vision_embed.proj.weight": torch.zeros(100, 3, 16, 16)}, "width of 100 is not a"),
        ({"beit3.text_embed.weight": torch.zeros(40, 128)}, "tokens, and the text tower knows 40"),
    ],
    ids=["missing", "extra", "misshapen", "layer", "no positions", "few positions", "width", "vocabulary"],
)
def test_weights_load_whole_or_not_at_all(
    tmp_path: Path, changes: dict[str, torch.Tensor | None], said: str
) -> None:
    """Each tensor is used, is pretraining's mask, or is an error that names it."""
    with pytest.raises(ModelError, match=said):
        load_model(f"musk:{write_musk(tmp_path, **changes)}")


def test_a_text_too_long_is_refused(model: Model) -> None:
    """100 tokens with start and end are read; one more is not cut off, as upstream's code does."""
    longest = " ".join(["cell"] * 98)
    assert model.encode_texts([longest]).isfinite().all()
    with pytest.raises(ModelError, match=r"101 tokens, and musk:.* reads at most 100"):
        model.encode_texts(["retina", f"{longest} cell"])


def test_a_text_alone_is_as_among_others(model: Model) -> None:
    """What other texts of a call bring of padding changes nothing."""
    alone = torch.cat([model.encode_texts([text]) for text in TEXTS])
    torch.testing.assert_close(alone, model.encode_texts(TEXTS), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tokenizer.spm", r"no tokenizer at .*tokenizer\.spm"),
        ("model.safetensors", "holds none of"),
    ],
)
def test_a_missing_file_is_named(tmp_path: Path, name: str, said: str) -> None:
    """Either of the two."""
    (write_musk(tmp_path) / name).unlink()
    with pytest.raises(ModelError, match=said):
        load_model(f"musk:{tmp_path}")


def test_another_tokenizer_is_refused(folder: Path, tmp_path: Path) -> None:
    """One that is damaged, or numbers its special pieces otherwise."""
    write_musk(tmp_path)
    (tmp_path / "tokenizer.spm").write_bytes((folder / "tokenizer.spm").read_bytes()[:100])
    with pytest.raises(ModelError, match="is not MUSK's tokenizer"):
        load_model(f"musk:{tmp_path}")
    write_sentencepiece(tmp_path)
    (tmp_path / "spiece.model").rename(tmp_path / "tokenizer.spm")
    with pytest.raises(ModelError, match=r"are pieces \[2, -1, 1\], not 0, 1, 2"):
        load_model(f"musk:{tmp_path}")


def test_without_sentencepiece_the_remedy_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library that reads the tokenizer comes with the extra."""
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(MissingExtraError, match="reading MUSK's tokenizer needs the 'evaluate' extra"):
        load_model(f"musk:{folder}")
