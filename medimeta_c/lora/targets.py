"""Which weights of a model are adapted: the image tower's attention projections, or its convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from torch import nn

from medimeta_c.errors import ModelError
from medimeta_c.lora.config import ATTENTION, CONVOLUTIONS, Target

__all__ = ["Form", "Site", "default_targets", "find_sites", "image_tower"]

Form: TypeAlias = Literal["fused", "in_proj", "separate", "conv"]
"""How a module holds the weight: a ``qkv`` layer, attention's ``in_proj_weight``, own layers, a kernel."""

_TOWERS = ("visual", "vision_model", "vision")
"""What the image tower is called in open_clip's, transformers' and MedCLIP's modules."""

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
    """Return what the paper adapts: q, k and v of a transformer's attention, the convolutions of a ResNet.

    Raises
    ------
    ModelError
        If the model has no known image tower.
    """
    name, tower = image_tower(model)
    return ATTENTION if any(_attention_sites(name, tower, ATTENTION)) else CONVOLUTIONS


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
    if targets == CONVOLUTIONS:
        sites = list(_convolution_sites(name, tower))
        if not sites:
            raise ModelError(
                f"{model.identity.spec}: the image tower ({kind}) has no 2-D convolution to adapt"
            )
        return sites
    sites = list(_attention_sites(name, tower, targets))
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


def _convolution_sites(name: str, tower: nn.Module) -> Iterator[Site]:
    """Yield one site for each 2-D convolution."""
    for path, module in tower.named_modules(prefix=name):
        if isinstance(module, nn.Conv2d):
            bands: dict[Target, tuple[int, int]] = {"conv": (0, module.out_channels)}
            yield Site(path=path, module=module, tensor="weight", bands=bands, form="conv", layer=path)


def _attention_sites(name: str, tower: nn.Module, targets: tuple[Target, ...]) -> Iterator[Site]:
    """Yield the sites of each attention layer, in whichever form it holds its projections."""
    for path, module in _walk(name, tower):
        in_proj, fused = getattr(module, "in_proj_weight", None), getattr(module, "qkv", None)
        if isinstance(in_proj, nn.Parameter) and in_proj.shape[0] == 3 * in_proj.shape[1]:
            bands = _thirds(in_proj.shape[0], targets)
            yield Site(
                path=path, module=module, tensor="in_proj_weight", bands=bands, form="in_proj", layer=path
            )
        elif isinstance(fused, nn.Linear) and fused.out_features % 3 == 0:
            bands = _thirds(fused.out_features, targets)
            yield Site(
                path=f"{path}.qkv", module=fused, tensor="weight", bands=bands, form="fused", layer=path
            )
        else:
            yield from _separate_sites(path, module, targets)


def _separate_sites(path: str, module: nn.Module, targets: tuple[Target, ...]) -> Iterator[Site]:
    """Yield the sites of an attention layer with a linear layer for each projection."""
    for names in _SEPARATE:
        layers = {child: getattr(module, child, None) for child in names}
        if all(isinstance(layer, nn.Linear) for layer in layers.values()):
            for child, part in names.items():
                layer = layers[child]
                if part in targets and isinstance(layer, nn.Linear):
                    yield Site(
                        path=f"{path}.{child}",
                        module=layer,
                        tensor="weight",
                        bands={part: (0, layer.out_features)},
                        form="separate",
                        layer=path,
                    )
            return


def _thirds(rows: int, targets: tuple[Target, ...]) -> dict[Target, tuple[int, int]]:
    """Return the rows of the wanted projections in a weight that holds q, k and v one below the other."""
    third = rows // 3
    return {
        part: (index * third, (index + 1) * third) for index, part in enumerate(ATTENTION) if part in targets
    }


def _unknown_attention(name: str, tower: nn.Module, found: list[str]) -> Iterator[str]:
    """Yield the attention layers that hold no site and are held by none, though they have weights."""
    for path, module in _walk(name, tower):
        if "attention" not in type(module).__name__.lower() or next(module.parameters(), None) is None:
            continue
        related = (one == path or one.startswith(f"{path}.") or path.startswith(f"{one}.") for one in found)
        if not any(related):
            yield path
