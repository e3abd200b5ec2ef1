"""PMC-CLIP: the published layout with seeded weights, against the numbers of upstream's own code."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hub_server import HubServer, hub_environment, run_client
from published_folders import spoilt, write_pmc_clip
from seeded_weights import lively_state
from upstream_numbers import assert_apart, assert_numbers, pictures, read_numbers, read_shapes

from medimeta_c.errors import ModelError
from medimeta_c.lora.targets import default_targets, find_sites
from medimeta_c.models import MODELS, Model, load_model
from medimeta_c.models.families.published.pmc_clip import _UNUSED, PmcClip

NUMBERS = read_numbers("pmc_clip")
TEXTS = NUMBERS["texts"]
State = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def state() -> State:
    return lively_state(NUMBERS["shapes"])


@pytest.fixture(scope="module")
def folder(state: State, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pmc_clip(tmp_path_factory.mktemp("pmc-clip"), state)


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return load_model(f"pmc-clip:{folder}")


def test_images_and_texts_give_upstreams_features_and_logits(model: Model) -> None:
    """To 1e-5: of images of four sizes, one grey, and of texts of three lengths."""
    images = pictures()
    images[0] = images[0].resize((224, 224))
    assert_numbers(model, NUMBERS, images, 31, 37)


def test_the_features_tell_the_images_and_the_texts_apart() -> None:
    """So that the comparison above could fail."""
    assert_apart(NUMBERS)


def stages_of(module: PmcClip) -> list[torch.nn.Sequential]:
    """The four stages of the image tower."""
    return [getattr(module.visual, f"layer{stage}") for stage in range(1, 5)]


def test_the_published_checkpoints_tensors_are_used_or_named_as_unused() -> None:
    """Names and shapes of upstream's model at its own size, every one of them."""
    published = read_shapes("pmc_clip")
    constants = {"text_encoder.embeddings.position_ids"}
    unused = {name for name in published if _UNUSED.fullmatch(name)}
    assert len(unused) == 5 + 4 * 12
    with torch.device("meta"):
        state = {
            name: torch.empty(shape, dtype=torch.int64 if name.endswith("num_batches_tracked") else None)
            for name, shape in published.items()
            if name not in unused | constants
        }
        module = PmcClip.from_state(state, Path("published"))
    assert [len(stage) for stage in stages_of(module)] == [3, 4, 6, 3]
    assert MODELS["pmc-clip"].image_tower == "ResNet-50"  # whose blocks these are
    shapes = {name: list(tensor.shape) for name, tensor in module.state_dict().items()}
    assert shapes == {name: published[name] for name in state}
    assert module.visual.attnpool.num_heads == 32


def test_what_only_training_uses_may_be_left_out(state: State, model: Model, tmp_path: Path) -> None:
    """It is no part of the model's identity."""
    kept = {name: tensor for name, tensor in state.items() if not _UNUSED.fullmatch(name)}
    again = load_model(f"pmc-clip:{write_pmc_clip(tmp_path, kept) / 'checkpoint.pt'}")
    assert again.identity.weights_sha256 == model.identity.weights_sha256


def test_a_text_is_padded_to_the_full_length(model: Model) -> None:
    """Upstream reads the padding too, so that it must always be the same."""
    alone = torch.cat([model.encode_texts([text]) for text in TEXTS])
    torch.testing.assert_close(model.encode_texts(TEXTS), alone, atol=1e-6, rtol=0)


def test_preprocessing_is_openai_clips(model: Model) -> None:
    record = model.preprocessing
    assert (record.size, record.resize, record.interpolation) == ((224, 224), "shortest", "bicubic")
    assert record.center_crop
    assert record.is_normalise_only(224, 224)


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("logit_scale", "missing"),
        ("visual.layer2.1.bn3.running_var", "missing"),
        ("text_projection", "of another shape or type"),
        ("visual.attnpool.q_proj.weight", "of another shape or type"),
        ("fusion_module.resblocks.0.attn.bias_k", "unexpected"),
    ],
)
def test_weights_load_whole_or_not_at_all(state: State, tmp_path: Path, name: str, spoil: str) -> None:
    """A tensor that is missing, left over or of another shape is named."""
    write_pmc_clip(tmp_path, spoilt(state, name, spoil, 1, 1, 128))
    with pytest.raises(ModelError, match=rf"read as PMC-CLIP, .* 1 {spoil} \({name}\)"):
        load_model(f"pmc-clip:{tmp_path}")


