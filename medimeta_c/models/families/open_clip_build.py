"""Build open_clip's modules, tokenizers and transforms from a configuration, after making all paths local."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import open_clip
from open_clip.hf_configs import arch_dict
from open_clip.tokenizer import DEFAULT_CONTEXT_LENGTH, HFTokenizer
from open_clip.transform import PreprocessCfg, merge_preprocess_dict
from transformers import AutoConfig

from medimeta_c.errors import ModelError, short
from medimeta_c.io.reading import Reader
from medimeta_c.models import hub_files
from medimeta_c.models.bert import KNOWN_CONFIGS
from medimeta_c.models.contract import Preprocess, Preprocessing
from medimeta_c.models.libraries import explained, local_only, quiet
from medimeta_c.models.tokenizers import OpenClipTokens, names_a_class, read_tokenizer, tokenizer_folder
from medimeta_c.models.transforms import open_clip_transform

__all__ = ["build_module", "build_tokenizer", "build_transform"]

_REMEDY = "copy the model's configuration again"
_MOST_LAYERS = 1000
_READER = Reader(remedy="copy it again", error=ModelError)
_TOKENIZER_SETTINGS = {
    *("additional_special_tokens", "clean", "language", "reduction_mask", "strip_sep_token"),
}
"""Settings of open_clip's tokenizers, but for paths and what it hands on to transformers."""


