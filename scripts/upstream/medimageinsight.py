"""Write tests/golden/upstream/medimageinsight.json: what the model's own code computes with seeded weights.

Upstream is the package MedImageInsights 0.1.1 on PyPI (MIT). It has the code of
https://huggingface.co/lion-ai/MedImageInsights, which is Microsoft's. The SHA-256 of its source archive is
0fc65924cb88282db61ade27421a2f43a96a430dd3090c7a0392a30ea4159645. Give the folder that it unpacks to, in an
environment with transformers 4.46, einops, mup, yacs and fvcore; nothing is fetched.

    python scripts/upstream/medimageinsight.py FOLDER

The model is small, in both towers: upstream lets its size be chosen. Beside the numbers,
medimageinsight-shapes.json gets the names and shapes of the published size.
"""

from __future__ import annotations

import copy
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

import torch
import yaml

TESTS = Path(__file__).parents[2] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "models"), sys.argv[1]]
sys.modules["mpi4py"] = types.ModuleType("mpi4py")  # for training on several machines
sys.modules["mpi4py"].MPI = None  # type: ignore[attr-defined]

from clip_words import write_clip_words  # noqa: E402
from MedImageInsights.ImageDataLoader import build_transforms  # noqa: E402
from MedImageInsights.Models.UniCLModel import create_model  # noqa: E402
from seeded_weights import lively_state  # noqa: E402
from upstream_numbers import pictures, shapes_of, write_numbers, write_shapes  # noqa: E402

RELEASE = "0.1.1, SHA-256 0fc65924cb88282db61ade27421a2f43a96a430dd3090c7a0392a30ea4159645"
TEXTS = ["x-ray chest anteroposterior pneumonia.", "the 12 small cells", "a"]
TOWER = {"DIM_EMBED": [32, 64, 96, 128], "NUM_HEADS": [1, 2, 3, 4], "NUM_GROUPS": [1, 2, 3, 4]}
TOWER |= {"DEPTHS": [1, 1, 2, 1], "ENABLE_CHECKPOINT": False}
WORDS = {"WIDTH": 64, "HEADS": 2, "LAYERS": 3}
READ = {
    "IMAGE_ENCODER": ("NAME", "NUM_CLASSES", "IMAGE_SIZE", "IMAGE_MEAN", "IMAGE_STD", "SPEC"),
    "LANG_ENCODER": ("NAME", "TOKENIZER", "CONTEXT_LENGTH", "WIDTH", "HEADS", "LAYERS", "AUTOGRESSIVE"),
    "UNICL_MODEL": ("DIM_PROJECTION",),
    "AUG": ("INTERPOLATION",),
    "TEST": ("CENTER_CROP",),
}


def small(config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a small model for images of 160 pixels."""
    smaller = copy.deepcopy(config)
    smaller["IMAGE_ENCODER"]["IMAGE_SIZE"] = [160, 160]
    smaller["IMAGE_ENCODER"]["SPEC"].update(TOWER)
    smaller["LANG_ENCODER"].update(WORDS)
    smaller["UNICL_MODEL"]["DIM_PROJECTION"] = 48
    return smaller


def settings(config: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that matter when the model is used."""
    return {part: {name: config[part][name] for name in names} for part, names in READ.items()}


@torch.no_grad()
def main() -> None:
    published = yaml.safe_load((Path(sys.argv[1]) / "MedImageInsights/v20240927/config.yaml").read_text())
    published["IMAGE_ENCODER"]["LOAD_PRETRAINED"] = False
    config = small(published)
    with tempfile.TemporaryDirectory() as folder:
        write_clip_words(Path(folder))
        for each in (published, config):
            each["LANG_ENCODER"]["PRETRAINED_TOKENIZER"] = folder
        model = create_model(config).eval()
        model.tokenizer.pad_token = model.tokenizer.eos_token  # as in the published tokenizer's settings
        whole = shapes_of(create_model(published))
    model.load_state_dict(lively_state(shapes_of(model)))
    transform = build_transforms(config, False)
    pixels = torch.stack([transform(picture.convert("RGB")) for picture in pictures()])
    tokens = model.tokenizer(TEXTS, padding="max_length", max_length=77, truncation=True, return_tensors="pt")
    images, texts, scale = model(pixels, tokens)
    write_numbers(
        "medimageinsight",
        release=RELEASE,
        config=settings(config),
        published_config=settings(published),
        texts=TEXTS,
        pixels=pixels[:, :, ::17, ::19],
        image_features=images,
        text_features=texts,
        logits=images @ texts.T * scale,
        shapes=shapes_of(model),
    )
    whole["lang_encoder.token_embedding.weight"][0] = 49408  # CLIP's vocabulary
    write_shapes("medimageinsight", whole)


if __name__ == "__main__":
    main()
