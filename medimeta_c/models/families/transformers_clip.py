"""CLIP, SigLIP and similar models of transformers: ``get_image_features`` and ``get_text_features``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image as PILImage
from transformers import MODEL_MAPPING, AutoConfig, AutoImageProcessor

from medimeta_c.errors import ConfigError, ModelError
from medimeta_c.io.reading import Reader
from medimeta_c.models import hub_files
from medimeta_c.models.contract import Preprocess, Preprocessing, ResizeMode
from medimeta_c.models.identity import identity_of
from medimeta_c.models.libraries import explained, local_only, quiet
from medimeta_c.models.tokenizers import TOKENIZER_FILES, HfTokens, read_tokenizer
from medimeta_c.models.torch_model import TorchEncoder, TorchModel
from medimeta_c.models.transforms import ResizedAsTensorFlow
from medimeta_c.models.weights import StateDict, load_pretrained, read_checkpoint

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "ProcessorTransform",
    "configuration_of",
    "load_transformers",
    "locate",
    "processor_of",
    "read_state",
    "refuse_remote",
]

_PROCESSORS = ("preprocessor_config.json", "processor_config.json")
_FETCHED = (*TOKENIZER_FILES, *_PROCESSORS, "*.index.json", "model*.safetensors")
_WEIGHTS = ("model.safetensors", "model-*.safetensors", "pytorch_model.bin", "pytorch_model-*.bin")
"""File names of weights, in one file or in shards, the preferred first: transformers' own order."""

_NAMES_CODE = ("attn_implementation", "experts_implementation")
_NAMES_A_MODEL = ("architecture", "backbone", "model_name")
"""Settings of a configuration that may name a repository, of kernels to run or of an image tower."""

_PLAIN_PROCESSORS = ("CLIPImageProcessor", "SiglipImageProcessor", "ViTImageProcessor")
_BYTE = 1 / 255
_READER = Reader(remedy="copy it again", error=ModelError)


def load_transformers(spec: str, target: str, preprocessing: str | None = None) -> TorchEncoder:
    """Load ``transformers:NAME_OR_PATH``; a Hub name may end in ``@revision``.

    A vision model without texts is an encoder alone; its features are its ``pooler_output``.

    With `preprocessing` ``"big-vision"``, a SigLIP model reads images as Google's evaluation of MedSigLIP
    does, not as its processor resizes them.

    Raises
    ------
    ConfigError
        If that preprocessing is requested for a model that is not a SigLIP model.
    ModelError
        If the files are not to be had, need their own code, do not fit, or are no model of images.
    """
    folder, revision = locate(target)
    state = read_state(folder)
    with quiet(), local_only():
        module = _build(folder, state)
        processor, described = processor_of(folder)
    preprocess: Preprocess = ProcessorTransform(processor)
    if preprocessing is not None:
        preprocess, described = _big_vision(preprocess, described, module.config.model_type, folder)
    if not hasattr(module, "get_text_features"):
        return _image_encoder(spec, revision, module, state, preprocess, described, folder)
    tokens = _tokens(module.config, folder)
    model = TorchModel(
        module,
        embed_images=lambda pixels: _vectors(module.get_image_features(pixel_values=pixels)),
        embed_texts=lambda tokens: _vectors(module.get_text_features(**tokens)),
        tokenizer=tokens,
        preprocess=preprocess,
        preprocessing=described,
        identity=identity_of(
            spec=spec,
            family="transformers",
            revision=revision,
            what=f"transformers {type(module).__name__}",
            module=module,
            state=state,
            settings=module.config.to_diff_dict(),
            tokenizer=tokens,
        ),
        logit_scale=_logit_scale(module),
        logit_bias=float(module.logit_bias.detach()) if hasattr(module, "logit_bias") else None,
    )
    with explained(f"the image tower in {folder} does not read what its processor gives", "copy both again"):
        model.encode_images(torch.zeros(1, 3, *described.size))
    return model


@dataclass(frozen=True, slots=True)
class ProcessorTransform:
    """One PIL image through a transformers image processor; grey becomes RGB first."""

    processor: Any

    def __call__(self, image: Image) -> torch.Tensor:
        """Return float32 of shape (3, H, W)."""
        pixels: torch.Tensor = self.processor(images=image.convert("RGB"), return_tensors="pt")[
            "pixel_values"
        ][0]
        return pixels


