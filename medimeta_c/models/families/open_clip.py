"""Models that open_clip reads: a Hub repository, a local folder, or an architecture with a pretrained tag."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any

import open_clip
from open_clip.convert import convert_state_dict
from open_clip.model import convert_to_custom_text_state_dict
from open_clip.pretrained import list_pretrained_tags_by_model
from pydantic import ConfigDict, field_validator

from medimeta_c.errors import ConfigError, ModelError, Remedy, unknown_name
from medimeta_c.io.files import sha256_file
from medimeta_c.io.reading import Reader
from medimeta_c.io.records import Record
from medimeta_c.models import hub_files
from medimeta_c.models.contract import Activation
from medimeta_c.models.families.open_clip_build import build_module, build_tokenizer, build_transform
from medimeta_c.models.identity import identity_of
from medimeta_c.models.torch_model import Tokenizer, TorchModel
from medimeta_c.models.weights import StateDict, load_strictly, read_checkpoint

__all__ = ["assemble", "load_folder", "load_hub", "load_named"]

_HUB = "hf-hub:"
_CONFIG = "open_clip_config.json"
_HINT = "check that open_clip_config.json and the weights belong together"
_PROJECTION_HINT = (
    'open_clip adds a projection to the text tower unless text_cfg has "hf_proj_type": null: write that there'
)
_WEIGHTS = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.pth",
    "model.safetensors",
    "pytorch_model.bin",
    "pytorch_model.pth",
    "model.pth",
)
"""File names of weights, the preferred first: open_clip's own order."""

_DIGEST = re.compile(r"openaipublic.*/([0-9a-f]{64})/|mlfoundations.*-([0-9a-f]{8,64})\.\w+$")
"""Of a file, in its address: whole, or its first digits."""

_HUB_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_READER = Reader(
    remedy="the folder of an open_clip model has that file beside its weights, copy it again (a transformers "
    "model is named transformers:PATH)",
    error=ModelError,
)


class _Config(Record):
    """What is needed of an ``open_clip_config.json``; open_clip checks the rest."""

    model_config = ConfigDict(extra="ignore")

    model_cfg: dict[str, Any]
    preprocess_cfg: Any = None

    @field_validator("model_cfg")
    @classmethod
    def _is_whole(cls, model_cfg: dict[str, Any]) -> dict[str, Any]:
        if not {"embed_dim", "vision_cfg", "text_cfg"} <= model_cfg.keys():
            raise ValueError("it must have embed_dim, vision_cfg and text_cfg")
        return model_cfg


def load_folder(spec: str, target: str) -> TorchModel:
    """Load ``local-dir:PATH``, without the network when the folder is whole.

    Raises
    ------
    ModelError
        If the folder lacks a configuration or weights, or they do not fit.
    """
    folder = Path(target).expanduser().resolve()
    if not folder.is_dir():
        raise ModelError(f"there is no folder {folder}: local-dir: takes the folder of an open_clip model")
    config = _READER.read(folder / _CONFIG, _Config)
    weights = next((folder / name for name in _WEIGHTS if (folder / name).is_file()), None)
    if weights is None:
        raise ModelError(
            f"{folder} holds none of the weight files {', '.join(_WEIGHTS)}: copy the model's weights there"
        )
    return _load(spec, config, weights, folder=folder)


def load_hub(spec: str, target: str) -> TorchModel:
    """Load ``hf-hub:org/name[@revision]``, from the local cache when the Hub cannot be reached.

    Raises
    ------
    ModelError
        If the repository cannot be fetched, is of another kind, or its files do not fit together.
    """
    repo, revision = hub_files.split_revision(target)
    config_path = hub_files.fetch_file(repo, [_CONFIG], revision)
    commit = hub_files.commit_of(config_path)
    config = _READER.read(config_path, _Config)
    weights = hub_files.fetch_file(repo, _HUB_WEIGHTS, commit or revision)
    return _load(spec, config, weights, revision=commit, own=(repo, commit or revision))


