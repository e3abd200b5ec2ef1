"""``timm:NAME@PATH``: timm's networks with weights of your own, with a head or without."""

from __future__ import annotations

from math import floor
from typing import Any

import timm
import torch
from timm.data import create_transform, resolve_model_data_config

from medimeta_c.errors import ModelError, unknown_name
from medimeta_c.models.classifiers.checkpoint import load_network, split_name
from medimeta_c.models.contract import Preprocess, Preprocessing, ResizeMode
from medimeta_c.models.heads import outputs_of, split_classes
from medimeta_c.models.identity import identity_of
from medimeta_c.models.libraries import explained
from medimeta_c.models.torch_model import TorchClassifier, TorchEncoder
from medimeta_c.models.transforms import AsRgb
from medimeta_c.models.weights import read_checkpoint

__all__ = ["load_timm"]

_FORM = "timm:NAME@PATH, such as timm:resnet50.a1_in1k@model.safetensors"
_MODES: dict[str, ResizeMode] = {"center": "shortest", "squash": "squash"}


def load_timm(spec: str, target: str) -> TorchEncoder | TorchClassifier:
    """Load ``timm:NAME[.TAG]@PATH``, with ``+classes=FILE`` if the checkpoint has a head.

    NAME is a network of timm, PATH its state dict. Images are read by timm's transform for evaluation, of the
    weights that the tag names, by default the network's first. Without a head it is an encoder alone.

    Raises
    ------
    ConfigError
        If the network is unknown.
    ModelError
        If the checkpoint cannot be read or does not fit, or its outputs have no names.
    """
    rest, classes_file = split_classes(target)
    name, path = split_name(spec, rest, _FORM)
    # Only of the library's own list: create_model also takes folders, and names on the Hub.
    if not timm.is_model(name) or set(name) & set(":/\\"):
        raise unknown_name("timm network", name, timm.list_models())
    state = read_checkpoint(path)
    with explained(f"timm cannot build {name}", "name another network, or no tag"):
        module, classes = load_network(
            lambda count: timm.create_model(name, pretrained=False, num_classes=count), state, path
        )
    network: Any = module
    config = resolve_model_data_config(network)
    preprocess, described = _transform(config)
    parts: dict[str, Any] = {
        "embed_images": lambda pixels: network.forward_head(
            network.forward_features(pixels), pre_logits=True
        ),
        "preprocess": preprocess,
        "preprocessing": described,
        "identity": identity_of(
            spec=spec,
            family="timm",
            what=f"timm {name}",
            module=module,
            state=state,
            settings={"name": name},
        ),
    }
    model: TorchEncoder
    if classes:
        outputs = outputs_of(spec, classes, classes_file)
        model = TorchClassifier(module, score_outputs=module, outputs=outputs, **parts)
    elif classes_file is not None:
        raise ModelError(f"{path} has no head, so {classes_file} names the outputs of none: leave it out")
    else:
        model = TorchEncoder(module, **parts)
    with explained(f"{path} does not read what its transform gives", "name the tag it was trained from"):
        vectors = model.encode_images(torch.zeros(1, 3, *described.size))
    if vectors.ndim != 2:
        raise ModelError(f"{name} gives {tuple(vectors.shape[1:])} numbers an image, not a vector: use wrap")
    return model


def _transform(config: dict[str, Any]) -> tuple[Preprocess, Preprocessing]:
    """Return timm's transform for evaluation, for images of any mode, and what it does."""
    height, width = config["input_size"][1:]
    mode = _MODES.get(config["crop_mode"], "custom")
    share = config["crop_pct"]
    target = (floor(height / share), floor(width / share))
    described = Preprocessing(
        size=(height, width),
        resize=mode,
        resize_size=target,
        interpolation=config["interpolation"],
        center_crop=True,
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        channels="rgb",
        implementation="timm.data.create_transform",
        plain=target == (height, width) and height == width and mode != "custom",
    )
    return AsRgb(create_transform(**config, is_training=False)), described
