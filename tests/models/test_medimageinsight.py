"""MedImageInsight: the published layout with seeded weights, against numbers of its own code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hub_server import HubServer, hub_environment, run_client
from published_folders import MEDIMAGEINSIGHT_WEIGHTS as WEIGHTS
from published_folders import MEDIMAGEINSIGHT_WORDS as WORDS
from published_folders import write_medimageinsight
from seeded_weights import lively_state
from upstream_numbers import assert_equal, pictures, read_numbers, read_shapes

from medimeta_c.errors import ModelError
from medimeta_c.models import Model, load_model
from medimeta_c.models.families.published.medimageinsight import Config, MedImageInsight, _renamed

NUMBERS = read_numbers("medimageinsight")
normalize = torch.nn.functional.normalize


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_medimageinsight(tmp_path_factory.mktemp("mirror") / "2024.09.27").parent


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return load_model(f"medimageinsight:{folder}")


def test_features_and_logits_are_upstreams(model: Model, offline: list[Any]) -> None:
    """Each picture from its pixels to its vector, each text to its own, and the logits, to 1e-5."""
    pixels = torch.stack([model.preprocess(picture) for picture in pictures()])
    assert_equal(pixels[:, :, ::17, ::19], NUMBERS["pixels"])
    images = normalize(model.encode_images(pixels))
    texts = normalize(model.encode_texts(NUMBERS["texts"]))
    assert_equal(images, NUMBERS["image_features"])
    assert_equal(texts, NUMBERS["text_features"])
    assert_equal(model.logit_scale * images @ texts.T, NUMBERS["logits"])
    assert offline == []


def test_the_published_size_has_every_tensor() -> None:
    """Names and shapes are those of the published configuration, and their size that of the file: 2.46 GB."""
    published = read_shapes("medimageinsight")
    config = Config.model_validate_json(json.dumps(NUMBERS["published_config"]))
    with torch.device("meta"):
        module = MedImageInsight(config, 49408)
        renamed = _renamed({name: torch.empty(shape) for name, shape in published.items()}, Path("x"))
    ours = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    assert ours == {name: tuple(tensor.shape) for name, tensor in renamed.items()}
    assert round(4e-9 * sum(float(np.prod(shape)) for shape in published.values()), 2) == 2.46


def test_names_of_earlier_releases_are_read(model: Model, tmp_path: Path) -> None:
    """Upstream's code takes them too: `visual.` and `text.`, and the blocks of DaViT's first release."""
    old = (
        ("image_encoder.", "visual."),
        ("lang_encoder.", "text."),
        ("image_projection", "vision_projection"),
        ("lang_projection", "text_projection"),
        (".convs.", ".conv_embeds."),
        (".blocks.", ".main_blocks."),
        ("spatial_block.", "0."),
        ("channel_block.", "1."),
        ("conv1.fn.dw", "cpe.0.proj"),
        ("conv2.fn.dw", "cpe.1.proj"),
        ("window_attn.norm", "norm1"),
        ("channel_attn.norm", "norm1"),
        ("window_attn.fn", "attn"),
        ("channel_attn.fn", "attn"),
        ("ffn.norm", "norm2"),
        ("ffn.fn.net", "mlp"),
    )
    state = {}
    for name, tensor in lively_state(NUMBERS["shapes"]).items():
        renamed = name
        for new, earlier in old:
            renamed = renamed.replace(new, earlier)
        state[renamed] = tensor
    assert "visual.main_blocks.2.1.1.cpe.0.proj.weight" in state
    again = load_model(f"medimageinsight:{write_medimageinsight(tmp_path / 'm', state)}")
    assert again.identity.weights_sha256 == model.identity.weights_sha256
    assert torch.equal(again.encode_texts(NUMBERS["texts"]), model.encode_texts(NUMBERS["texts"]))


def test_a_tensor_under_two_names_is_refused(tmp_path: Path) -> None:
    """One of the two would be ignored."""
    state = lively_state(NUMBERS["shapes"])
    state["vision_projection"] = state["image_projection"] + 1
    with pytest.raises(ModelError, match=r"tensor vision_projection twice"):
        load_model(f"medimageinsight:{write_medimageinsight(tmp_path / 'm', state)}")


def test_the_hubs_files_are_fetched(folder: Path, model: Model, tmp_path: Path) -> None:
    """The release's folder at a revision, nothing else; the commit is part of the identity."""
    script = """
    from medimeta_c.models import load_model
    identity = load_model("medimageinsight:lab/mirror@main").identity
    report([identity.spec, identity.revision, identity.weights_sha256, identity.architecture])
    """
    with HubServer() as hub:
        repo = hub.store.add_repo("model", "lab/mirror", folder)
        head = repo.commit({"medimageinsightmodel.py": "raise SystemExit"})
        found = run_client(script, hub_environment(hub, tmp_path))
        cached = {path.name for path in tmp_path.rglob("snapshots/*/*")}
    ours = model.identity
    expected = ["medimageinsight:lab/mirror@main", head, ours.weights_sha256, ours.architecture]
    assert found == expected
    assert cached == {"2024.09.27"}


