"""``transformers-classifier:PATH``: image classifiers of the transformers library."""

from __future__ import annotations

from typing import Any

import torch
from transformers import MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING

from medimeta_c.errors import ModelError
from medimeta_c.models.classifiers.checkpoint import penultimate
from medimeta_c.models.families.transformers_clip import (
    ProcessorTransform,
    configuration_of,
    locate,
    processor_of,
    read_state,
)
from medimeta_c.models.heads import outputs_of, split_classes
from medimeta_c.models.identity import identity_of
from medimeta_c.models.libraries import explained, local_only, quiet
from medimeta_c.models.torch_model import TorchClassifier
from medimeta_c.models.weights import load_pretrained

__all__ = ["load_classifier"]


def load_classifier(spec: str, target: str) -> TorchClassifier:
    """Load ``transformers-classifier:NAME_OR_PATH``; a Hub name may end in ``@revision``.

    The outputs have the names of the configuration's ``id2label``, unless ``+classes=FILE`` gives others.

    Raises
    ------
    ModelError
        If the files are not to be had, need their own code or do not fit, are no classifier of images, or
        name no outputs.
    """
    rest, classes_file = split_classes(target)
    folder, revision = locate(rest)
    state = read_state(folder)
    with quiet(), local_only():
        with explained(f"transformers cannot load the model in {folder}", "copy its files again"):
            config = configuration_of(folder)
            if type(config) not in MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING:
                raise ModelError(
                    f"{folder} holds a model of type {config.model_type}, which transformers has no image "
                    "classifier of: choose a checkpoint that ends in ForImageClassification"
                )
            module: Any = load_pretrained(
                MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING[type(config)], config, state, folder
            )
        processor, described = processor_of(folder)
    count = int(module.config.num_labels)
    model = TorchClassifier(
        module,
        embed_images=penultimate(module, count),
        score_outputs=lambda pixels: module(pixel_values=pixels).logits,
        outputs=outputs_of(spec, count, classes_file, _labels(module.config)),
        preprocess=ProcessorTransform(processor),
        preprocessing=described,
        identity=identity_of(
            spec=spec,
            family="transformers-classifier",
            revision=revision,
            what=f"transformers {type(module).__name__}",
            module=module,
            state=state,
            settings=module.config.to_diff_dict(),
        ),
    )
    with explained(f"the network in {folder} does not read what its processor gives", "copy both again"):
        model.classify(torch.zeros(1, 3, *described.size))
    return model


def _labels(config: Any) -> list[str] | None:
    """Return the names of a configuration, in order; None for ``LABEL_0``, ``LABEL_1``, …, which are none."""
    names = [str(config.id2label[index]) for index in sorted(config.id2label)]
    return None if names == [f"LABEL_{index}" for index in range(len(names))] else names
