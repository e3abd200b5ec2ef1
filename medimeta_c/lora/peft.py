"""Export adapters in the format of Hugging Face's PEFT library."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save
from torch import nn

from medimeta_c.errors import ConfigError
from medimeta_c.io.files import write_atomic
from medimeta_c.lora.adapters import Adapters, AdapterState
from medimeta_c.lora.parametrisation import at_centre
from medimeta_c.lora.targets import Site

__all__ = ["export_peft"]

_CONFIG = "adapter_config.json"
_TENSORS = "adapter_model.safetensors"
_PREFIX = "base_model.model."


def export_peft(folder: Path, adapters: Adapters) -> None:
    """Write ``adapter_config.json`` and ``adapter_model.safetensors`` for ``PeftModel.from_pretrained``.

    The names are those of the torch module that the adapters are on: of a transformers model, what its
    ``from_pretrained`` gives; of an open_clip model, what ``create_model`` gives.

    Parameters
    ----------
    folder : Path
        Where the two files go.
    adapters : Adapters
        The adapters, on their model.

    Raises
    ------
    ConfigError
        If PEFT has no form for such layers.
    WriteError
        If a file cannot be written.

    Notes
    -----
    PEFT gives a fused ``qkv`` layer one pair of factors. Those of its n adapted projections make one pair of
    rank n·rank: the A's one below the other, and the B's along the diagonal. That is the same model; trained
    further in PEFT, the zeros beside the diagonal would not stay zero.
    """
    forms = {site.form for site in adapters.sites}
    if "in_proj" in forms:
        raise ConfigError(
            f"PEFT cannot express adapters on q, k and v of nn.MultiheadAttention "
            f"({adapters.sites[0].path}), whose output projection it would adapt too: use the adapters as "
            "they are, or a transformers version of the model"
        )
    if len(forms) > 1:
        raise ConfigError(
            f"PEFT takes one rank for all layers, and those of {adapters.base.spec} are of several forms "
            f"({', '.join(sorted(forms))}): use the adapters as they are"
        )
    _require_called(adapters)
    state = adapters.state_dict()
    tensors: AdapterState = {}
    for site in adapters.sites:
        first, second = _factors(site, state)
        tensors[f"{_PREFIX}{site.path}.lora_A.weight"] = first
        tensors[f"{_PREFIX}{site.path}.lora_B.weight"] = second
    rank = len(next(iter(tensors.values())))
    write_atomic(folder / _TENSORS, save(tensors, metadata={"format": "pt"}))
    text = json.dumps(_config(adapters, rank), indent=2)
    write_atomic(folder / _CONFIG, text.encode() + b"\n")


def _require_called(adapters: Adapters) -> None:
    """Refuse layers whose weight the model reads without calling them, once, on a blank image.

    PEFT puts a layer of its own in their place, which would then never run: no error, and no adaptation.
    """
    called: set[str] = set()
    hooks = [
        site.module.register_forward_hook(lambda *_, path=site.path: called.add(path))
        for site in adapters.sites
    ]
    try:
        adapters.model.encode_images(torch.zeros(1, 3, *adapters.model.preprocessing.size))
    finally:
        for hook in hooks:
            hook.remove()
    for site in adapters.sites:
        if site.path not in called:
            raise ConfigError(
                f"PEFT cannot express adapters on {site.path}, a layer that is never called because the "
                "model reads its weight directly: use the adapters as they are"
            )


def _config(adapters: Adapters, rank: int) -> dict[str, object]:
    """Return the settings PEFT needs; what is not named has PEFT's default, which is to do nothing more."""
    alpha = adapters.config.scale * rank
    prefix, _, name = adapters.base.spec.partition(":")
    return {
        "peft_type": "LORA",
        "task_type": None,
        "base_model_name_or_path": name if prefix == "transformers" else adapters.base.spec,
        "revision": adapters.base.revision,
        "inference_mode": True,
        "r": rank,
        "lora_alpha": int(alpha) if alpha.is_integer() else alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": [site.path for site in adapters.sites],
    }


def _factors(site: Site, state: AdapterState) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the factors of one weight as PEFT shapes them."""
    pairs = [
        (state[f"{site.path}.{part}.lora_a"], state[f"{site.path}.{part}.lora_b"]) for part in site.bands
    ]
    if isinstance(site.module, nn.Conv2d):
        first, second = pairs[0]
        if site.form == "centre":
            first = at_centre(first, (len(first), *site.module.weight.shape[1:]))
        return _convolution(site.path, site.module, first, second)
    first = torch.cat([a for a, _ in pairs])
    if site.form == "separate":
        return first, pairs[0][1]
    rank = len(pairs[0][0])
    second = torch.zeros(getattr(site.module, site.tensor).shape[0], len(first))
    for index, ((start, stop), (_, b)) in enumerate(zip(site.bands.values(), pairs, strict=True)):
        second[start:stop, index * rank : (index + 1) * rank] = b
    return first, second


def _convolution(
    path: str, module: nn.Conv2d, first: torch.Tensor, second: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return A as a kernel of the convolution's size and B as one of size 1."""
    if module.groups != 1 or module.dilation != (1, 1):
        raise ConfigError(
            f"PEFT cannot express adapters on grouped or dilated convolutions ({path}): use the adapters as "
            "they are"
        )
    return first.reshape(len(first), *module.weight.shape[1:]), second[:, :, None, None].contiguous()