def test_the_weights_may_be_a_torch_file(folder: Path, model: Model, tmp_path: Path) -> None:
    """By what the file begins with, not by its name; the folder of the release may be named itself."""
    other = write_medimageinsight(tmp_path / "m")
    torch.save(lively_state(NUMBERS["shapes"]), other / WEIGHTS)
    again = load_model(f"medimageinsight:{other}")
    assert again.identity.weights_sha256 == model.identity.weights_sha256
    assert again.identity.architecture == model.identity.architecture


@pytest.mark.parametrize("kind", ["missing", "unexpected", "of another shape or type"])
@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("image_encoder.norms.bias", "image_encoder.head.norm.bias"),
        ("lang_encoder.resblocks.2.ln_2.weight", "lang_encoder.resblocks.2.norm2.weight"),
        ("logit_scale", "logit_scale"),
    ],
)
def test_weights_load_whole_or_not_at_all(tmp_path: Path, name: str, ours: str, kind: str) -> None:
    """A tensor too few, too many or of another shape is named; upstream passes over all three."""
    state = lively_state(NUMBERS["shapes"])
    if kind == "missing":
        del state[name]
    elif kind == "unexpected":
        ours = f"{ours}_more"
        state[f"{name}_more"] = torch.zeros(2)
    else:
        state[name] = torch.zeros(3, 5)
    with pytest.raises(ModelError, match=rf"v1\.0\.0\.pt do not fit .*1 {kind} \({re.escape(ours)}\)"):
        load_model(f"medimageinsight:{write_medimageinsight(tmp_path / 'm', state)}")


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("config.yaml", r"config\.yaml is missing: copy the files of lion-ai/MedImageInsights"),
        (WEIGHTS, r"no checkpoint at .*medimageinsigt-v1\.0\.0\.pt"),
        (f"{WORDS}/vocab.json", "no tokenizer in .*clip_tokenizer_4.16.2"),
    ],
)
def test_a_missing_file_is_named(tmp_path: Path, file: str, message: str) -> None:
    """Each file that is needed has its sentence."""
    folder = write_medimageinsight(tmp_path / "m")
    (folder / file).unlink()
    with pytest.raises(ModelError, match=message):
        load_model(f"medimageinsight:{folder}")


