"""open_clip's modules, tokenizers and transforms from a configuration, with every path made local first."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

import open_clip
from open_clip.tokenizer import DEFAULT_CONTEXT_LENGTH, HFTokenizer
from open_clip.transform import PreprocessCfg, merge_preprocess_dict
from transformers import AutoConfig

from medimeta_c.errors import ModelError
from medimeta_c.models import hub_files
from medimeta_c.models.bert import KNOWN_CONFIGS
from medimeta_c.models.contract import Preprocess, Preprocessing
from medimeta_c.models.libraries import explained, quiet
from medimeta_c.models.tokenizers import OpenClipTokens, read_tokenizer, tokenizer_folder
from medimeta_c.models.transforms import open_clip_transform

__all__ = ["build_module", "build_tokenizer", "build_transform"]

_REMEDY = "copy the model's configuration again"


def build_module(
    model_cfg: dict[str, Any],
    folder: Path | None,
    where: object,
    *,
    tower: dict[str, Any] | None = None,
) -> Any:
    """Build an untrained open_clip model; no weights are fetched, whatever the configuration asks for.

    Parameters
    ----------
    model_cfg : dict
        The ``model_cfg`` of an ``open_clip_config.json``.
    folder : Path or None
        The model's own folder, which paths in the configuration are relative to.
    where : object
        The checkpoint, for messages.
    tower : dict, optional
        The text tower's ``config.json``, where it is known; by default it is looked for.

    Raises
    ------
    ModelError
        If open_clip cannot build it, or the text tower's configuration is nowhere.
    """
    problem = f"open_clip cannot build the architecture that goes with {where}"
    with tempfile.TemporaryDirectory() as scratch, quiet(), explained(problem, _REMEDY):
        cfg = copy.deepcopy(model_cfg)
        custom = cfg.pop("custom_text", False)
        if "timm_model_name" in cfg["vision_cfg"]:
            cfg["vision_cfg"]["timm_model_pretrained"] = False
        name = cfg["text_cfg"].get("hf_model_name")
        if name:
            custom = True
            tower_folder = _text_tower(name, folder, Path(scratch), tower)
            cfg["text_cfg"]["hf_model_name"] = str(tower_folder)
            cfg["text_cfg"]["hf_model_pretrained"] = False
        if not custom:
            return open_clip.CLIP(**cfg)
        return (open_clip.CoCa if "multimodal_cfg" in cfg else open_clip.CustomTextCLIP)(**cfg)


def _text_tower(name: str, folder: Path | None, scratch: Path, known: dict[str, Any] | None) -> Path:
    """Return a local folder whose ``config.json`` describes the transformers text tower `name`.

    In order: what is known of it; a folder of that name, below the model's own; the model's own folder; a
    configuration known here; the Hub or its cache.
    """
    for place in () if known else _local_places(name, folder):
        if (place / "config.json").is_file():
            return _checked(place)
    if known := known or KNOWN_CONFIGS.get(name):
        (scratch / "config.json").write_text(json.dumps(known), encoding="utf-8")
        return scratch
    try:
        return _checked(hub_files.fetch_file(name, ["config.json"]).parent)
    except ModelError as error:
        if folder is None:
            raise
        raise ModelError(
            f"{folder} does not hold the text tower's configuration (config.json), and {name} did not "
            f"come from the Hub: {error}"
        ) from error


def _local_places(name: str, folder: Path | None) -> list[Path]:
    """Return the local folders that a name in a configuration may mean; none for a model from the Hub."""
    if folder is None:
        return []
    named = (folder / name).resolve()  # an absolute name stays as it is
    allowed = Path(name).is_absolute() or named.is_relative_to(folder)
    return [named, folder] if allowed else [folder]


def _checked(place: Path) -> Path:
    """Return `place` if transformers reads its configuration without running code from it."""
    with explained(f"{place / 'config.json'} does not describe a text tower", "copy it again"):
        AutoConfig.from_pretrained(str(place), trust_remote_code=False, local_files_only=True)
    return place


def build_tokenizer(text_cfg: dict[str, Any], folder: Path | None, where: object) -> OpenClipTokens:
    """Build the tokenizer a text configuration asks for; a local folder's own files come first.

    Raises
    ------
    ModelError
        If its files are nowhere, or the configuration asks to run code.
    """
    with explained(f"open_clip cannot build the tokenizer that goes with {where}", _REMEDY):
        options = dict(text_cfg.get("tokenizer_kwargs") or {})
        if "trust_remote_code" in options:
            raise ModelError(
                "the model's configuration asks its tokenizer to run code (trust_remote_code): remove that"
            )
        length = int(text_cfg.get("context_length") or DEFAULT_CONTEXT_LENGTH)
        name = text_cfg.get("hf_tokenizer_name")
        if not name:
            return OpenClipTokens(open_clip.SimpleTokenizer(context_length=length, **options), length)
        source = tokenizer_folder(name, *_local_places(name, folder))
        read_tokenizer(source)  # says in one sentence what open_clip would raise as it comes
        mode = text_cfg.get("tokenizer_mode")
        tokenizer = HFTokenizer(str(source), context_length=length, tokenizer_mode=mode, **options)
        return OpenClipTokens(tokenizer, length)


def build_transform(
    module: Any, preprocess_cfg: dict[str, Any], where: object
) -> tuple[Preprocess, Preprocessing]:
    """Return open_clip's inference transform: its own settings, then the model's, at the tower's size.

    Raises
    ------
    ModelError
        If the settings are not open_clip's.
    """
    with explained(f"the preprocessing settings beside {where} are not open_clip's", _REMEDY):
        merged = merge_preprocess_dict(PreprocessCfg(), preprocess_cfg)
        merged["size"] = getattr(module.visual, "image_size", merged["size"])
        cfg = PreprocessCfg(**merged)
        return open_clip_transform(cfg)