def locate(target: str, *, more: Sequence[str] = (), pickles: bool = True) -> tuple[Path, str | None]:
    """Return the local folder of a model, and its commit when it comes from the Hub.

    Parameters
    ----------
    target : str
        A folder, or a name on the Hub, which may end in ``@revision``.
    more : sequence of str
        Patterns of small files beside a model's usual ones.
    pickles : bool
        Whether a repository without safetensors may have its weights in torch files.
    """
    fallback = ["pytorch_model*.bin"] if pickles else []
    return hub_files.model_folder(target, [*_FETCHED, *more], fallback)


def read_state(folder: Path) -> StateDict:
    """Read the folder's checkpoint, in one file or in shards."""
    found = (sorted(folder.glob(pattern)) for pattern in _WEIGHTS)
    files = next((each for each in found if each), [])
    if not files or not (folder / "config.json").is_file():
        raise ModelError(
            f"{folder} is not a transformers model: it needs config.json and model.safetensors "
            "(or pytorch_model.bin)"
        )
    state: StateDict = {}
    for file in files:
        part = read_checkpoint(file)
        if twice := sorted(state.keys() & part.keys()):
            raise ModelError(
                f"{folder} holds the tensor {twice[0]} in {file.name} and in another file: keep there the "
                "shards of one checkpoint"
            )
        state |= part
    return state


def configuration_of(folder: Path) -> Any:
    """Read a model's configuration; raises ModelError if it names code or files from elsewhere."""
    refuse_remote(_READER.values(folder / "config.json"), folder)
    return AutoConfig.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)


def processor_of(folder: Path) -> tuple[Any, Preprocessing]:
    """Read a model's image processor, and describe what it does."""
    with explained(f"{folder} holds no usable preprocessor_config.json", "copy it from the model's page"):
        processor = AutoImageProcessor.from_pretrained(
            str(folder), trust_remote_code=False, local_files_only=True
        )
        return processor, _describe(processor, folder)


def _build(folder: Path, state: StateDict) -> Any:
    """Build the model and load its weights, all of them."""
    with explained(f"transformers cannot load the model in {folder}", "copy its files again"):
        config = configuration_of(folder)
        kind = MODEL_MAPPING[type(config)]
        has_both = hasattr(kind, "get_image_features") and hasattr(kind, "get_text_features")
        if not has_both and kind.main_input_name != "pixel_values":
            raise ModelError(
                f"{folder} holds a {kind.__name__}, which does not embed images and texts in one space "
                "(no get_image_features and get_text_features): choose a CLIP-style model"
            )
        return load_pretrained(kind, config, state, folder)


def _image_encoder(  # noqa: PLR0913, PLR0917  (the parts of an encoder)
    spec: str,
    revision: str | None,
    module: Any,
    state: StateDict,
    preprocess: Preprocess,
    described: Preprocessing,
    folder: Path,
) -> TorchEncoder:
    """Return a vision model without texts."""
    model = TorchEncoder(
        module,
        embed_images=lambda pixels: module(pixel_values=pixels).pooler_output.flatten(1),
        preprocess=preprocess,
        preprocessing=described,
        identity=identity_of(
            spec=spec,
            family="transformers",
            revision=revision,
            what=f"transformers {type(module).__name__}",
            module=module,
            state=state,
            settings=module.config.to_diff_dict(),
        ),
    )
    with explained(
        f"the {type(module).__name__} in {folder} gives no pooler_output for what its processor gives",
        "use wrap, and say which of its outputs are the features",
    ):
        model.encode_images(torch.zeros(1, 3, *described.size))
    return model


def refuse_remote(values: object, folder: Path) -> None:
    """Refuse a configuration that names a path or repository to build from, or to run code of."""
    for name, value in values.items() if isinstance(values, dict) else ():
        refuse_remote(value, folder)
        known = name.removeprefix("_") in _NAMES_CODE or name in _NAMES_A_MODEL
        if known and isinstance(value, str) and set(value) & set(":/\\"):
            raise ModelError(
                f"the configuration in {folder} takes its {name} from {value}, which is not fetched and "
                "not read: write the name of a local one there, or remove the setting"
            )


