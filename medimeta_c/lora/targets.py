"""Find the weights to adapt: attention projections or convolutions of the image tower."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from torch import nn

from medimeta_c.errors import ModelError
from medimeta_c.lora.record import ATTENTION, CENTRES, CONVOLUTIONS, Target

__all__ = ["Form", "Site", "default_targets", "find_sites", "image_tower"]

Form: TypeAlias = Literal["fused", "in_proj", "separate", "conv", "centre"]
"""How a module holds the weight: a ``qkv`` layer, attention's ``in_proj_weight``, own layers, a kernel."""

_SHORTCUTS = {"downsample", "shortcut"}
"""What torchvision, open_clip and timm, and transformers, call the convolutions beside a ResNet's blocks."""

_TOWERS = ("visual", "vision_model", "vision", "image_encoder")
"""What the image tower is called in open_clip's, transformers', MedCLIP's and CXR-CLIP's modules."""

_SEPARATE: tuple[dict[str, Target], ...] = (
    {"q_proj": "q", "k_proj": "k", "v_proj": "v"},
    {"query": "q", "key": "k", "value": "v"},
    {"q": "q", "k": "k", "v": "v"},
)
"""Names of separate projections: transformers' and timm's EVA, older transformers', other timm models'."""

_LOOKED_FOR = (
    "a timm 'qkv' layer, an 'in_proj_weight' of three equal parts, or q_proj/k_proj/v_proj, query/key/value "
    "or q/k/v layers"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One weight to adapt.

    Parameters
    ----------
    path : str
        Dotted name of the module in the whole model.
    module : torch.nn.Module
        What holds the weight.
    tensor : str
        The weight's name in `module`.
    bands : dict of Target to (int, int)
        First row and row after the last of each projection that the weight holds and that is adapted.
    form : Form
        How the module holds the weight.
    layer : str
        Dotted name of the attention layer, or convolution, this is part of.
    """

    path: str
    module: nn.Module
    tensor: str
    bands: dict[Target, tuple[int, int]]
    form: Form
    layer: str


def image_tower(model: Any) -> tuple[str, nn.Module]:
    """Return the name and module of the image tower of a loaded model.

    Raises
    ------
    ModelError
        If the model is not built around a torch module with an image tower that is known here.
    """
    spec = getattr(getattr(model, "identity", None), "spec", "the model")
    module = getattr(model, "module", None)
    if isinstance(module, nn.Module):
        for name in _TOWERS:
            tower = getattr(module, name, None)
            if isinstance(tower, nn.Module):
                return name, tower
    raise ModelError(
        f"{spec} has no image tower that can be adapted (looked for a torch module with "
        f"{', '.join(_TOWERS)}): choose an open_clip, transformers or MedCLIP model"
    )


def default_targets(model: Any) -> tuple[Target, ...]:
    """Return what the paper adapts: q, k and v of a transformer's attention, a ResNet's kernels' centres.

    Raises
    ------
    ModelError
        If the model has no known image tower.
    """
    name, tower = image_tower(model)
    return ATTENTION if any(_sites(name, tower, ATTENTION)) else CENTRES


def find_sites(model: Any, targets: tuple[Target, ...]) -> list[Site]:
    """Return the weights of the image tower that `targets` means, in the tower's order.

    Pooling heads (CLIP ResNet's, SigLIP's) attend with one query and are no blocks: they are left alone.

    Parameters
    ----------
    model : TorchModel
        A loaded model.
    targets : tuple of Target
        As in `LoraConfig`.

    Raises
    ------
    ModelError
        If there is no image tower, nothing in it that `targets` means, or an attention layer of a form not
        known here beside others that are: a part of the layers is never adapted in silence.
    """
    name, tower = image_tower(model)
    kind = type(tower).__name__
    sites = list(_sites(name, tower, targets))
    if targets in (CONVOLUTIONS, CENTRES):
        if not sites:
            raise ModelError(
                f"{model.identity.spec}: the image tower ({kind}) has no 2-D convolution to adapt"
            )
        return sites
    if not sites:
        raise ModelError(
            f"{model.identity.spec}: the image tower ({kind}) has no attention layer to adapt; looked for "
            f"{_LOOKED_FOR}; of a ResNet, adapt the convolutions"
        )
    unknown = list(_unknown_attention(name, tower, [site.path for site in sites]))
    if unknown:
        raise ModelError(
            f"{model.identity.spec}: {len(unknown)} attention layers of the image tower are of a form that "
            f"cannot be adapted ({unknown[0]}, …), while others can; looked for {_LOOKED_FOR}"
        )
    return sites


def _walk(name: str, tower: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield modules with their dotted names, the tower first, without those of pooling heads."""
    if "Pool" in type(tower).__name__:
        return
    yield name, tower
    for child, module in tower.named_children():
        yield from _walk(f"{name}.{child}", module)


def _sites(name: str, tower: nn.Module, targets: tuple[Target, ...]) -> Iterator[Site]:
    """Yield the weights that hold a target, each with the rows of those that it holds."""
    attention = targets not in (CONVOLUTIONS, CENTRES)
    layers = _walk(name, tower) if attention else tower.named_modules(prefix=name)
    for layer, module in layers:
        for form, path, holder, tensor, parts in _weights(layer, module):
            rows = getattr(holder, tensor).shape[0] // len(parts)
            bands = {
                part: (index * rows, (index + 1) * rows)
                for index, part in enumerate(parts)
                if part in targets
            }
            if bands:
                yield Site(path=path, module=holder, tensor=tensor, bands=bands, form=form, layer=layer)


def _weights(path: str, module: Any) -> Iterator[tuple[Form, str, nn.Module, str, tuple[Target, ...]]]:
    """Yield a layer's weights: form, module and its name, the weight's name, and what it holds in order."""
    in_proj, fused = getattr(module, "in_proj_weight", None), getattr(module, "qkv", None)
    if isinstance(module, nn.Conv2d):
        yield "conv", path, module, "weight", CONVOLUTIONS
        if _SHORTCUTS.isdisjoint(path.split(".")):
            yield "centre", path, module, "weight", CENTRES
    elif isinstance(in_proj, nn.Parameter) and in_proj.shape[0] == 3 * in_proj.shape[1]:
        yield "in_proj", path, module, "in_proj_weight", ATTENTION
    elif isinstance(fused, nn.Linear) and fused.out_features % 3 == 0:
        yield "fused", f"{path}.qkv", fused, "weight", ATTENTION
    else:
        for names in _SEPARATE:
            if all(isinstance(getattr(module, child, None), nn.Linear) for child in names):
                for child, part in names.items():
                    yield "separate", f"{path}.{child}", getattr(module, child), "weight", (part,)
                return


def _unknown_attention(name: str, tower: nn.Module, found: list[str]) -> Iterator[str]:
    """Yield the attention layers that hold no site and are held by none, though they have weights."""
    for path, module in _walk(name, tower):
        if "attention" not in type(module).__name__.lower() or next(module.parameters(), None) is None:
            continue
        related = (one == path or one.startswith(f"{path}.") or path.startswith(f"{one}.") for one in found)
        if not any(related):
            yield path
