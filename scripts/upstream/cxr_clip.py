"""Write tests/golden/upstream/cxr_clip*: what CXR-CLIP's own code computes with seeded weights.

Upstream is https://github.com/Soombit-ai/cxr-clip at commit 31188857cc5e892c22c731b176080eb5d4484cf2
(CC BY-NC 4.0). Give the folder of a checkout of that commit; nothing is fetched. Of the versions that upstream
pins, transformers 4.26.1, omegaconf 2.3.0 and hydra-core 1.3.2 matter: they name the tensors, and they are in
a checkpoint's configuration.

    python scripts/upstream/cxr_clip.py CHECKOUT

The image towers are the published ones; the text tower and the projections are small. For both kinds, a file
of shapes gets the names and shapes of the published size, whose text tower is Bio_ClinicalBERT (a BERT-base of
28,996 tokens). cxr_clip-training.tar is what upstream's training saves, with two tensors in place of a model.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torchvision.models import resnet50
from transformers import BertConfig, BertModel, SwinConfig, SwinModel

CHECKOUT = Path(sys.argv[1])
HERE = Path(__file__).parents[2] / "tests" / "models"
sys.path[:0] = [str(HERE), str(CHECKOUT)]

from cxrclip import convert_dictconfig_to_dict  # noqa: E402
from cxrclip.data.data_utils import load_tokenizer, load_transform, transform_image  # noqa: E402
from cxrclip.evaluator import Evaluator  # noqa: E402
from cxrclip.model import build_model  # noqa: E402
from cxrclip.model.modules import image_encoder  # noqa: E402
from cxrclip.optimizer import build_optimizer  # noqa: E402
from cxrclip.scheduler import build_scheduler  # noqa: E402
from seeded_weights import lively_state  # noqa: E402
from upstream_numbers import (  # noqa: E402
    FOLDER,
    checked_commit,
    pictures,
    shapes_of,
    write_numbers,
    write_shapes,
    write_vocabulary,
)

COMMIT = "31188857cc5e892c22c731b176080eb5d4484cf2"
KINDS = {"resnet": "imagenet", "swin": "huggingface"}
"""Both image towers, and what upstream calls the mean and the standard deviation of their pixels."""

SMALL = {"hidden_size": 128, "num_attention_heads": 2, "num_hidden_layers": 2, "intermediate_size": 96}
TEXTS = [
    "No pneumothorax",
    "photograph",
    "There is a small left pleural effusion; the heart is not enlarged.",
]


def configuration(kind: str, *overrides: str) -> dict[str, Any]:
    """Return what training is started with, as it saves it."""
    with initialize_config_dir(str(CHECKOUT.resolve() / "configs"), version_base=None):
        outputs = ["base.output.checkpoint=checkpoints", "base.output.tensorboard=tensorboard"]
        config = compose("train", overrides=[f"model=clip_{kind}_clinical", *outputs, *overrides])
        OmegaConf.resolve(config)
        return convert_dictconfig_to_dict(config)


def build(config: dict[str, Any], tower: BertModel, tokenizer: Any) -> Any:
    """Build upstream's model; the text tower is given, and the image tower is not pretrained."""
    with (
        mock.patch.object(image_encoder, "resnet50", lambda **_: resnet50(weights=None)),
        mock.patch.object(SwinModel, "from_pretrained", lambda _: SwinModel(SwinConfig())),
        mock.patch("cxrclip.model.modules.text_encoder.AutoModel.from_pretrained", lambda *_, **__: tower),
    ):
        return build_model(config["model"], config["loss"], tokenizer).eval()


def write_kind(kind: str, normalize: str) -> None:
    """Write what one kind of model computes, and the tensors of its published size."""
    with tempfile.TemporaryDirectory() as folder:
        vocabulary = write_vocabulary(Path(folder))
        small = BertModel(BertConfig(vocab_size=vocabulary, **SMALL))
        small.config.save_pretrained(folder)
        tokenizer = load_tokenizer("huggingface", folder, folder)
    published = build(configuration(kind), BertModel(BertConfig(vocab_size=28996)), tokenizer)
    write_shapes(f"cxr_clip_{kind}", shapes_of(published))

    config = configuration(kind, "model.projection_head.proj_dim=64")
    model = build(config, small, tokenizer)
    shapes = shapes_of(model)
    constants = {name: each for name, each in model.state_dict().items() if not each.is_floating_point()}
    model.load_state_dict({**lively_state(shapes), **constants})
    evaluator = Evaluator.__new__(Evaluator)
    evaluator.model, evaluator.device, evaluator.ckpt_config = model, torch.device("cpu"), config
    evaluator.datamodule = mock.Mock(tokenizer=tokenizer)
    steps = load_transform("test", config["transform"])
    images = pictures()
    images[0] = images[0].resize((224, 224))
    pixels = torch.stack(
        [transform_image(steps, picture.convert("RGB"), normalize=normalize) for picture in images]
    )
    image_features = torch.from_numpy(evaluator.encode_image(pixels))
    text_features = torch.from_numpy(evaluator.encode_text(TEXTS))
    write_numbers(
        f"cxr_clip_{kind}",
        commit=COMMIT,
        texts=TEXTS,
        pixels=pixels[:, :, ::31, ::37],
        image_features=image_features,
        text_features=text_features,
        logits=model.logit_scale.exp() * image_features @ text_features.T,  # as its training computes them
        shapes=shapes,
    )


def write_training() -> None:
    """Write a checkpoint as upstream's trainer does."""
    config = configuration("resnet")
    model = torch.nn.Linear(1, 1)
    optimizer = build_optimizer(model, config["optimizer"])
    config["scheduler"]["config"] |= {"total_steps": 15, "warmup_steps": 1}
    scheduler = build_scheduler(optimizer, config["scheduler"])
    model(torch.ones(1, 1)).sum().backward()
    optimizer.step()
    scheduler.step()
    checkpoint = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "config": config,
        "epoch": 1,
        "train_loss": 0.5,
    }
    torch.save(checkpoint, FOLDER / "cxr_clip-training.tar")


@torch.no_grad()
def main() -> None:
    checked_commit(CHECKOUT, COMMIT)
    for kind, normalize in KINDS.items():
        write_kind(kind, normalize)
    with torch.enable_grad():
        write_training()


if __name__ == "__main__":
    main()
