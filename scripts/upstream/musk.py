"""Write tests/golden/upstream/musk.json: what MUSK's own code makes of seeded weights, in small.

Needs a checkout of https://github.com/lilab-stanford/MUSK at the commit below, and an environment of its time:

    pip install torch torchvision timm==0.9.8 transformers==4.46.3 sentencepiece fairscale einops Pillow
    python scripts/upstream/musk.py CHECKOUT
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import torch
import torchvision
from timm.data.constants import IMAGENET_INCEPTION_MEAN, IMAGENET_INCEPTION_STD
from transformers import XLMRobertaTokenizer

ROOT = Path(__file__).parents[2]
sys.path[0] = str(ROOT / "tests" / "models")  # in place of this folder, whose musk.py is not theirs

from seeded_weights import small_state  # noqa: E402
from upstream_numbers import FOLDER, TEXTS, checked_commit, shapes_of, small_pictures, write_numbers  # noqa: E402

REPOSITORY = "https://github.com/lilab-stanford/MUSK"
COMMIT = "714b666969c1911e5efe70d991140a21030f4ef3"
TOKENIZER = FOLDER / "musk_tokenizer.spm"
SIDE = 64


def write_tokenizer() -> None:
    """Train a small sentencepiece model of the published one's kind: unigram pieces, ids of <unk>, <s>, </s>."""
    import sentencepiece

    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([*TEXTS[:-1], "a photo of the image"] * 20),
        model_prefix=str(TOKENIZER.with_suffix("")),
        vocab_size=90,
        hard_vocab_limit=False,
        normalization_rule_name="identity",  # the published rules would be most of the file
        minloglevel=2,
    )
    TOKENIZER.with_suffix(".model").rename(TOKENIZER)
    TOKENIZER.with_suffix(".vocab").unlink()


def main() -> None:
    checkout = Path(sys.argv[1])
    checked_commit(checkout, COMMIT)
    sys.path.insert(0, str(checkout))
    from musk import modeling, utils
    from musk.torchscale.architecture.config import EncoderConfig

    published = shapes_of(modeling.musk_large_patch16_384())
    config = EncoderConfig(
        img_size=SIDE,
        patch_size=16,
        vocab_size=120,
        multiway=True,
        layernorm_embedding=False,
        normalize_output=True,
        no_output_layer=True,
        drop_path_rate=0,
        encoder_embed_dim=128,
        encoder_attention_heads=2,
        encoder_ffn_embed_dim=192,
        encoder_layers=3,
        max_source_positions=110,
    )
    model = modeling.MUSK(config).eval()
    small = shapes_of(model)
    model.load_state_dict(small_state(small), strict=True)
    transform = torchvision.transforms.Compose(  # as upstream's README has it, at another size
        [
            torchvision.transforms.Resize(SIDE, interpolation=3, antialias=True),
            torchvision.transforms.CenterCrop((SIDE, SIDE)),
            torchvision.transforms.ToTensor(),
            torchvision.transforms.Normalize(mean=IMAGENET_INCEPTION_MEAN, std=IMAGENET_INCEPTION_STD),
        ]
    )
    pixels = torch.stack([transform(picture.convert("RGB")) for picture in small_pictures()])
    if not TOKENIZER.exists():
        write_tokenizer()
    tokenizer = XLMRobertaTokenizer(str(TOKENIZER))
    pairs = [utils.xlm_tokenizer(text, tokenizer, max_len=100) for text in TEXTS]
    ids, padding = (torch.tensor(each) for each in zip(*pairs, strict=True))
    with torch.inference_mode():
        images = model(image=pixels, with_head=True, out_norm=True)[0]
        texts = model(text_description=ids, padding_mask=padding, with_head=True, out_norm=True)[1]
        logits = model.logit_scale * images @ texts.T  # no exponential: as upstream's demo.ipynb has it
    write_numbers(
        "musk",
        source={"repository": REPOSITORY, "commit": COMMIT},
        packages={name: version(name) for name in ("torch", "timm", "transformers", "sentencepiece")},
        pixels=pixels.mean((2, 3)),
        ids=[[one for one, padded in zip(*pair, strict=True) if not padded] for pair in pairs],
        image_features=images,
        text_features=texts,
        logits=logits,
        small_shapes=small,
        published_shapes=published,
    )


if __name__ == "__main__":
    main()
