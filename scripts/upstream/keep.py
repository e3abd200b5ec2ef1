"""Write tests/golden/upstream/keep.json: what KEEP's own code makes of seeded weights, in small.

Needs a checkout of https://github.com/MAGIC-AI4Med/KEEP at the commit below, and an environment of its time:

    pip install torch torchvision timm==1.0.15 transformers==4.46.3 Pillow
    python scripts/upstream/keep.py CHECKOUT
"""

from __future__ import annotations

import ast
import sys
import tempfile
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import timm
import torch
from transformers import BertTokenizerFast

ROOT = Path(__file__).parents[2]
sys.path[0] = str(ROOT / "tests" / "models")  # in place of this folder

from seeded_weights import small_state  # noqa: E402
from upstream_numbers import TEXTS, checked_commit, shapes_of, small_pictures, write_numbers  # noqa: E402

REPOSITORY = "https://github.com/MAGIC-AI4Med/KEEP"
COMMIT = "a346a703ba6186f715a45ec62748c08967a4791b"

TEXT: dict[str, Any] = {
    "vocab_size": 120,
    "hidden_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 96,
    "max_position_embeddings": 300,
}
PUBLISHED_TEXT = {"vocab_size": 30522}
"""PubMedBERT: BERT's defaults."""

IMAGE = {"embed_dim": 128, "depth": 3, "num_heads": 2}


def vocabulary() -> list[str]:
    """Return a WordPiece vocabulary that can spell any word of the texts, and knows some."""
    letters = sorted(
        {one for text in TEXTS[:-1] for one in text.lower() if one.isascii() and not one.isspace()}
    )
    words = ["photo", "cell", "image", "retina", "normal", "##oma", "##ing"]
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{one}" for one in letters), *words]


def upstreams(checkout: Path, sizes: dict[str, int]) -> dict[str, Any]:
    """Return the classes and the transform of upstream's script, without running what loads its weights.

    The image tower's name stands in its code; `sizes` go to timm beside it.
    """
    tree = ast.parse((checkout / "quick_start" / "keep_inference.py").read_text(encoding="utf-8"))
    wanted = [
        node
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom | ast.ClassDef)
        or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "transform")
    ]
    names: dict[str, Any] = {"__name__": "keep_inference"}
    exec(compile(ast.Module(wanted, []), "keep_inference.py", "exec"), names)
    names["timm"] = type("timm", (), {"create_model": staticmethod(partial(timm.create_model, **sizes))})
    return names


def build(checkout: Path, sizes: dict[str, int], text: dict[str, Any], projection: int) -> Any:
    """Return upstream's model."""
    theirs = upstreams(checkout, sizes)
    return theirs["KEEPModel"](theirs["KEEPConfig"](text_config=text, projection_dim=projection)).eval()


def main() -> None:
    checkout = Path(sys.argv[1])
    checked_commit(checkout, COMMIT)
    published = shapes_of(build(checkout, {}, PUBLISHED_TEXT, 768))
    model = build(checkout, IMAGE, TEXT, TEXT["hidden_size"])
    small = shapes_of(model)
    model.load_state_dict(small_state(small), strict=True)
    transform = upstreams(checkout, {})["transform"]
    pixels = torch.stack([transform(picture.convert("RGB")) for picture in small_pictures()])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "vocab.txt"
        file.write_text("\n".join(vocabulary()) + "\n", encoding="utf-8")
        tokenizer = BertTokenizerFast(str(file), do_lower_case=True)
    tokens = tokenizer(
        list(TEXTS), max_length=256, padding="max_length", truncation=True, return_tensors="pt"
    )
    with torch.inference_mode():
        images, texts = model.encode_image(pixels), model.encode_text(tokens)
        logits = model.logit_scale.exp() * images @ texts.T
    write_numbers(
        "keep",
        source={"repository": REPOSITORY, "commit": COMMIT},
        packages={name: version(name) for name in ("torch", "timm", "transformers", "tokenizers")},
        text_config=TEXT,
        vocabulary=vocabulary(),
        pixels=pixels.mean((2, 3)),
        ids=[
            row[:length].tolist()
            for row, length in zip(tokens["input_ids"], tokens["attention_mask"].sum(1), strict=True)
        ],
        image_features=images,
        text_features=texts,
        logits=logits,
        small_shapes=small,
        published_shapes=published,
    )


if __name__ == "__main__":
    main()