def _vectors(output: Any) -> torch.Tensor:
    """Return the projected vectors: transformers 5 wraps them, transformers 4 returns them."""
    vectors: torch.Tensor = output if isinstance(output, torch.Tensor) else output.pooler_output
    return vectors


def _logit_scale(module: Any) -> float:
    """Return the factor on the cosine similarity, however the architecture stores it."""
    if hasattr(module, "logit_scale"):
        return float(module.logit_scale.detach().exp())
    if hasattr(module, "temperature"):
        return 1 / float(module.temperature.detach())
    raise ModelError(
        f"{type(module).__name__} has neither logit_scale nor temperature: choose a CLIP-style model"
    )


def _tokens(config: Any, folder: Path) -> HfTokens:
    """Return the tokenizer, padded as the architecture was trained."""
    tokenizer = read_tokenizer(folder)
    text_config = getattr(config, "text_config", config)
    with explained(f"the tokenizer in {folder} names no length", "copy its files again"):
        limit = min(int(text_config.max_position_embeddings), int(tokenizer.model_max_length))
    if str(config.model_type).startswith(
        "siglip"
    ):  # trained without a mask, on texts padded to the full length
        return HfTokens(tokenizer, limit, padding="max_length", names=("input_ids",))
    return HfTokens(tokenizer, limit, names=tuple(tokenizer.model_input_names))


def _describe(processor: Any, folder: Path) -> Preprocessing:
    """Run the processor once, for the size that comes out, and read its settings."""
    pixels = ProcessorTransform(processor)(PILImage.new("RGB", (97, 61)))
    if pixels.ndim != 3 or pixels.shape[0] != 3:
        raise ModelError(
            f"the image processor in {folder} gives tensors of shape {tuple(pixels.shape)}, not (3, H, W)"
        )
    height, width = pixels.shape[1:]
    mode, target = _resizing(processor, (height, width))
    crops = bool(getattr(processor, "do_center_crop", False))
    kind = type(processor).__name__
    normalises = processor.do_normalize and processor.do_rescale
    return Preprocessing(
        size=(height, width),
        resize=mode,
        resize_size=target,
        interpolation=_interpolation(processor),
        center_crop=crops,
        mean=tuple(float(one) for one in processor.image_mean),
        std=tuple(float(one) for one in processor.image_std),
        channels="rgb",
        implementation=f"transformers.{kind}",
        plain=(
            kind.startswith(_PLAIN_PROCESSORS)
            and bool(normalises)
            and abs(processor.rescale_factor - _BYTE) < 1e-9
            and mode in {"shortest", "squash", "none"}
            and target == (height, width)
        ),
    )


def _big_vision(
    preprocess: Preprocess, described: Preprocessing, kind: str, folder: Path
) -> tuple[Preprocess, Preprocessing]:
    """Return the transform with big_vision's resizing before the processor, which then only normalises."""
    if not (kind.startswith("siglip") and described.plain):
        raise ConfigError(
            f"{folder} holds a model of type {kind}, read by {described.implementation}, which has no "
            "preprocessing but its own: big-vision is how Google's evaluation reads images for SigLIP models"
        )
    kept = {"resize": "squash", "resize_size": described.size, "interpolation": "bilinear"}
    name = f"{ResizedAsTensorFlow.__module__}.{ResizedAsTensorFlow.__name__}, {described.implementation}"
    return (
        ResizedAsTensorFlow(described.size, preprocess),
        described.model_copy(update={**kept, "center_crop": False, "implementation": name}),
    )


def _resizing(processor: Any, size: tuple[int, int]) -> tuple[ResizeMode, tuple[int, int]]:
    """Return how the processor resizes, and to what."""
    if not getattr(processor, "do_resize", False):
        return "none", size
    wanted: Mapping[str, Any] = dict(processor.size)
    if wanted.get("shortest_edge"):
        return "shortest", (int(wanted["shortest_edge"]),) * 2
    if wanted.get("height") and wanted.get("width"):
        return "squash", (int(wanted["height"]), int(wanted["width"]))
    return "custom", size


def _interpolation(processor: Any) -> str:
    """Return the name of the processor's resampling filter."""
    value = getattr(processor, "resample", None)
    return "none" if value is None else PILImage.Resampling(int(value)).name.lower()