def load_named(spec: str, target: str, activation: Activation | None = None) -> TorchModel:
    """Load ``ARCH/PRETRAINED``: an open_clip architecture with a pretrained tag, or with a checkpoint's path.

    The checkpoint may be on the Hub: ``ARCH/hf-hub:org/name/FILE[@revision]``.

    A tag's weights are used with the activation they were trained with: OpenAI's CLIP gets QuickGELU under
    ``ViT-B-16/openai`` as under ``ViT-B-16-quickgelu/openai``. A file's is that of `activation`, or of the
    architecture's name: ``ViT-B-16-quickgelu/PATH`` or ``ViT-B-16-gelu/PATH``.

    Raises
    ------
    ConfigError
        If open_clip knows no such architecture, or no such tag for it; or the activation of a file is not
        known, or contradicts the one given.
    ModelError
        If the weights cannot be loaded or do not fit.
    """
    arch, _, tag = target.partition("/")
    model_cfg = open_clip.get_model_config(arch) or open_clip.get_model_config(arch.removesuffix("-gelu"))
    if model_cfg is None:
        # the hundred and more names would bury the few that may have been meant
        near = difflib.get_close_matches(arch, open_clip.list_models(), n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "see open_clip.list_models()"
        raise ConfigError(f"unknown open_clip architecture {arch!r}: {hint}")
    tag_cfg = open_clip.get_pretrained_cfg(arch, tag)
    file = _on_hub(tag) if tag.startswith(_HUB) else Path(tag).expanduser()
    if tag_cfg and activation:
        raise ConfigError(f"the activation of {target} is fixed", remedy=Remedy("leave {activation} out"))
    if tag_cfg:
        weights = _download(arch, tag, tag_cfg)
        model_cfg["quick_gelu"] = bool(tag_cfg.get("quick_gelu", False))
    elif file.is_file():
        weights = file
        published = _published(arch, file)
        if activation and published not in {None, activation}:
            raise ConfigError(
                f"{file} is a published file that has {published}",
                value=activation,
                remedy=Remedy("leave {activation} out"),
            )
        if _activation(arch, model_cfg, activation or published) == "quickgelu":
            model_cfg["quick_gelu"] = True
    else:
        known = list_pretrained_tags_by_model(arch)
        if not known:
            raise ConfigError(
                f"open_clip has no pretrained weights for {arch}: give a checkpoint as {arch}/PATH"
            )
        raise unknown_name(f"pretrained tag of {arch}", tag, known)
    config = _Config(model_cfg=model_cfg, preprocess_cfg=dict(tag_cfg))
    return _load(spec, config, weights, revision=hub_files.commit_of(weights), fetch=True)


def _on_hub(tag: str) -> Path:
    """Return the local copy of the checkpoint that ``hf-hub:org/name/FILE[@revision]`` names.

    Raises
    ------
    ConfigError
        If it names no file of a repository.
    ModelError
        If the file cannot be fetched.
    """
    place, revision = hub_files.split_revision(tag.removeprefix(_HUB))
    owner, _, rest = place.partition("/")
    name, _, file = rest.partition("/")
    if not (owner and name and file):
        raise ConfigError(f"{tag!r} names no checkpoint on the Hub: use {_HUB}org/name/FILE[@revision]")
    return hub_files.fetch_file(f"{owner}/{name}", [file], revision)


def _published(arch: str, file: Path) -> Activation | None:
    """Return the activation of a file that was published under a tag, by the digest in the tag's address."""
    digest = ""
    for tag in list_pretrained_tags_by_model(arch):
        tag_cfg = open_clip.get_pretrained_cfg(arch, tag)
        stated = _DIGEST.search(str(tag_cfg.get("url", "")))
        if stated and (digest := digest or sha256_file(file)).startswith(stated[1] or stated[2]):
            return "quickgelu" if tag_cfg.get("quick_gelu") else "gelu"
    return None


def _activation(arch: str, model_cfg: dict[str, Any], asked: Activation | None) -> Activation:
    """Return the activation of a file, as asked for or as the architecture's name says.

    OpenAI's CLIP and much that was trained from it has QuickGELU, later models of the same shapes have GELU.
    The tensors fit both; with the wrong one the vectors are wrong, without any error.
    """
    named: Activation | None = "gelu" if arch.endswith("-gelu") else None
    if model_cfg.get("quick_gelu"):
        named = "quickgelu"
    if asked and "timm_model_name" in model_cfg["vision_cfg"] and "hf_model_name" in model_cfg["text_cfg"]:
        raise ConfigError(
            f"{arch} has a tower of timm and one of transformers, whose activations are their own",
            value=asked,
            remedy=Remedy("leave {activation} out"),
        )
    if asked and named not in {None, asked}:
        raise ConfigError(
            f"{arch} has {named}, not {asked}",
            value=asked,
            remedy=[Remedy("leave {activation} out"), Remedy("name another architecture")],
        )
    if not (asked or named) and "openai" in list_pretrained_tags_by_model(arch):
        raise ConfigError(
            f"a checkpoint of {arch} does not say whether it was trained with QuickGELU (as OpenAI's CLIP "
            "and models tuned from it) or with GELU",
            remedy=[
                Remedy("add {activation}", activation="quickgelu"),
                Remedy("add {activation}", activation="gelu"),
                Remedy("name it {0}-quickgelu/PATH or {0}-gelu/PATH", arch),
            ],
        )
    return asked or named or "gelu"


def assemble(  # noqa: PLR0913  (a family built on open_clip names all of it)
    *,
    spec: str,
    family: str,
    revision: str | None = None,
    module: Any,
    state: StateDict,
    where: object,
    tokenizer: Tokenizer,
    model_cfg: dict[str, Any],
    preprocess_cfg: dict[str, Any] | None = None,
    hint: str = _HINT,
) -> TorchModel:
    """Load `state` strictly into an open_clip `module` and put the parts together."""
    load_strictly(module, state, where, hint)
    preprocess, preprocessing = build_transform(module, preprocess_cfg or {}, where)
    bias = getattr(module, "logit_bias", None)
    tower = getattr(module, "text", module)
    written = tower.config.to_diff_dict() if hasattr(tower, "config") else None
    return TorchModel(
        module,
        embed_images=module.encode_image,
        embed_texts=lambda tokens: module.encode_text(tokens["text"]),
        tokenizer=tokenizer,
        preprocess=preprocess,
        preprocessing=preprocessing,
        identity=identity_of(
            spec=spec,
            family=family,
            revision=revision,
            what=f"open_clip {_kind(module)}: {_kind(module.visual)} and {_kind(tower)}",
            module=module,
            state=state,
            settings={**model_cfg, "text_tower": written},
            tokenizer=tokenizer,
        ),
        logit_scale=float(module.logit_scale.detach().exp()),
        logit_bias=None if bias is None else float(bias.detach()),
    )


def _kind(part: object) -> str:
    return type(part).__name__


def _load(  # noqa: PLR0913  (where a model's files are, and which others may be fetched)
    spec: str,
    config: _Config,
    weights: Path,
    *,
    folder: Path | None = None,
    revision: str | None = None,
    own: tuple[str, str | None] | None = None,
    fetch: bool = False,
) -> TorchModel:
    """Read the weights and build what the configuration says around them; `folder` has its other files.

    `own` is the repository they came from; `fetch` says that the configuration is open_clip's, which may name
    others. One that came from elsewhere may not.
    """
    state = read_checkpoint(weights)
    module = build_module(config.model_cfg, folder, weights, fetch=fetch)
    text_cfg = config.model_cfg["text_cfg"]
    projected = any(key.startswith("text.proj.") for key in state)
    trap = text_cfg.get("hf_model_name") and "hf_proj_type" not in text_cfg and not projected
    return assemble(
        spec=spec,
        family="open_clip",
        revision=revision,
        module=module,
        state=_modern_layout(module, state),
        where=weights,
        tokenizer=build_tokenizer(text_cfg, folder, weights, own=own, fetch=fetch),
        model_cfg=config.model_cfg,
        preprocess_cfg=config.preprocess_cfg,
        hint=_PROJECTION_HINT if trap else _HINT,
    )


def _modern_layout(module: Any, state: StateDict) -> StateDict:
    """Rename the tensors of older open_clip checkpoints; values stay as they are.

    Unlike open_clip's own loader this neither interpolates position embeddings to another size nor makes up
    a missing logit bias: a checkpoint is used as it was trained.
    """
    state = convert_state_dict(module, state)
    if "positional_embedding" in state and not hasattr(module, "positional_embedding"):
        state = convert_to_custom_text_state_dict(state)
    for name in ("logit_scale", "logit_bias"):  # once of shape (), once of shape (1,)
        own = getattr(module, name, None)
        if name in state and own is not None and state[name].numel() == own.numel():
            state[name] = state[name].reshape(own.shape)
    return state


def _download(arch: str, tag: str, tag_cfg: dict[str, Any]) -> Path:
    """Fetch the weights of a pretrained tag."""
    repo, _, file = str(tag_cfg.get("hf_hub", "")).rpartition("/")
    if repo:
        return hub_files.fetch_file(repo, [file] if file else _HUB_WEIGHTS)
    try:
        return Path(open_clip.download_pretrained(tag_cfg))
    except (OSError, RuntimeError) as error:
        raise ModelError(
            f"the weights {arch}/{tag} could not be fetched ({error}): try again, or give a file"
        ) from error
