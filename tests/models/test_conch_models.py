"""CONCH: the numbers of its authors' own code, on the same seeded weights (scripts/upstream/conch.py)."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from published_folders import CONCH_TOKENIZER as TOKENIZER
from published_folders import write_conch
from upstream_numbers import FOLDER, TEXTS, assert_small_numbers, read_numbers

from medimeta_c.errors import ConfigError, ModelError
from medimeta_c.models import Model, load_model
from medimeta_c.models.families.published.conch import Conch

THEIRS = read_numbers("conch")
CAPTIONING = ("text_decoder.", "visual.attn_pool_caption.", "visual.ln_caption.")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_conch(tmp_path_factory.mktemp("conch"))


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    loaded = load_model(f"conch:{folder}")
    assert isinstance(loaded, Model)
    return loaded


def test_images_texts_and_logits_are_the_authors(model: Model, offline: list[Any]) -> None:
    """Of every size, grey and colour, through their transform and ours: equal to 1e-5."""
    assert_small_numbers(model, THEIRS)
    assert model.context_length == 127
    assert offline == []


def test_tokens_are_the_authors(model: Model) -> None:
    """Lower case without accents, start and end of text; padded to the context length."""
    ids = model.tokenizer(TEXTS)["input_ids"]  # type: ignore[attr-defined]
    assert ids.shape == (len(TEXTS), 127)
    assert [[one for one in row if one] for row in ids.tolist()] == THEIRS["ids"]


def test_preprocessing_is_openai_clips(model: Model) -> None:
    """Bicubic resize of the shortest edge, centre crop, OpenAI's mean and standard deviation."""
    record = model.preprocessing
    assert (record.size, record.resize, record.interpolation) == ((64, 64), "shortest", "bicubic")
    assert (record.mean, record.std) == (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)


def test_the_published_size_loads() -> None:
    """The tensors of the authors' full model, by name and shape, but for the captioning branch."""
    with torch.device("meta"):
        state = {
            name: torch.empty(shape)
            for name, shape in THEIRS["published_shapes"].items()
            if not name.startswith(CAPTIONING)
        }
        sizes = Conch.from_state(state, "the published checkpoint").sizes
    assert (sizes["image_size"], sizes["context_length"], sizes["embed_dim"]) == (448, 127, 512)


def test_the_captioning_branch_may_be_missing_and_changes_nothing(folder: Path, model: Model) -> None:
    """The published file lacks the decoder: identity and texts are the same with and without."""
    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    kept = {key: value for key, value in state.items() if not key.startswith(CAPTIONING)}
    assert len(kept) < len(state)
    bare = folder / "bare.bin"
    torch.save({"state_dict": {f"module.{key}": value for key, value in kept.items()}}, bare)
    again = load_model(f"conch:{bare}")
    assert again.identity.model_copy(update={"spec": ""}) == model.identity.model_copy(update={"spec": ""})
    torch.testing.assert_close(again.encode_texts(TEXTS), model.encode_texts(TEXTS), atol=0, rtol=0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"visual.ln_contrast.bias": None}, r"1 missing \(visual.ln_contrast.bias\)"),
        ({"visual.trunk.norm.extra": torch.zeros(1)}, r"1 unexpected \(visual.trunk.norm.extra\)"),
        ({"text.cls_emb": torch.zeros(127)}, r"1 of another shape or type \(text.cls_emb\)"),
        ({"logit_scale": torch.zeros(1)}, r"1 of another shape or type \(logit_scale\)"),
        ({"text.transformer.resblocks.9999999.x": torch.zeros(1)}, "do not fit"),
        ({"visual.trunk.pos_embed": None}, "is not a CONCH checkpoint"),
        ({"visual.trunk.pos_embed": torch.zeros(1, 0, 128)}, "is not a CONCH checkpoint"),
        ({"text.positional_embedding": torch.zeros(3)}, "is not a CONCH checkpoint"),
        ({"visual.trunk.patch_embed.proj.weight": torch.zeros(100, 3, 16, 16)}, "width of 100 is not a"),
    ],
    ids=["missing", "extra", "misshapen", "scalar", "layer", "no positions", "empty", "flat", "width"],
)
def test_weights_load_whole_or_not_at_all(
    tmp_path: Path, changes: dict[str, torch.Tensor | None], said: str
) -> None:
    """Each tensor is used, belongs to the captioning branch, or is an error that names it."""
    with pytest.raises(ModelError, match=said):
        load_model(f"conch:{write_conch(tmp_path, **changes)}")


def test_a_text_too_long_is_refused(model: Model) -> None:
    """127 tokens with start and end are read; one more is not cut off."""
    longest = next(text for n in range(200) if model.tokenizer.lengths([text := "a" * n]) == [127])  # type: ignore[attr-defined]
    assert model.encode_texts([longest]).isfinite().all()
    with pytest.raises(ModelError, match=r"128 tokens, and conch:.* reads at most 127"):
        model.encode_texts(["retina", longest + "a"])


def test_a_text_alone_is_as_among_others(model: Model) -> None:
    """Batches change nothing."""
    alone = torch.cat([model.encode_texts([text]) for text in TEXTS])
    torch.testing.assert_close(alone, model.encode_texts(TEXTS), atol=1e-6, rtol=0)


def test_the_tokenizer_can_be_named(folder: Path, model: Model, tmp_path: Path) -> None:
    """The published repository has none: a file is named after the place of the weights."""
    shutil.copy(folder / "pytorch_model.bin", tmp_path)
    with pytest.raises(ModelError, match=r"no tokenizer at .*\+tokenizer=FILE"):
        load_model(f"conch:{tmp_path}")
    again = load_model(f"conch:{tmp_path}+tokenizer={folder / TOKENIZER}")
    assert again.identity.architecture == model.identity.architecture
    with pytest.raises(ConfigError, match="is not of the form"):
        load_model(f"conch:{tmp_path}+tokenizer=")


def test_another_tokenizer_is_refused(folder: Path, tmp_path: Path) -> None:
    """One that is damaged, has other special tokens, or more tokens than the text tower."""
    text = (folder / TOKENIZER).read_text(encoding="utf-8")
    for name, content, said in [
        ("cut", text[:500], "is not CONCH's tokenizer"),
        ("other", text.replace("<end_of_text>", "</s>"), r"tokens \[0, 1, None\], not 0, 1, 2"),
    ]:
        (tmp_path / name).write_text(content, encoding="utf-8")
        with pytest.raises(ModelError, match=said):
            load_model(f"conch:{folder}+tokenizer={tmp_path / name}")
    rows = torch.zeros(200, 128)
    with pytest.raises(ModelError, match="has 300 tokens, and the text tower knows 200"):
        load_model(f"conch:{write_conch(tmp_path, **{'text.token_embedding.weight': rows})}")


@pytest.mark.usefixtures("impatient")
def test_missing_files_are_named(tmp_path: Path) -> None:
    """A folder without weights, and a name that is neither a folder nor on the Hub."""
    shutil.copy(FOLDER / "conch_tokenizer.json", tmp_path / TOKENIZER)
    with pytest.raises(ModelError, match=r"holds none of pytorch_model\.bin"):
        load_model(f"conch:{tmp_path}")
    with pytest.raises(ModelError, match="Hub cannot be reached"):
        load_model("conch:some-org/some-name")
    with pytest.raises(ModelError, match="neither a local folder nor a Hub name"):
        load_model(f"conch:{tmp_path / 'nowhere'}")
