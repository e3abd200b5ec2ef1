"""Published RobustMedCLIP checkpoints, folded into the base model they were trained from.

Their image towers compute W·x + B·A·x, unscaled, on q, k and v of every block of BiomedCLIP's ViT, or beside
the convolutions of MedCLIP's ResNet-50: today's code adapts all but those of shortcuts, older code the 3x3
ones. All are updates of W, of convolutions at the kernel's centre.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from medimeta_c.errors import ModelError
from medimeta_c.lora.adapters import attach
from medimeta_c.lora.parametrisation import at_centre
from medimeta_c.lora.record import ATTENTION, CENTRES, LoraConfig
from medimeta_c.lora.targets import default_targets, find_sites
from medimeta_c.models.torch_model import TorchModel
from medimeta_c.models.transforms import clips_own
from medimeta_c.models.weights import StateDict, key_error, load_strictly, strip_prefix, weights_sha256

__all__ = ["BIOMEDCLIP", "PUBLISHED_FILES", "default_base", "fold_published"]

PUBLISHED_FILES = ("model.pth", "lora_weights.safetensors")
"""Names of the published files, the complete one first."""

BIOMEDCLIP = "hf-hub:microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224"
_VIT, _RESNET, _TEXT = "lora_vit.lora_vit.", "lora_resnet.lora_medclip.", "text_encoder."
_RESNET_COPIES = ("lora_resnet.w_As.", "lora_resnet.w_Bs.")
_HINT = "name the model it was fine-tuned from as +base=SPEC"
_FACTOR = re.compile(r"w_([ab])_\d{3}")
_PROJECTION = re.compile(r"fc_\d+in_\d+out")
_log = logging.getLogger(__name__)


def default_base(state: StateDict, where: Path) -> str:
    """Return the spec of the model a published checkpoint was fine-tuned from.

    Raises
    ------
    ModelError
        If it is not one of theirs.
    """
    if any(key.startswith(_RESNET) for key in state) or _is_resnet(state):
        return "medclip:resnet"
    if any(key.startswith(_VIT) for key in state) or any(map(_FACTOR.fullmatch, state)):
        return BIOMEDCLIP
    raise ModelError(
        f"{where} is not a RobustMedCLIP checkpoint (looked for {_VIT}…, {_RESNET}… or w_a_000, …): name "
        "model.pth or lora_weights.safetensors as published, or a folder that `medimeta-c finetune` wrote"
    )


def fold_published(model: TorchModel, state: StateDict, where: Path) -> str:
    """Put a published checkpoint into its base model, in place.

    From ``model.pth`` come all weights, from ``lora_weights.safetensors`` the updates and the head's
    projection: of a ViT it has no k-adapters, of a ResNet no statistics of batch normalisation, and a warning
    says so. The logit scale is the base's. The ResNet reads images as it was trained on them: RGB with CLIP's
    mean and std, not as MedCLIP does.

    Parameters
    ----------
    model : TorchModel
        The base.
    state : dict of str to torch.Tensor
        The checkpoint.
    where : Path
        The checkpoint's file, for messages.

    Returns
    -------
    str
        What was added. The model's identity has the digest of base and checkpoint from here on.

    Raises
    ------
    ModelError
        If a tensor is missing, left over or does not fit.
    """
    base = model.identity
    tensors = {key: one.float() if one.is_floating_point() else one for key, one in state.items()}
    if any(key.startswith(_RESNET) for key in tensors):
        what = _fold_resnet(model, tensors, where)
    elif any(key.startswith(_VIT) for key in tensors):
        what = _fold_vit(model, tensors, where)
    else:
        what = _fold_factors(model, tensors, where)
    if default_base(state, where) != BIOMEDCLIP:
        model.preprocess, model.preprocessing = clips_own()
    digest = hashlib.sha256(f"{base.weights_sha256}|{weights_sha256(state)}".encode()).hexdigest()
    model.identity = base.model_copy(update={"weights_sha256": digest})
    return what


def _fold_vit(model: TorchModel, state: StateDict, where: Path) -> str:
    """Load a whole BiomedCLIP with adapters on q, k and v."""
    _refuse_strays(state, (_VIT, _TEXT), where)
    visual = strip_prefix(state, _VIT)
    layers = sorted(key.removesuffix(".qkv.weight") for key in visual if key.endswith(".qkv.qkv.weight"))
    for layer in layers:
        visual[f"{layer}.weight"] = visual.pop(f"{layer}.qkv.weight")
        if f"{layer}.qkv.bias" in visual:
            visual[f"{layer}.bias"] = visual.pop(f"{layer}.qkv.bias")
        updates = [_product(visual, f"{layer}.linear_{{}}_{part}.weight", where) for part in ATTENTION]
        visual[f"{layer}.weight"] = _add(visual[f"{layer}.weight"], torch.cat(updates), layer, where)
    others = {
        key: one for key, one in model.module.state_dict().items() if not key.startswith(("visual.", "text."))
    }
    folded = {f"visual.{key}": one for key, one in visual.items()}
    folded |= {f"text.{key}": one for key, one in strip_prefix(state, _TEXT).items()}
    load_strictly(model.module, others | folded, where, _HINT)
    return f"RobustMedCLIP's adapters on q, k, v of {len(layers)} layers"


def _fold_resnet(model: TorchModel, state: StateDict, where: Path) -> str:
    """Load a whole MedCLIP ResNet-50 with adapters beside its convolutions."""
    _refuse_strays(state, (_RESNET, _TEXT, *_RESNET_COPIES), where)
    module: Any = model.module
    if not hasattr(module, "from_state"):
        raise ModelError(
            f"{where} was fine-tuned from MedCLIP's ResNet-50, not {model.identity.spec}: {_HINT}"
        )
    vision = strip_prefix(state, _RESNET)
    layers = sorted(key.removesuffix(".conv.weight") for key in vision if key.endswith(".conv.weight"))
    for layer in layers:
        kernel = vision.pop(f"{layer}.conv.weight")
        product = _product(vision, f"{layer}.linear_{{}}.weight", where)
        vision[f"{layer}.weight"] = kernel + _centred(product, kernel, layer, where)
    published = {f"vision_model.{key}": one for key, one in vision.items()}
    published |= {f"text_model.{key}": one for key, one in strip_prefix(state, _TEXT).items()}
    published["logit_scale"] = module.logit_scale.detach()
    folded = module.from_state(published, "resnet", where)
    load_strictly(module, folded.state_dict(), where, _HINT)
    return f"RobustMedCLIP's adapters on {len(layers)} convolutions"


def _fold_factors(model: TorchModel, state: StateDict, where: Path) -> str:
    """Add the updates of ``lora_weights.safetensors`` to the base, and replace its image projection."""
    strays = [key for key in state if not (_FACTOR.fullmatch(key) or _PROJECTION.fullmatch(key))]
    if strays:
        raise key_error(where, (), strays, hint=_HINT)
    resnet = _is_resnet(state)
    if resnet != (default_targets(model) != ATTENTION):
        raise ModelError(
            f"{where} holds the adapters of a {'ResNet' if resnet else 'ViT'}, fine-tuned from "
            f"{default_base(state, where)}, and {model.identity.spec} is another kind of model: {_HINT}"
        )
    return (_fold_convolutions if resnet else _fold_query_and_value)(model, state, where)


def _fold_query_and_value(model: TorchModel, state: StateDict, where: Path) -> str:
    """Add the updates of q and v of a ViT."""
    sites = find_sites(model, ATTENTION)
    _require_factors(state, (2 * len(sites),), f"{len(sites)} attention layers", model, where)
    if any(site.form != "fused" for site in sites):
        raise ModelError(
            f"{where} is for a ViT with fused q, k and v, and {model.identity.spec} has none: {_HINT}"
        )
    named = {
        f"{site.path}.{part}.lora_{kind}": state[f"w_{kind}_{2 * index + offset:03d}"]
        for index, site in enumerate(sites)
        for offset, part in enumerate("qv")
        for kind in "ab"
    }
    _replace_projection(model.module, "visual.head.proj.weight", state, where)
    adapters = attach(model, LoraConfig(rank=len(state["w_a_000"]), targets=("q", "v")), seed=0)
    adapters.load_state_dict(named)
    adapters.merge()
    _log.warning(
        "%s holds the adapters of q and v only: those of k, which the model was trained with, are missing, "
        "so its predictions are not those of the full checkpoint; name model.pth where you have it",
        where,
    )
    return f"RobustMedCLIP's adapters on q, v of {len(sites)} layers, its k-adapters missing"


def _fold_convolutions(model: TorchModel, state: StateDict, where: Path) -> str:
    """Add the updates of a ResNet's convolutions: of all but shortcuts, or of the 3x3 ones alone."""
    convolutions = [site.module for site in find_sites(model, CENTRES)]
    inner = [one for one in convolutions if getattr(one, "kernel_size", None) == (3, 3)]
    counts = (len(convolutions), len(inner))
    chosen = convolutions if f"w_a_{len(inner):03d}" in state else inner
    _require_factors(state, counts, f"{counts[0]} convolutions", model, where)
    updates = []
    for index, module in enumerate(chosen):
        kernel = module.get_parameter("weight")
        product = _product(dict(state), f"w_{{}}_{index:03d}", where)
        updates.append(_centred(product, kernel, f"w_a_{index:03d}", where))
    _replace_projection(model.module, "vision.fc.weight", state, where)
    with torch.no_grad():
        for module, update in zip(chosen, updates, strict=True):
            module.get_parameter("weight").add_(update)
    _log.warning(
        "%s holds the adapters only: the running statistics of batch normalisation, which move in training, "
        "are the base's, so its predictions may differ from those of the full checkpoint; name model.pth "
        "where you have it",
        where,
    )
    return f"RobustMedCLIP's adapters on {len(chosen)} convolutions, its batch statistics missing"


