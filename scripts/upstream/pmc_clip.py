"""Write tests/golden/upstream/pmc_clip.json: what PMC-CLIP's own code computes with seeded weights.

Upstream is https://github.com/WeixiongLin/PMC-CLIP at commit b0b81e3629740b4af837338ab5afa46e5d03a18e (MIT).
Give the folder of a checkout of that commit; nothing is fetched. Upstream names no version of transformers;
4.26.1 is of its time, and saves the tensors by the names of the published checkpoint.

    python scripts/upstream/pmc_clip.py CHECKOUT

The towers are small, of the kinds that upstream's RN50_fusion4.json asks for. pmc_clip-shapes.json gets the
names and shapes of the published size.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from transformers import AutoTokenizer, BertConfig, BertModel

CHECKOUT = Path(sys.argv[1])
sys.path[:0] = [str(Path(__file__).parents[2] / "tests" / "models"), str(CHECKOUT / "src")]

from pmc_clip.model import PMC_CLIP, pmc_clip  # noqa: E402
from pmc_clip.transform import image_transform  # noqa: E402
from seeded_weights import lively_state  # noqa: E402
from upstream_numbers import (  # noqa: E402
    checked_commit,
    pictures,
    shapes_of,
    write_numbers,
    write_shapes,
    write_vocabulary,
)

COMMIT = "b0b81e3629740b4af837338ab5afa46e5d03a18e"
ARGUMENTS = argparse.Namespace(device="cpu", mlm=True, crop_scale=None)
TEXTS = ["a photograph of small cells", "retina", "Chest X-ray, no finding; (a) frontal view"]


def build(config: dict[str, Any], tower: BertModel, tokenizer: Any) -> PMC_CLIP:
    """Build upstream's model from a configuration; the text tower and its tokenizer are given."""
    config = {name: value for name, value in config.items() if name != "clip_model"}
    with (
        mock.patch.object(pmc_clip.AutoModel, "from_pretrained", lambda _: tower),
        mock.patch.object(pmc_clip.AutoTokenizer, "from_pretrained", lambda _: tokenizer),
    ):
        return PMC_CLIP(ARGUMENTS, **config).eval()


@torch.no_grad()
def main() -> None:
    checked_commit(CHECKOUT, COMMIT)
    file = CHECKOUT / "src" / "pmc_clip" / "model_configs" / "RN50_fusion4.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    published = build(config, BertModel(BertConfig()), None)
    write_shapes("pmc_clip", shapes_of(published))

    with tempfile.TemporaryDirectory() as folder:
        vocabulary = write_vocabulary(Path(folder))
        settings = {"hidden_size": 128, "num_attention_heads": 2, "intermediate_size": 96}
        tower = BertModel(BertConfig(vocab_size=vocabulary, num_hidden_layers=2, **settings))
        tower.config.save_pretrained(folder)
        tokenizer = AutoTokenizer.from_pretrained(folder)
    config["embed_dim"] = 128
    config["vision_cfg"] |= {"layers": [1, 2, 1, 1], "width": 16}
    config["text_cfg"] |= {"width": 128, "vocab_size": vocabulary, "fusion_layers": 1}
    model = build(config, tower, tokenizer)
    shapes = shapes_of(model)
    model.load_state_dict(lively_state(shapes))
    transform = image_transform(ARGUMENTS, model.visual.image_size, is_train=False)
    images = pictures()
    images[0] = images[0].resize((224, 224))
    pixels = torch.stack([transform(picture) for picture in images])
    captions = [*TEXTS, TEXTS[0]]  # upstream takes as many texts as images
    batch = {"images": pixels, "bert_input": captions, "bert_label": captions}
    prediction = model(batch)
    image_features, text_features = prediction["image_features"], prediction["text_features"][:-1]
    write_numbers(
        "pmc_clip",
        commit=COMMIT,
        texts=TEXTS,
        pixels=pixels[:, :, ::31, ::37],
        image_features=image_features,
        text_features=text_features,
        logits=prediction["logit_scale"] * image_features @ text_features.t(),
        shapes=shapes,
    )


if __name__ == "__main__":
    main()
