"""UniMedCLIP: checkpoints of the published layout, against open_clip's model of the same architecture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from model_factories import picture, write_bert_tokenizer
from published_folders import UNIMEDCLIP, unimedclip_module, unimedclip_state, write_unimedclip

from medimeta_c.errors import ModelError
from medimeta_c.models import Model, load_model

TEXTS = ["a photo of a benign cell", "retina", "an x-ray of the normal blood"]


@pytest.fixture(scope="module", params=list(UNIMEDCLIP))
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def theirs(variant: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """open_clip's model with UniMedCLIP's settings: QuickGELU, BERT's first token, two-layer projection."""
    return unimedclip_module(variant, tmp_path_factory.mktemp("tower"))


@pytest.fixture(scope="module")
def folder(theirs: Any, variant: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_unimedclip(tmp_path_factory.mktemp(variant), theirs, variant)


@pytest.fixture(scope="module")
def model(folder: Path, variant: str) -> Model:
    return load_model(f"unimedclip:{variant}@{folder}")


def test_the_vectors_are_open_clips(
    theirs: Any, folder: Path, variant: str, model: Model, offline: list[Any]
) -> None:
    """Images and texts padded to 256 agree to 1e-5, with no connection tried."""
    size = UNIMEDCLIP[variant]["size"]
    pixels = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    tokens = open_clip.tokenizer.HFTokenizer(str(folder), context_length=256)(TEXTS)
    assert tokens.shape == (3, 256)
    with torch.no_grad():
        torch.testing.assert_close(
            model.encode_images(pixels), theirs.encode_image(pixels), atol=1e-5, rtol=0
        )
        torch.testing.assert_close(model.encode_texts(TEXTS), theirs.encode_text(tokens), atol=1e-5, rtol=0)
    assert model.logit_scale == pytest.approx(20)
    assert offline == []


def test_a_bare_state_dict_is_the_same_model(
    theirs: Any, folder: Path, variant: str, model: Model, tmp_path: Path
) -> None:
    """Without the wrapping and the `module.`, named as a file."""
    write_bert_tokenizer(tmp_path)
    torch.save(unimedclip_state(theirs, ""), tmp_path / "mine.pt")
    again = load_model(f"unimedclip:{variant}@{tmp_path / 'mine.pt'}")
    torch.testing.assert_close(again.encode_texts(TEXTS), model.encode_texts(TEXTS), atol=0, rtol=0)


def test_a_bare_vocabulary_is_read_as_berts(folder: Path, variant: str, model: Model, tmp_path: Path) -> None:
    """What the published repository of the text tower has beside its configuration: vocab.txt alone."""
    file = UNIMEDCLIP[variant]["file"]
    for name in (file, "vocab.txt"):
        (tmp_path / name).symlink_to(folder / name)
    again = load_model(f"unimedclip:{variant}@{tmp_path}")
    torch.testing.assert_close(again.encode_texts(TEXTS), model.encode_texts(TEXTS), atol=0, rtol=0)
    assert again.identity.architecture == model.identity.architecture


def test_preprocessing_is_openai_clips(variant: str, model: Model) -> None:
    """Bicubic resize of the shortest edge, centre crop, OpenAI's mean and standard deviation."""
    record = model.preprocessing
    size = UNIMEDCLIP[variant]["size"]
    assert record.size == (size, size)
    assert (record.resize, record.interpolation, record.center_crop) == ("shortest", "bicubic", True)
    assert record.mean == open_clip.OPENAI_DATASET_MEAN
    assert record.std == open_clip.OPENAI_DATASET_STD
    assert model.preprocess(picture(100, 120, grey=True)).shape == (3, size, size)


def test_the_variant_must_be_the_checkpoints(folder: Path, variant: str) -> None:
    """A ViT-B/16 checkpoint is not loaded as ViT-L/14, nor the other way round."""
    other = next(name for name in UNIMEDCLIP if name != variant)
    file = folder / UNIMEDCLIP[variant]["file"]
    with pytest.raises(ModelError, match=rf"patches of {UNIMEDCLIP[variant]['patch']} pixels"):
        load_model(f"unimedclip:{other}@{file}")


@pytest.mark.parametrize("name", ["text_encoder.proj.2.weight", "visual.ln_post.bias", "logit_scale"])
def test_weights_load_whole_or_not_at_all(theirs: Any, variant: str, tmp_path: Path, name: str) -> None:
    """A missing tensor of any part is named, by open_clip's name."""
    write_bert_tokenizer(tmp_path)
    state = unimedclip_state(theirs, "")
    del state[name]
    torch.save(state, tmp_path / "x.pt")
    with pytest.raises(ModelError, match=rf"1 missing \({name.replace('text_encoder', 'text')}\)"):
        load_model(f"unimedclip:{variant}@{tmp_path / 'x.pt'}")


def test_a_tokenizer_of_more_tokens_is_refused(folder: Path, variant: str, tmp_path: Path) -> None:
    """It is another model's: its ids would lie outside the text tower's table."""
    file = tmp_path / UNIMEDCLIP[variant]["file"]
    file.symlink_to(folder / file.name)
    words = (folder / "vocab.txt").read_text(encoding="utf-8")
    (tmp_path / "vocab.txt").write_text(f"{words}macula\n", encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}', encoding="utf-8")
    size = len(words.split())
    with pytest.raises(ModelError, match=rf"has {size + 1} tokens, and the text tower knows {size}"):
        load_model(f"unimedclip:{variant}@{file}")


def test_another_models_checkpoint_is_recognised(variant: str, tmp_path: Path) -> None:
    """A checkpoint without these towers is refused as such."""
    torch.save({"weight": torch.zeros(2, 2)}, tmp_path / "x.pt")
    with pytest.raises(ModelError, match="no BERT text tower"):
        load_model(f"unimedclip:{variant}@{tmp_path / 'x.pt'}")


@pytest.mark.parametrize(
    ("name", "tensor"),
    [
        ("visual.proj", torch.tensor(0.0)),
        ("visual.positional_embedding", torch.zeros(0, 4)),
        ("visual.transformer.resblocks.99999999.x", torch.zeros(1)),
    ],
    ids=["scalar", "empty", "layer"],
)
def test_odd_shapes_and_layers_build_nothing(
    theirs: Any, variant: str, tmp_path: Path, name: str, tensor: torch.Tensor
) -> None:
    """Sizes are read off a checkpoint from outside: one tensor cannot ask for 100 million layers."""
    write_bert_tokenizer(tmp_path)
    torch.save({**unimedclip_state(theirs, ""), name: tensor}, tmp_path / "x.pt")
    with pytest.raises(ModelError, match=r"x\.pt (holds no CLIP image tower|do not fit)"):
        load_model(f"unimedclip:{variant}@{tmp_path / 'x.pt'}")


def test_no_checkpoint_says_where_to_get_it(
    variant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a path the current folder is looked in; the message has the file's name and its source."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=rf"{UNIMEDCLIP[variant]['file']}.*mbzuai-oryx/UniMed-CLIP"):
        load_model(f"unimedclip:{variant}")


def test_two_checkpoints_are_not_chosen_between(tmp_path: Path) -> None:
    """ViT-L/14 exists with two text towers: the user says which."""
    for kind in ("base", "large"):
        (tmp_path / f"unimed_clip_vit_l14_{kind}_text_encoder.pt").touch()
    with pytest.raises(ModelError, match="name one of them"):
        load_model(f"unimedclip:vit-l-14@{tmp_path}")