def build_module(
    model_cfg: dict[str, Any],
    folder: Path | None,
    where: object,
    *,
    tower: dict[str, Any] | None = None,
    fetch: bool = False,
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
    fetch : bool, optional
        Whether any repository it names may be fetched: where it is open_clip's own configuration.

    Raises
    ------
    ModelError
        If its image tower is elsewhere, open_clip cannot build it, or the text tower's configuration is
        nowhere.
    """
    problem = f"open_clip cannot build the architecture that goes with {where}"
    with tempfile.TemporaryDirectory() as scratch, quiet(), explained(problem, _REMEDY):
        cfg = copy.deepcopy(model_cfg)
        custom = cfg.pop("custom_text", False)
        _refuse_deep(cfg, where)
        if "timm_model_name" in cfg["vision_cfg"]:
            _refuse_remote(cfg["vision_cfg"]["timm_model_name"], where)
            cfg["vision_cfg"]["timm_model_pretrained"] = False
        name = cfg["text_cfg"].get("hf_model_name")
        if name:
            custom = True
            tower_folder = _text_tower(name, folder, Path(scratch), tower, fetch=fetch)
            cfg["text_cfg"]["hf_model_name"] = str(tower_folder)
            cfg["text_cfg"]["hf_model_pretrained"] = False
        if not custom:
            return open_clip.CLIP(**cfg)
        return (open_clip.CoCa if "multimodal_cfg" in cfg else open_clip.CustomTextCLIP)(**cfg)


def _refuse_deep(cfg: Mapping[str, Any], where: object) -> None:
    """Refuse towers of more layers than any model has: building them would take hours."""
    for name, tower in cfg.items():
        layers = tower.get("layers") if isinstance(tower, Mapping) else None
        for count in layers if isinstance(layers, list) else [layers]:
            if isinstance(count, int) and count > _MOST_LAYERS:
                raise ModelError(
                    f"the configuration beside {where} asks for {count} layers in {name}, and at most "
                    f"{_MOST_LAYERS} are built: {_REMEDY}"
                )


def _refuse_remote(name: object, where: object) -> None:
    """Refuse a trunk that is none of timm's own architectures: ``hf-hub:org/name`` would be fetched."""
    if not isinstance(name, str) or set(name) & set(":/\\"):
        raise ModelError(
            f"the configuration beside {where} takes its image tower from {name}, which is not fetched: "
            "write the name of timm's architecture there, as timm_model_name"
        )


def _text_tower(
    name: str, folder: Path | None, scratch: Path, known: dict[str, Any] | None, *, fetch: bool
) -> Path:
    """Return a local folder whose ``config.json`` describes the transformers text tower `name`.

    In order: what is known of it; a folder of that name, below the model's own; the model's own folder; a
    configuration known here; the Hub's cache, and the Hub itself if `fetch`. The ``config.json`` in the
    model's own folder may describe the whole model to transformers instead: then it is passed over.
    """
    for place in () if known else _local_places(name, folder):
        if (place / "config.json").is_file() and not (place == folder and _has_two_towers(place)):
            return _checked(place)
    if known := known or KNOWN_CONFIGS.get(name):
        (scratch / "config.json").write_text(json.dumps(known), encoding="utf-8")
        return scratch
    try:
        return _checked(hub_files.named_folder(name, ["config.json"], fetch=fetch))
    except ModelError as error:
        if folder is None:
            raise
        raise ModelError(
            f"{folder} does not hold the text tower's configuration (config.json), and {short(name)} did not "
            f"come from the Hub: {error}"
        ) from error


def _local_places(name: str, folder: Path | None) -> list[Path]:
    """Return the local folders that a name in a configuration may mean; none for a model from the Hub."""
    if folder is None:
        return []
    named = (folder / name).resolve()  # an absolute name stays as it is
    return [named, folder] if named.is_relative_to(folder) else [folder]


def _has_two_towers(place: Path) -> bool:
    """Return whether ``config.json`` describes a model of images and texts, as QuiltNet-B-16-PMB's does."""
    values = _READER.values(place / "config.json")
    return isinstance(values, dict) and {"text_config", "vision_config"} <= values.keys()


def _checked(place: Path) -> Path:
    """Return `place` if its configuration is of a text tower that open_clip knows.

    Of those, transformers has the code, and none names other files; of other kinds, some do.
    """
    file = place / "config.json"
    values = _READER.values(file)
    kind = values.get("model_type") if isinstance(values, dict) else None
    if not isinstance(kind, str) or kind not in arch_dict:
        raise ModelError(
            f"{file} does not describe a text tower: its model_type is {kind!r}, not one of "
            f"{', '.join(arch_dict)}"
        )
    with explained(f"{file} does not describe a text tower", "copy it again"), local_only():
        AutoConfig.from_pretrained(str(place), trust_remote_code=False, local_files_only=True)
    return place


def build_tokenizer(
    text_cfg: dict[str, Any],
    folder: Path | None,
    where: object,
    *,
    own: tuple[str, str | None] | None = None,
    fetch: bool = False,
) -> OpenClipTokens:
    """Build the tokenizer a text configuration asks for; a local folder's own files come first.

    Another repository is read from the Hub's cache, and fetched only if it is known here, is the model's
    `own` (name and commit), or `fetch` allows any.

    Raises
    ------
    ModelError
        If its files are nowhere, or the configuration sets more than open_clip's tokenizers take.
    """
    with explained(f"open_clip cannot build the tokenizer that goes with {where}", _REMEDY):
        options = dict(text_cfg.get("tokenizer_kwargs") or {})
        if strange := options.keys() - _TOKENIZER_SETTINGS:
            raise ModelError(
                f"the model's configuration has tokenizer_kwargs that could run code or read other files "
                f"({', '.join(sorted(strange))}): remove them"
            )
        length = int(text_cfg.get("context_length") or DEFAULT_CONTEXT_LENGTH)
        name = text_cfg.get("hf_tokenizer_name")
        if not name:
            return OpenClipTokens(open_clip.SimpleTokenizer(context_length=length, **options), length)
        allowed = fetch or name in KNOWN_CONFIGS or (own is not None and name == own[0])
        revision = own[1] if own is not None and name == own[0] else None
        source = tokenizer_folder(name, *_local_places(name, folder), fetch=allowed, revision=revision)
        read = read_tokenizer(source)  # says in one sentence what open_clip would raise as it comes
        mode = text_cfg.get("tokenizer_mode")
        with local_only(), tempfile.TemporaryDirectory() as scratch:
            if not names_a_class(source):  # a bare vocab.txt, which open_clip would not open
                read.save_pretrained(scratch)
                source = Path(scratch)
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
