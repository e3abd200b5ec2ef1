"""``torchvision:NAME@PATH``: torchvision's classification networks with weights of your own."""

from __future__ import annotations

from typing import Any

import torch
from torchvision import models

from medimeta_c.errors import ConfigError, unknown_name
from medimeta_c.models.classifiers.checkpoint import load_network, penultimate, split_name
from medimeta_c.models.contract import Preprocess, Preprocessing
from medimeta_c.models.heads import outputs_of, split_classes
from medimeta_c.models.identity import identity_of
from medimeta_c.models.libraries import explained
from medimeta_c.models.torch_model import TorchClassifier
from medimeta_c.models.transforms import AsRgb
from medimeta_c.models.weights import read_checkpoint

__all__ = ["load_torchvision"]

_FORM = "torchvision:NAME@PATH, such as torchvision:resnet50@weights.pt"
_AMBIGUOUS = {"googlenet", "inception_v3"}
"""They may shift the channels of their input, which their weights do not say."""


def load_torchvision(spec: str, target: str) -> TorchClassifier:
    """Load ``torchvision:NAME[.WEIGHTS]@PATH+classes=FILE``.

    NAME is a classification network of torchvision, PATH its state dict. Images are read by the transform
    that torchvision publishes with the network's weights: its default ones, or those named after the dot, as
    in ``resnet50.IMAGENET1K_V1``.

    Raises
    ------
    ConfigError
        If the network is unknown, or has no such weights.
    ModelError
        If the checkpoint cannot be read or does not fit, or its outputs have no names.
    """
    rest, classes_file = split_classes(target)
    name, path = split_name(spec, rest, _FORM)
    architecture, _, weights = name.partition(".")
    known = models.list_models(module=models)
    if architecture not in known:
        raise unknown_name("torchvision network", architecture, known)
    if architecture in _AMBIGUOUS:
        raise ConfigError(
            f"{architecture} may transform its input, which its weights do not say: load it yourself, and "
            "use medimeta_c.wrap"
        )
    preset = _preset(architecture, weights)
    preprocess, described = _transform(preset)
    state = read_checkpoint(path)
    # The position embeddings of a transformer are for one size.
    sized: dict[str, Any] = {"image_size": described.size[0]} if architecture.startswith("vit_") else {}
    module, classes = load_network(
        lambda count: models.get_model(architecture, weights=None, num_classes=count or 2, **sized),
        state,
        path,
    )
    model = TorchClassifier(
        module,
        embed_images=penultimate(module, classes),
        score_outputs=module,
        outputs=outputs_of(spec, classes, classes_file),
        preprocess=preprocess,
        preprocessing=described,
        identity=identity_of(
            spec=spec,
            family="torchvision",
            what=f"torchvision {architecture}",
            module=module,
            state=state,
            settings={"name": architecture, **sized},
        ),
    )
    with explained(f"{path} does not read what its transform gives", "name the weights it was trained from"):
        model.classify(torch.zeros(1, 3, *described.size))
    return model


def _preset(architecture: str, weights: str) -> Any:
    """Return the transform that torchvision publishes with weights, by default the best ones."""
    published = models.get_model_weights(architecture)
    if not weights:
        return published.DEFAULT.transforms()
    known = [one.name for one in published]
    if weights not in known:
        raise unknown_name(f"weights of torchvision's {architecture}", weights, known)
    return published[weights].transforms()


def _transform(preset: Any) -> tuple[Preprocess, Preprocessing]:
    """Return a preset of torchvision, for images of any mode, and what it does."""
    (crop,), (resize,) = preset.crop_size, preset.resize_size
    described = Preprocessing(
        size=(crop, crop),
        resize="shortest",
        resize_size=(resize, resize),
        interpolation=str(preset.interpolation.value),
        center_crop=True,
        mean=tuple(preset.mean),
        std=tuple(preset.std),
        channels="rgb",
        implementation=f"torchvision.transforms._presets.{type(preset).__name__}",
        plain=crop == resize,
    )
    return AsRgb(preset), described
