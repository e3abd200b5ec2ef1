"""RobustMedCLIP: a base model with low-rank adapters folded into its image tower.

References
----------
Imam et al., "On the Robustness of Medical Vision-Language Models: Are they Truly Generalizable?", MIUA 2025.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from medimeta_c.errors import ConfigError, ModelError
from medimeta_c.lora.adapterfile import RECORD, TENSORS, apply_adapter, read_adapter
from medimeta_c.lora.adapters import Adapters
from medimeta_c.lora.published import BIOMEDCLIP, PUBLISHED_FILES, default_base, fold_published
from medimeta_c.lora.record import AdapterRecord
from medimeta_c.models import hub_files, load_model
from medimeta_c.models.libraries import local_only
from medimeta_c.models.torch_model import TorchModel
from medimeta_c.models.weights import read_checkpoint

__all__ = ["adapted_spec", "adapter_record", "load_robustmedclip", "open_adapters"]

_PREFIX = "robustmedclip:"
_OVERRIDE = "+base="
_NOT_FROM_A_FILE = ("python", "robustmedclip", "model")
_PINNED = (
    "hf-hub:",
    "transformers:",
    "flair:",
    "pmc-clip:",
    "biovil-t:",
    "medimageinsight:",
    "conch:",
    "keep:",
    "musk:",
)
_HUB_PLACE = re.compile(r"([\w.-]+/[\w.-]+)((?:/[\w.-]+)*)(?:@([\w./-]+))?")


def adapted_spec(folder: Path, base_spec: str) -> str:
    """Return the spec that loads the adapters in `folder`; it names a base that the file may not choose."""
    spec = f"{_PREFIX}{folder}"
    return spec if _may_choose(base_spec) else f"{spec}{_OVERRIDE}{base_spec}"


def load_robustmedclip(spec: str, target: str) -> TorchModel:
    """Load ``robustmedclip:PATH_OR_REPO[+base=SPEC]``, the adapters merged into the base.

    A repository on the Hub may have them in a folder: ``ORG/NAME/FOLDER/…[@REVISION]``. What lies there is
    either this package's ``adapter.json`` and ``adapter.safetensors``, or what the paper's authors published:
    ``model.pth``, or ``lora_weights.safetensors``. A file may be named, or its folder.

    Parameters
    ----------
    spec : str
        The whole spec.
    target : str
        What follows the prefix. Without ``+base=SPEC`` the base is the one ``adapter.json`` names; for
        published files, BiomedCLIP or MedCLIP's ResNet-50.

    Raises
    ------
    ConfigError
        If the override is empty or no model spec.
    ModelError
        If files are missing or damaged, the base cannot be loaded, or the adapters belong to another model.
    """
    file, base_spec = _located(spec, target)
    if file.name == RECORD:
        adapters, record = _attached(spec, file.parent, base_spec)
        adapters.merge()
        model, lora = adapters.model, adapters.report()
        seen = record.training.corruptions if record.training else ()
        what = f"LoRA of rank {lora.rank} on {', '.join(lora.targets)} of {lora.layers} layers"
    else:
        state, seen = read_checkpoint(file), ()
        model = _load_base(base_spec or default_base(state, file), spec, chosen=bool(base_spec), fetch=True)
        what = fold_published(model, state, file)
    model.identity = model.identity.model_copy(
        update={
            "spec": spec,
            "family": "robustmedclip",
            "revision": hub_files.commit_of(file),
            "architecture": f"{model.identity.architecture}; {what}",
            "trained_corruptions": seen,
        }
    )
    return model


def open_adapters(spec: str) -> Adapters:
    """Load this package's own adapters onto their base, without merging them.

    Parameters
    ----------
    spec : str
        As for `load_robustmedclip`, prefix included.

    Raises
    ------
    ConfigError
        If the spec is of another form, or names a published checkpoint.
    ModelError
        As `load_robustmedclip` raises it.
    """
    file, base_spec = _located(spec, spec.removeprefix(_PREFIX) if spec.startswith(_PREFIX) else "")
    if file.name != RECORD:
        raise ConfigError(
            f"{file} is a checkpoint published with the paper, not a folder that `medimeta-c finetune` wrote"
        )
    return _attached(spec, file.parent, base_spec)[0]


def adapter_record(spec: str) -> AdapterRecord | None:
    """Return what a folder of adapters says of them; None for a checkpoint published with the paper.

    Parameters
    ----------
    spec : str
        As for `load_robustmedclip`, prefix included.

    Raises
    ------
    ConfigError, ModelError
        As `load_robustmedclip` raises them.
    """
    file, _ = _located(spec, spec.removeprefix(_PREFIX))
    return read_adapter(file.parent).record if file.name == RECORD else None


def _located(spec: str, target: str) -> tuple[Path, str]:
    """Return the file that holds the adapters, and the base that the user named, empty for none."""
    place, override, base_spec = target.partition(_OVERRIDE)
    if not place or (override and not base_spec):
        raise ConfigError(f"{spec!r} is not of the form {_PREFIX}PATH_OR_REPO[{_OVERRIDE}SPEC]")
    return _find(place), base_spec


def _attached(spec: str, folder: Path, base_spec: str) -> tuple[Adapters, AdapterRecord]:
    """Return adapters of this package's format, on their base, and their record."""
    adapter = read_adapter(folder)
    recorded = base_spec or _recorded_base(adapter.record, folder)
    known = recorded.partition("@")[0] == BIOMEDCLIP
    model = _load_base(recorded, spec, chosen=bool(base_spec), fetch=bool(base_spec) or known)
    return apply_adapter(model, adapter), adapter.record