def _require_factors(
    state: StateDict, counts: tuple[int, ...], layers: str, model: TorchModel, where: Path
) -> None:
    """Refuse a file that has not as many factors, in pairs, as one of `counts`."""
    factors = {key for key in state if _FACTOR.fullmatch(key)}
    if not any(factors == {f"w_{kind}_{n:03d}" for kind in "ab" for n in range(count)} for count in counts):
        raise ModelError(
            f"{where} has {len(factors)} factors, and the {layers} of {model.identity.spec} take "
            f"{' or '.join(str(2 * count) for count in counts)}: {_HINT}"
        )


def _is_resnet(state: StateDict) -> bool:
    """Return whether factors are of a ResNet's convolutions, which are of several widths."""
    return len({one.shape[1:] for key, one in state.items() if key.startswith("w_a_")}) > 1


def _replace_projection(module: Any, name: str, state: Mapping[str, torch.Tensor], where: Path) -> None:
    """Set the weight of the image head's projection."""
    keys = [key for key in state if _PROJECTION.fullmatch(key)]
    own = module.state_dict().get(name)
    if len(keys) != 1 or own is None or own.shape != state[keys[0]].shape:
        raise ModelError(
            f"{where}: its projection ({', '.join(keys) or 'none'}) does not fit the base: {_HINT}"
        )
    with torch.no_grad():
        module.get_parameter(name).copy_(state[keys[0]])