@pytest.mark.parametrize(
    ("part", "setting", "place"),
    [
        ("LANG_ENCODER", {"AUTOGRESSIVE": True}, "LANG_ENCODER.AUTOGRESSIVE"),
        ("LANG_ENCODER", {"TOKENIZER": "zcode"}, "LANG_ENCODER.TOKENIZER"),
        ("IMAGE_ENCODER", {"NAME": "coswin"}, "IMAGE_ENCODER.NAME"),
        ("TEST", {"CENTER_CROP": True}, "TEST.CENTER_CROP"),
        ("SPEC", {"PATCH_STRIDE": [4, 2, 2, 4]}, "IMAGE_ENCODER.SPEC.PATCH_STRIDE"),
        ("SPEC", {"NUM_GROUPS": [1, 1, 1, 1]}, "NUM_GROUPS must be NUM_HEADS"),
        ("SPEC", {"STANDPARAM": False}, "IMAGE_ENCODER.SPEC.STANDPARAM"),
        ("SPEC", {"NUM_HEADS": [5, 2, 3, 4], "NUM_GROUPS": [5, 2, 3, 4]}, "a multiple of its NUM_HEADS"),
        ("SPEC", {"DEPTHS": [1, 1, 10**9, 1]}, "IMAGE_ENCODER.SPEC.DEPTHS"),
        ("SPEC", {"DIM_EMBED": [32, 64, 96, 4 * 10**6]}, "of another shape"),
        ("LANG_ENCODER", {"HEADS": 5}, "does not hold MedImageInsight"),
    ],
)
def test_another_architecture_is_refused(
    tmp_path: Path, part: str, setting: dict[str, Any], place: str
) -> None:
    """Settings under which the same tensors would compute something else are never passed over."""
    config = json.loads(json.dumps(NUMBERS["config"]))
    (config["IMAGE_ENCODER"]["SPEC"] if part == "SPEC" else config[part]).update(setting)
    with pytest.raises(ModelError, match=re.escape(place)) as caught:
        load_model(f"medimageinsight:{write_medimageinsight(tmp_path / 'm', config=config)}")
    assert "\n" not in str(caught.value)


def test_settings_are_part_of_the_identity(model: Model, tmp_path: Path) -> None:
    """The same tensors with windows of another size are another model."""
    config = json.loads(json.dumps(NUMBERS["config"]))
    config["IMAGE_ENCODER"]["SPEC"]["WINDOW_SIZE"] = 6
    other = load_model(f"medimageinsight:{write_medimageinsight(tmp_path / 'm', config=config)}")
    assert other.identity.weights_sha256 == model.identity.weights_sha256
    assert other.identity.architecture != model.identity.architecture


def test_tokens_that_no_embedding_has_are_refused(tmp_path: Path) -> None:
    """A vocabulary of another size, and tokens added to it."""
    folder = write_medimageinsight(tmp_path / "m")
    (folder / WORDS / "added_tokens.json").write_text(json.dumps({"<mask>": 82}))
    with pytest.raises(ModelError, match="tokens, and the text tower knows"):
        load_model(f"medimageinsight:{folder}")
    words = json.loads((folder / WORDS / "vocab.json").read_text())
    (folder / WORDS / "vocab.json").write_text(json.dumps({**words, "cell</w>": 82}))
    (folder / WORDS / "added_tokens.json").unlink()
    with pytest.raises(ModelError, match=r"of another shape or type \(lang_encoder.token_embedding.weight"):
        load_model(f"medimageinsight:{folder}")


def test_texts_have_77_tokens(model: Model) -> None:
    """What upstream would cut off is refused."""
    assert model.context_length == 77
    model.encode_texts([" ".join(["a"] * 75)])
    with pytest.raises(ModelError, match=r"is 78 tokens.*at most 77"):
        model.encode_texts([" ".join(["a"] * 76)])


def test_images_are_squashed_to_the_towers_size(model: Model) -> None:
    """Both edges, bicubic, ImageNet's mean; images of that size are only normalised."""
    record = model.preprocessing
    assert (record.size, record.resize, record.interpolation) == ((160, 160), "squash", "bicubic")
    assert record.mean == (0.485, 0.456, 0.406)
    assert record.is_normalise_only(160, 160)
    assert NUMBERS["published_config"]["IMAGE_ENCODER"]["IMAGE_SIZE"] == [480, 480]
