"""Write tests/golden/upstream/conch.json: what CONCH's own code makes of seeded weights, in small.

Needs a checkout of https://github.com/mahmoodlab/CONCH at the commit below, and an environment of its time:

    pip install torch torchvision timm==0.9.8 transformers==4.46.3 Pillow
    python scripts/upstream/conch.py CHECKOUT
"""

from __future__ import annotations

import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import torch

ROOT = Path(__file__).parents[2]
sys.path[0] = str(ROOT / "tests" / "models")  # in place of this folder, whose conch.py is not theirs

from seeded_weights import small_state  # noqa: E402
from upstream_numbers import FOLDER, TEXTS, checked_commit, shapes_of, small_pictures, write_numbers  # noqa: E402

REPOSITORY = "https://github.com/mahmoodlab/CONCH"
COMMIT = "141cc09c7d4ff33d8eda562bd75169b457f71a62"
TOKENIZER = FOLDER / "conch_tokenizer.json"

SMALL = {
    "embed_dim": 64,
    "embed_dim_caption": 64,
    "vision_cfg": {
        "image_size": 64,
        "patch_size": 16,
        "layers": 3,
        "width": 128,
        "num_heads": 2,
        "attentional_pool_caption": True,
        "attentional_pool_contrast": True,
        "attn_pooler_heads": 8,
        "n_queries_contrast": 1,
        "n_queries_caption": 4,
        "output_tokens": True,
    },
    "text_cfg": {
        "context_length": 128,
        "vocab_size": 400,
        "width": 128,
        "heads": 2,
        "layers": 3,
        "embed_cls": True,
        "output_tokens": True,
    },
    "multimodal_cfg": {"context_length": 128, "vocab_size": 400, "width": 128, "heads": 2, "layers": 1},
}
"""The published configuration with small sizes: heads stay 64 wide, and the poolers have 8."""


def write_tokenizer() -> None:
    """Write a small tokenizer of the published one's kind: uncased byte-level BPE, seven special tokens."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    specials = ["<pad>", "<start_of_text>", "<end_of_text>"]
    specials += ["<|person|>", "<|mrn|>", "<|specimen_id|>", "<|date|>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*TEXTS[:-1], "a photo of the image"], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<start_of_text> $A <end_of_text>",
        special_tokens=[(name, tokenizer.token_to_id(name)) for name in specials[1:3]],
    )
    tokenizer.save(str(TOKENIZER), pretty=False)


def main() -> None:
    checkout = Path(sys.argv[1])
    checked_commit(checkout, COMMIT)
    sys.path.insert(0, str(checkout))
    from conch.open_clip_custom import create_model_from_pretrained, custom_tokenizer

    published = checkout / "conch" / "open_clip_custom" / "model_configs" / "conch_ViT-B-16.json"
    shapes, small = shapes_of(build(configuration(published))), shapes_of(build(SMALL))
    if not TOKENIZER.exists():
        write_tokenizer()
    custom_tokenizer.TOKENIZER_DIR, custom_tokenizer.DEFAULT_TOKENIZER = TOKENIZER.parent, TOKENIZER.name
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pytorch_model.bin"
        torch.save(small_state(small), file)
        model, preprocess = create_model_from_pretrained(dict(SMALL), str(file))
    model.eval()
    pixels = torch.stack([preprocess(picture) for picture in small_pictures()])
    ids = custom_tokenizer.tokenize(custom_tokenizer.get_tokenizer(), list(TEXTS))
    with torch.inference_mode():
        images, texts = model.encode_image(pixels), model.encode_text(ids)
        logits = model.logit_scale.exp() * images @ texts.T
    write_numbers(
        "conch",
        source={"repository": REPOSITORY, "commit": COMMIT},
        packages={name: version(name) for name in ("torch", "timm", "transformers", "tokenizers")},
        pixels=pixels.mean((2, 3)),
        ids=[[one for one in row if one != model.pad_id] for row in ids.tolist()],
        image_features=images,
        text_features=texts,
        logits=logits,
        small_shapes=small,
        published_shapes=shapes,
    )


def configuration(path: Path) -> dict[str, object]:
    """Return a published configuration as upstream gives it to its model."""
    import json

    values: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    values.pop("custom_text")
    return values


def build(config: dict[str, object]) -> torch.nn.Module:
    """Return upstream's model."""
    from conch.open_clip_custom import CoCa

    model: torch.nn.Module = CoCa(**config)
    return model


if __name__ == "__main__":
    main()