def _product(state: StateDict, template: str, where: Path) -> torch.Tensor:
    """Take the factors named by `template` out of the state; return B·A."""
    names = [template.format(kind) for kind in "ab"]
    missing = [name for name in names if name not in state]
    if missing:
        raise key_error(where, missing, (), hint=_HINT)
    # Kernels of 1x1 are matrices too.
    first, second = (one.flatten(1) if one.shape[2:] == (1, 1) else one for one in map(state.pop, names))
    if first.ndim != 2 or second.ndim != 2 or len(first) != second.shape[1]:
        raise _misfit(template.format("a"), where)
    return second @ first


def _add(weight: torch.Tensor, update: torch.Tensor, layer: str, where: Path) -> torch.Tensor:
    """Return the updated weight."""
    if weight.shape != update.shape:
        raise _misfit(layer, where)
    return weight + update


def _centred(product: torch.Tensor, kernel: torch.Tensor, layer: str, where: Path) -> torch.Tensor:
    """Return the update of a kernel by an adapter beside it."""
    if kernel.ndim != 4 or product.shape != kernel.shape[:2]:
        raise _misfit(layer, where)
    return at_centre(product, kernel.shape)


def _misfit(name: str, where: Path) -> ModelError:
    """Return the error for factors whose shapes do not fit."""
    return ModelError(f"{where}: the adapters of {name} have shapes that do not fit its weight: {_HINT}")


def _refuse_strays(state: StateDict, prefixes: tuple[str, ...], where: Path) -> None:
    """Refuse tensors that are neither the image tower's nor the text tower's."""
    strays = [key for key in state if not key.startswith(prefixes)]
    if strays:
        raise key_error(where, (), strays, hint=_HINT)