@pytest.mark.parametrize(
    ("name", "tensor"),
    [
        ("visual.layer1.0.conv1.weight", torch.tensor(0.0)),
        ("visual.attnpool.positional_embedding", torch.zeros(0, 4)),
        ("visual.layer3.99999999.conv1.weight", torch.zeros(1)),
    ],
    ids=["scalar", "empty", "layer"],
)
def test_odd_shapes_build_nothing(state: State, tmp_path: Path, name: str, tensor: torch.Tensor) -> None:
    """Sizes are read off an untrusted checkpoint."""
    write_pmc_clip(tmp_path, {**state, name: tensor})
    with pytest.raises(ModelError, match=r"holds no PMC-CLIP image tower|do not fit"):
        load_model(f"pmc-clip:{tmp_path}")


def test_another_models_checkpoint_is_refused(tmp_path: Path) -> None:
    write_pmc_clip(tmp_path, {"weight": torch.zeros(2, 2)})
    with pytest.raises(ModelError, match="no BERT text tower"):
        load_model(f"pmc-clip:{tmp_path}")


def test_missing_files_are_named(folder: Path, tmp_path: Path, impatient: None) -> None:
    """No weights; a tokenizer neither here nor on the Hub; a repository that is not to be had."""
    with pytest.raises(ModelError, match=r"holds none of checkpoint\.pt"):
        load_model(f"pmc-clip:{tmp_path}")
    (tmp_path / "checkpoint.pt").symlink_to(folder / "checkpoint.pt")
    with pytest.raises(ModelError, match=r"no tokenizer in .*vocab\.txt.*PubMedBERT"):
        load_model(f"pmc-clip:{tmp_path}")
    with pytest.raises(ModelError, match=r"cannot be reached and axiong/pmc_oa_beta"):
        load_model("pmc-clip:axiong/pmc_oa_beta")


def test_a_repository_of_data_is_pinned_to_a_commit(folder: Path, model: Model, tmp_path: Path) -> None:
    """The authors keep the weights beside the data: of that repository the model's files are fetched."""
    script = """
    from medimeta_c.models import hub_files, load_model
    identity = load_model("pmc-clip:lab/data@main").identity
    fetched, commit = hub_files.model_folder("lab/data", ["none"], kind="dataset")
    names = sorted(path.name for path in fetched.iterdir())
    report([identity.revision, identity.weights_sha256, commit, names])
    """
    data = {"pmc_oa.jsonl": b"{}", "images.zip": b"PK"}
    with HubServer() as hub:
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        repo = hub.store.add_repo("dataset", "lab/data", {**files, **data})
        revision, digest, commit, fetched = run_client(script, hub_environment(hub, tmp_path))
        assert [revision] == [commit] == list(repo.refs.values())
    assert digest == model.identity.weights_sha256
    assert fetched == sorted(files)


def test_a_tokenizer_of_more_tokens_is_refused(state: State, tmp_path: Path) -> None:
    """It is another model's: its ids would lie outside the text tower's table."""
    write_pmc_clip(tmp_path, state)
    with (tmp_path / "vocab.txt").open("a", encoding="utf-8") as vocabulary:
        vocabulary.write("retina\n")
    with pytest.raises(ModelError, match=r"the tokenizer in .* has 145 tokens, and the text tower knows 144"):
        load_model(f"pmc-clip:{tmp_path}")


def test_adapters_find_the_image_tower(model: Model) -> None:
    """The convolutions of its stem and blocks; the pooling head is left alone."""
    targets = default_targets(model)
    assert (targets, len(find_sites(model, targets))) == (("conv-centre",), 18)


def test_prompts_have_77_tokens(model: Model) -> None:
    """The limit of upstream's tokenizer, without its truncation."""
    assert model.context_length == 77
    with pytest.raises(ModelError, match="is 78 tokens"):
        model.encode_texts([" ".join(["a"] * 76)])
