"""PMC-CLIP: CLIP's ResNet-50 and PubMedBERT, in the layout of its authors' checkpoint.

References
----------
Lin et al., "PMC-CLIP: Contrastive Language-Image Pre-training using Biomedical Documents", MICCAI 2023.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from open_clip.modified_resnet import ModifiedResNet
from open_clip.transform import PreprocessCfg
from torch import nn
from torch.nn.functional import normalize
from transformers import BertConfig, BertModel

from medimeta_c.errors import ModelError
from medimeta_c.models import hub_files
from medimeta_c.models.bert import bert_config_of, layer_count
from medimeta_c.models.families.published.assembly import assembled
from medimeta_c.models.libraries import explained, quiet
from medimeta_c.models.tokenizers import TOKENIZER_FILES, bert_tokens
from medimeta_c.models.torch_model import TorchModel
from medimeta_c.models.transforms import open_clip_transform
from medimeta_c.models.weights import StateDict, load_strictly, read_checkpoint, strip_prefix

__all__ = ["PmcClip", "load_pmc_clip"]

_WEIGHTS = ("checkpoint.pt",)
_TEXT_TOWER = "microsoft/BiomedNLP-PubMedBERT-base-uncased-abstract-fulltext"
_CONTEXT_LENGTH = 77
_HEAD_WIDTH = 64
_STRIDE = 32  # of the image tower: pixels for each place of its last grid
_STAGES = 4
_UNUSED = re.compile(
    r"positional_embedding|ln_final\.(weight|bias)|mlm_projection|img_special_token"
    r"|fusion_module\.resblocks\.\d+\.(attn\.(in_proj_|out_proj\.)|ln_[12]\.|mlp\.c_(fc|proj)\.)(weight|bias)"
)
"""Tensors that no feature depends on: they guess masked words from both towers, in training alone."""


def load_pmc_clip(spec: str, target: str) -> TorchModel:
    """Load ``pmc-clip:PATH_OR_REPO[@REVISION]``.

    PATH is a folder with ``checkpoint.pt``, or such a file; REPO is one of data sets, as the authors'. The
    tokenizer is taken from that folder when its files are there, else PubMedBERT's from the Hub.

    Raises
    ------
    ModelError
        If files are missing or do not fit.
    """
    folder, revision = hub_files.model_folder(target, TOKENIZER_FILES, kind="dataset", checkpoint=True)
    file = hub_files.weights_file(target, folder, _WEIGHTS, kind="dataset")
    state = {
        name: tensor for name, tensor in read_checkpoint(file).items() if _UNUSED.fullmatch(name) is None
    }
    with quiet(), explained(f"{file} is not a PMC-CLIP checkpoint", "name PMC-CLIP's own checkpoint"):
        module = PmcClip.from_state(state, file)
    transform = open_clip_transform(PreprocessCfg(size=module.visual.image_size))
    tokens = bert_tokens(
        _TEXT_TOWER,
        folder,
        module.text_encoder.config,
        _CONTEXT_LENGTH,
        padding="max_length",  # trained without a mask, on texts padded to the full length
        names=("input_ids",),
    )
    return assembled(
        module,
        spec=spec,
        family="pmc-clip",
        revision=revision,
        what="PMC-CLIP: CLIP's ResNet and BERT",
        state=state,
        tokenizer=tokens,
        transform=transform,
    )


class PmcClip(nn.Module):
    """Both towers, with the projection of texts, under upstream's names.

    Parameters
    ----------
    visual : dict
        Arguments of open_clip's ``ModifiedResNet``.
    bert : dict
        Arguments of ``BertConfig``.
    """

    def __init__(self, visual: dict[str, Any], bert: dict[str, Any]) -> None:
        super().__init__()
        self.visual = ModifiedResNet(**visual)
        self.text_encoder = BertModel(BertConfig(**bert))
        self.text_projection = nn.Parameter(torch.zeros(bert["hidden_size"], visual["output_dim"]))
        self.logit_scale = nn.Parameter(torch.zeros([]))

    @classmethod
    def from_state(cls, state: StateDict, where: Path) -> PmcClip:
        """Build the model from the tensors of a checkpoint that features depend on, using every one.

        Raises
        ------
        ModelError
            If tensors are missing, left over or of another shape.
        """
        bert = bert_config_of(strip_prefix(state, "text_encoder."), where)
        module = cls(_visual_config(state, where), bert)
        load_strictly(module, state, f"{where}, read as PMC-CLIP,")
        return module

    def embed_images(self, pixels: torch.Tensor) -> torch.Tensor:
        """(N, 3, H, W) → (N, D), of norm 1."""
        return normalize(self.visual(pixels), dim=-1)

    def embed_texts(self, tokens: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Token ids (M, 77) → (M, D), of norm 1; the padding is read as the text is."""
        ids = tokens["input_ids"]
        states = self.text_encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        return normalize(states[:, 0] @ self.text_projection, dim=-1)


def _visual_config(state: StateDict, where: Path) -> dict[str, Any]:
    """Read the image tower's configuration off the shapes of its tensors."""
    try:
        width = state["visual.layer1.0.conv1.weight"].shape[0]
        grid = math.isqrt(state["visual.attnpool.positional_embedding"].shape[0] - 1)
        output = state["visual.attnpool.c_proj.weight"].shape[0]
    except (KeyError, IndexError, ValueError) as error:
        raise ModelError(
            f"{where} holds no PMC-CLIP image tower (looked for {error}): it is another model's checkpoint"
        ) from error
    return {
        "layers": [layer_count(state, f"visual.layer{stage}.") for stage in range(1, _STAGES + 1)],
        "width": width,
        "heads": width * 32 // _HEAD_WIDTH,
        "output_dim": output,
        "image_size": grid * _STRIDE,
    }