def _find(place: str) -> Path:
    """Return ``adapter.json`` or the published file that a path or repository holds."""
    path = Path(place).expanduser()
    if path.is_file():
        return path.parent.resolve() / RECORD if path.name in {RECORD, TENSORS} else path.resolve()
    names = (RECORD, *PUBLISHED_FILES)
    if path.is_dir():
        for name in names:
            if (path / name).is_file():
                return path.resolve() / name
        raise ModelError(
            f"{path} holds no adapters (looked for {', '.join(names)}): name the folder that "
            "`medimeta-c finetune` wrote, or that of a published checkpoint"
        )
    return _from_hub(place, names)


def _from_hub(place: str, names: tuple[str, ...]) -> Path:
    """Return the file that a repository has at its top, or in a folder of it."""
    match = _HUB_PLACE.fullmatch(place)
    if match is None or {".", ".."} & set(match[2].split("/")):
        raise ModelError(f"there is no file or folder {place}, and it is no Hub name like org/name")
    repo, below, revision = match.groups()
    folder, _, last = below[1:].rpartition("/")
    if last in {*names, TENSORS}:
        names = (RECORD,) if last == TENSORS else (last,)
    else:
        folder = below[1:]
    inside = f"{folder}/" if folder else ""
    try:
        file = hub_files.fetch_file(repo, [inside + name for name in names], revision)
    except ModelError as error:
        raise ModelError(f"there is no file or folder {place} here; on the Hub: {error}") from error
    if file.name == RECORD:
        hub_files.fetch_file(repo, [inside + TENSORS], hub_files.commit_of(file) or revision)
    return file


def _recorded_base(record: AdapterRecord, folder: Path) -> str:
    """Return the spec that ``adapter.json`` names, at its revision, if a file may choose it.

    One that came from the Hub may not choose what is read of this machine.
    """
    base = record.base
    downloaded = hub_files.commit_of(folder / RECORD) is not None
    if not _may_choose(base.spec) or (downloaded and _is_here(base.spec)):
        raise ModelError(
            f"{folder / RECORD} names {base.spec} as the base, which is loaded only when you ask for it "
            f"yourself: robustmedclip:{folder}{_OVERRIDE}{base.spec}"
        )
    pinned = base.revision and base.spec.startswith(_PINNED) and "@" not in base.spec
    return f"{base.spec}@{base.revision}" if pinned else base.spec


def _may_choose(base_spec: str) -> bool:
    """Return whether a file may name this base: one that runs code, or is adapted itself, is the user's."""
    return base_spec.partition(":")[0] not in _NOT_FROM_A_FILE


def _is_here(base_spec: str) -> bool:
    """Return whether a spec names a place on this machine."""
    prefix, _, target = base_spec.partition(":")
    places = filter(None, (target, target.partition("@")[2], base_spec.partition("/")[2]))
    return prefix == "local-dir" or any(_exists(Path(place)) for place in places)


def _exists(path: Path) -> bool:
    try:
        return path.expanduser().exists()
    except (OSError, RuntimeError):  # too long a name, or nobody's home
        return False


def _load_base(base_spec: str, spec: str, *, chosen: bool, fetch: bool) -> TorchModel:
    """Load the base model; `chosen` says that the user named it, `fetch` that it may come from the Hub."""
    try:
        with contextlib.nullcontext() if fetch else local_only():
            model = load_model(base_spec)
    except (ConfigError, ModelError) as error:
        if chosen:
            raise
        if not fetch and not _is_here(base_spec):
            raise ModelError(
                f"the base model {base_spec} of {spec} did not load from this machine ({error}), and a file "
                f"may not choose what is fetched: to fetch it, name it as {spec}{_OVERRIDE}{base_spec}"
            ) from error
        raise ModelError(
            f"the base model {base_spec} of {spec} did not load: {error}; if you have it elsewhere, name it "
            f"as {spec}{_OVERRIDE}SPEC"
        ) from error
    if not isinstance(model, TorchModel):
        raise ModelError(
            f"the base model {base_spec} of {spec} is a model of your own, which takes no adapters"
        )
    return model
