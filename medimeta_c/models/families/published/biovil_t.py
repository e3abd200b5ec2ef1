"""BioViL-T: a ResNet-50 for chest X-rays and CXR-BERT, in the layout of its authors' repository on the Hub.

References
----------
Bannur et al., "Learning to Exploit Temporal Structure for Biomedical Vision-Language Processing", CVPR 2023.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image as PILImage
from torch import nn
from torchvision.models import resnet50
from torchvision.transforms import functional
from transformers import BertConfig, BertModel

from medimeta_c.errors import ModelError
from medimeta_c.models import hub_files
from medimeta_c.models.bert import bert_config_of
from medimeta_c.models.contract import Preprocessing
from medimeta_c.models.families.published.assembly import assembled
from medimeta_c.models.libraries import explained, quiet
from medimeta_c.models.tokenizers import HfTokens, read_wordpiece, refuse_larger_vocabulary
from medimeta_c.models.torch_model import TorchModel
from medimeta_c.models.weights import StateDict, load_strictly, read_checkpoint, strip_prefix

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["BioVilT", "BioVilTTransform", "load_biovil_t"]

_IMAGE_WEIGHTS = "biovil_t_image_model_proj_size_128.pt"
_TEXT_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_TOKENIZER_FILES = ("vocab.txt", "tokenizer_config.json")
_EMBEDDING = 128
_PATCH_WIDTH = 256
_TRUNK_WIDTH = 2048
_TRUNK = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")
_RESIZED, _SIZE = 512, 448
_ENDINGS = "!?."  # upstream takes them off a text's end

_WEIGHT_AND_BIAS = ("weight", "bias")
_BLOCK = (
    *(f"{part}.{kind}" for part in ("norm1", "norm2", "mlp.fc1", "mlp.fc2") for kind in _WEIGHT_AND_BIAS),
    *("attn.proj_q.weight", "attn.proj_k.weight", "attn.proj_v.weight", "attn.proj.weight", "attn.proj.bias"),
)
_UNUSED_OF_IMAGE = frozenset(
    {
        *(f"encoder.encoder.fc.{kind}" for kind in _WEIGHT_AND_BIAS),
        *(f"encoder.vit_pooler.blocks.{index}.{name}" for index in range(3) for name in _BLOCK),
        *(f"encoder.vit_pooler.norm_post.{kind}" for kind in _WEIGHT_AND_BIAS),
        "encoder.vit_pooler.type_embed",
    }
)
"""ImageNet's classes, which BioViL-T keeps and never computes; what compares an image with a prior one."""

_UNUSED_OF_TEXT = frozenset(
    {
        *(f"bert.pooler.dense.{kind}" for kind in _WEIGHT_AND_BIAS),
        *(f"cls.predictions.decoder.{kind}" for kind in _WEIGHT_AND_BIAS),
        *(f"cls.predictions.transform.dense.{kind}" for kind in _WEIGHT_AND_BIAS),
        *(f"cls.predictions.transform.LayerNorm.{kind}" for kind in _WEIGHT_AND_BIAS),
        "cls.predictions.bias",
    }
)
"""The head that guesses masked words, and BERT's own pooling."""


def load_biovil_t(spec: str, target: str) -> TorchModel:
    """Load ``biovil-t:PATH_OR_REPO[@REVISION]``.

    The folder or repository has ``biovil_t_image_model_proj_size_128.pt``, the text model's weights
    (``model.safetensors`` or ``pytorch_model.bin``) and ``vocab.txt``; none of its code is run. An image is
    embedded alone, without a prior one. The authors publish no temperature: the logit scale is 1.

    Raises
    ------
    ModelError
        If files are missing or do not fit.
    """
    folder, revision = hub_files.model_folder(target, _TOKENIZER_FILES)
    tokenizer = read_wordpiece(folder)
    image_file = hub_files.weights_file(target, folder, (_IMAGE_WEIGHTS,))
    text_file = hub_files.weights_file(target, folder, _TEXT_WEIGHTS)
    image_state = _without(read_checkpoint(image_file), _UNUSED_OF_IMAGE)
    text_state = _without(read_checkpoint(text_file), _UNUSED_OF_TEXT)
    with quiet(), explained(f"{folder} does not hold BioViL-T", "copy its files again"):
        module = BioVilT(bert_config_of(strip_prefix(text_state, "bert."), text_file))
        load_strictly(module.image, image_state, image_file)
        load_strictly(module.text, text_state, text_file)
    bert = module.text.bert.config
    refuse_larger_vocabulary(len(tokenizer), bert.vocab_size, f"in {folder}")
    tokens = _Tokens(tokenizer, bert.max_position_embeddings)
    return assembled(
        module,
        spec=spec,
        family="biovil-t",
        revision=revision,
        what="BioViL-T: ResNet-50 and CXR-BERT",
        state={
            **{f"image.{name}": tensor for name, tensor in image_state.items()},
            **{f"text.{name}": tensor for name, tensor in text_state.items()},
        },
        tokenizer=tokens,
        transform=(BioVilTTransform(), _PREPROCESSING),
        logit_scale=1.0,
    )


