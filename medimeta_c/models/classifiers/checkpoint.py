"""Checkpoints of networks with a head: how many classes it has, and the network it loads into."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import nn

from medimeta_c.errors import ConfigError, ModelError
from medimeta_c.models.weights import StateDict, load_strictly

__all__ = ["load_network", "penultimate", "split_name"]

_COUNTER = ".num_batches_tracked"
"""A counter of training steps, which no output depends on."""


def split_name(spec: str, target: str, forms: str) -> tuple[str, Path]:
    """Split ``NAME@PATH``; raises ConfigError if one of them is missing."""
    name, _, path = target.partition("@")
    if not name or not path:
        raise ConfigError(f"{spec!r} names no weights: write {forms}")
    return name, Path(path).expanduser()


def load_network(build: Callable[[int], nn.Module], state: StateDict, where: object) -> tuple[nn.Module, int]:
    """Build a network with the classes of a checkpoint, and load that, strictly.

    Parameters
    ----------
    build : callable
        Builds the network with so many classes; 0 for one without a head.
    state : dict of str to torch.Tensor
        The checkpoint.
    where : object
        The checkpoint, for messages.

    Returns
    -------
    module : torch.nn.Module
        The network.
    classes : int
        Outputs of its head; 0 if the checkpoint has none.

    Raises
    ------
    ModelError
        If a tensor is missing, left over, of another shape or type, or a constant has other values.
    """
    two, three = _shapes(build, 2), _shapes(build, 3)
    # What changes with the number of classes is the head, by whatever name.
    head = [key for key in two if two[key] != three.get(key) and key in state and state[key].ndim]
    classes = state[head[0]].shape[0] if head else 0
    module = build(classes)
    _refuse_other_constants(module.state_dict(), state, where)
    load_strictly(module, state, where)
    return module, classes


def _shapes(build: Callable[[int], nn.Module], classes: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a network's tensors, which need no memory to know."""
    try:
        with torch.device("meta"):
            module = build(classes)
    except NotImplementedError:  # some networks compute with tensors while they are built
        module = build(classes)
    return {key: tuple(value.shape) for key, value in module.state_dict().items()}


def _refuse_other_constants(
    own: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor], where: object
) -> None:
    """Refuse integers that are not the network's own: they decide its outputs, and no digest has them."""
    for key in own.keys() & given.keys():
        ours, theirs = own[key], given[key]
        fixed = not ours.is_floating_point() and not theirs.is_floating_point() and not key.endswith(_COUNTER)
        if fixed and ours.shape == theirs.shape and not torch.equal(ours.long(), theirs.long()):
            raise ModelError(
                f"{where} has other constants {key} than its network: save the weights again with the "
                "library of today"
            )


def penultimate(module: nn.Module, classes: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return what the last layer of a network's head reads, as a function of pixels.

    Maps of features, which a convolution reads, are averaged over their places.
    """
    layers = [
        layer
        for layer in module.modules()
        if (isinstance(layer, nn.Linear) and layer.out_features == classes)
        or (isinstance(layer, nn.Conv2d) and layer.out_channels == classes)
    ]
    if not layers:
        raise ModelError(f"{type(module).__name__} has no layer with {classes} outputs: use wrap")

    def embed(pixels: torch.Tensor) -> torch.Tensor:
        read: list[torch.Tensor] = []
        handle = layers[-1].register_forward_pre_hook(lambda _, inputs: read.append(inputs[0]))
        try:
            module(pixels)
        finally:
            handle.remove()
        return read[0].flatten(2).mean(dim=2) if read[0].ndim == 4 else read[0]

    return embed
