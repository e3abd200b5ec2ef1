"""Write tests/golden/upstream/flair.json: what FLAIR's own code computes with seeded weights.

Upstream is https://github.com/jusiro/FLAIR at commit d6652d53389ff49e5f73efaccf4246e9de88d1a3 (Apache-2.0).
Give the folder of a checkout of that commit; nothing is fetched.

    python scripts/upstream/flair.py CHECKOUT

The image tower is the published one, ResNet-50. The text tower and the projections are small: upstream lets
their size be chosen. flair-shapes.json gets the names and shapes of the published size, whose text tower is
Bio_ClinicalBERT (a BERT-base of 28,996 tokens).
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from transformers import BertConfig, BertModel

sys.path[:0] = [str(Path(__file__).parents[2] / "tests" / "models"), sys.argv[1]]

from flair import FLAIRModel  # noqa: E402
from seeded_weights import lively_state  # noqa: E402
from upstream_numbers import (  # noqa: E402
    checked_commit,
    pictures,
    shapes_of,
    write_numbers,
    write_shapes,
    write_vocabulary,
)

COMMIT = "d6652d53389ff49e5f73efaccf4246e9de88d1a3"
TOWER = {"num_hidden_layers": 3, "intermediate_size": 96}
TEXTS = [
    "A fundus photograph of no diabetic retinopathy",
    "macular hole",
    "A fundus photograph of small white or yellowish deposits",
]


def write_tower(folder: str, **settings: int) -> None:
    """Write a BERT 768 wide, as upstream's projection needs it, and its tokenizer."""
    vocabulary = write_vocabulary(Path(folder))
    BertModel(BertConfig(**{"vocab_size": vocabulary, **settings})).save_pretrained(folder)


@torch.no_grad()
def main() -> None:
    checked_commit(Path(sys.argv[1]), COMMIT)
    with tempfile.TemporaryDirectory() as folder:
        write_tower(folder, **TOWER)
        model = FLAIRModel(bert_type=folder, vision_pretrained=False, proj_dim=64).eval()
        shapes = shapes_of(model)
        model.load_state_dict(lively_state(shapes))
        model.save_pretrained(folder)
        config = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    # Upstream reads colour images; its training gave grey ones three equal channels first.
    pixels = [model.preprocess_image(np.array(picture.convert("RGB"))) for picture in pictures()]
    images = torch.cat([model.vision_model(each) for each in pixels])
    tokens = [model.text_model.tokenize([text]) for text in TEXTS]  # alone: upstream averages over padding
    texts = torch.cat([model.text_model(each["input_ids"], each["attention_mask"]) for each in tokens])
    logits = model.compute_logits(images, texts)
    scales = {}
    for learnt in (-1.0, 2.0, 5.0):
        model.logit_scale.data.fill_(learnt)
        scales[learnt] = model.compute_logits(torch.eye(1), torch.eye(1)).item()
    write_numbers(
        "flair",
        commit=COMMIT,
        config={**config, "bert_type": "emilyalsentzer/Bio_ClinicalBERT"},
        texts=TEXTS,
        pixels=[each[0, :, ::61, ::73] for each in pixels],
        image_features=images,
        text_features=texts,
        logits=logits,
        scales=scales,
        shapes=shapes,
    )
    with tempfile.TemporaryDirectory() as folder:
        write_tower(folder, vocab_size=28996)
        write_shapes("flair", shapes_of(FLAIRModel(bert_type=folder, vision_pretrained=False)))


if __name__ == "__main__":
    main()