class BioVilT(nn.Module):
    """Both towers, each with the names of its own checkpoint.

    Parameters
    ----------
    bert : mapping
        Arguments of the text tower's ``BertConfig``.
    """

    def __init__(self, bert: Mapping[str, int]) -> None:
        super().__init__()
        self.image = _ImageTower()
        self.text = _TextTower(bert)

    def embed_images(self, pixels: torch.Tensor) -> torch.Tensor:
        """(N, 3, 448, 448) → (N, 128)."""
        vectors: torch.Tensor = self.image(pixels)
        return vectors

    def embed_texts(self, tokens: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Token ids and mask (M, T) → (M, 128)."""
        vectors: torch.Tensor = self.text(tokens)
        return vectors


class _ImageTower(nn.Module):
    """(N, 3, 448, 448) → (N, 128): patches of one image, projected and averaged."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = _Encoder()
        projection = nn.Sequential(
            nn.Conv2d(2 * _PATCH_WIDTH, _EMBEDDING, 1, bias=False),
            nn.BatchNorm2d(_EMBEDDING),
            nn.ReLU(),
            nn.Conv2d(_EMBEDDING, _EMBEDDING, 1),
        )
        self.projector = nn.ModuleDict({"model": projection})

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        vectors: torch.Tensor = self.projector["model"](self.encoder(pixels)).mean((2, 3))
        return vectors


class _Encoder(nn.Module):
    """(N, 3, 448, 448) → (N, 512, 14, 14): ResNet-50's patches, and beside them "there is no prior image"."""

    def __init__(self) -> None:
        super().__init__()
        trunk = resnet50(weights=None)
        self.encoder = nn.Sequential(OrderedDict((name, getattr(trunk, name)) for name in _TRUNK))
        self.backbone_to_vit = nn.Conv2d(_TRUNK_WIDTH, _PATCH_WIDTH, 1, bias=False)
        self.missing_previous_emb = nn.Parameter(torch.zeros(1, _PATCH_WIDTH, 1, 1))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        patches = self.backbone_to_vit(self.encoder(pixels))
        return torch.cat([patches, self.missing_previous_emb.expand_as(patches)], dim=1)


class _TextTower(nn.Module):
    """Token ids and mask (M, T) → (M, 128): the first token's state, projected."""

    def __init__(self, bert: Mapping[str, int]) -> None:
        super().__init__()
        self.bert = BertModel(BertConfig(**bert), add_pooling_layer=False)
        self.cls_projection_head = nn.Sequential(
            OrderedDict(
                dense_to_hidden=nn.Linear(bert["hidden_size"], _EMBEDDING),
                gelu=nn.GELU(),
                LayerNorm=nn.LayerNorm(_EMBEDDING, eps=1e-12),
                dense_to_output=nn.Linear(_EMBEDDING, _EMBEDDING),
            )
        )

    def forward(self, tokens: Mapping[str, torch.Tensor]) -> torch.Tensor:
        vectors: torch.Tensor = self.cls_projection_head(self.bert(**tokens).last_hidden_state[:, 0])
        return vectors


class _Tokens(HfTokens):
    """CXR-BERT's tokens of a text without its last full stop, exclamation or question marks."""

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text; refuse those that contain a special token."""
        special = set(self.tokenizer.all_special_tokens) - {self.tokenizer.mask_token}
        for text in texts:
            if found := sorted(token for token in special if token in text):
                raise ModelError(
                    f"prompt {text!r} contains {found[0]}, a special token of CXR-BERT: remove it"
                )
        return super().lengths([text.rstrip(_ENDINGS) for text in texts])

    def __call__(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return the padded tensors."""
        return super().__call__([text.rstrip(_ENDINGS) for text in texts])


@dataclass(frozen=True, slots=True)
class BioVilTTransform:
    """BioViL-T's own preprocessing.

    The darkest number of the image becomes 0 and the brightest 255, colour becomes luma, the shortest side is
    resized to 512, the centre of 448 is cut out and copied to three channels between 0 and 1.
    """

    def __call__(self, image: Image) -> torch.Tensor:
        """Return float32 of shape (3, 448, 448)."""
        pixels = np.asarray(image if image.mode in {"L", "RGB"} else image.convert("RGB"), dtype=np.float64)
        pixels = pixels - pixels.min()
        top = pixels.max() or 1.0  # of an image of one number, which becomes 0
        stretched = PILImage.fromarray((pixels / top * 255).astype(np.uint8)).convert("L")
        cut = functional.center_crop(functional.resize(stretched, [_RESIZED]), [_SIZE, _SIZE])
        tensor: torch.Tensor = functional.to_tensor(cut)
        return tensor.repeat(3, 1, 1)


_PREPROCESSING = Preprocessing(
    size=(_SIZE, _SIZE),
    resize="shortest",
    resize_size=(_RESIZED, _RESIZED),
    interpolation="bilinear",
    center_crop=True,
    mean=(0.0,) * 3,
    std=(1.0,) * 3,
    channels="luma",
    implementation="medimeta_c.models.families.published.biovil_t.BioVilTTransform",
    plain=False,
)


def _without(state: StateDict, unused: Collection[str]) -> StateDict:
    """Return the tensors that are used: what is neither used nor known to be unused does not load."""
    return {name: tensor for name, tensor in state.items() if name not in unused}
