"""Checkpoints: read without running code, loaded completely or not at all, identified by a digest."""

from __future__ import annotations

import contextlib
import hashlib
import io
import mmap
import pickletools
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from medimeta_c.errors import ModelError, short

__all__ = [
    "StateDict",
    "drop_position_ids",
    "key_error",
    "load_pretrained",
    "load_strictly",
    "named_tensors",
    "read_checkpoint",
    "read_saved",
    "refuse_misfit",
    "strip_prefix",
    "weights_sha256",
]

StateDict = dict[str, torch.Tensor]

_KEYS_SHOWN = 5
_HARMLESS = re.compile(
    r"collections\.OrderedDict|torch\._utils\._rebuild_\w+|torch\._tensor\._rebuild_from_type_v2"
    r"|torch(?:\.storage)?\.\w*Storage|torch\.(?:Size|Tensor|device|bool|[a-z]+\d\w*)"
)
"""What a pickled table of tensors names, the types of numbers last."""

_UNKNOWN = "?"
_ZIP = b"PK\x03\x04"

_HINT = "check that the configuration and the checkpoint belong together"


def read_checkpoint(path: Path) -> StateDict:
    """Read named tensors from safetensors, or from a torch file without unpickling objects.

    A table under the key ``state_dict`` is unwrapped, and a ``module.`` in front of every name (left by
    data-parallel training) is dropped.

    Raises
    ------
    ModelError
        If the file is missing, damaged, would have to run code, or holds no table of tensors.
    """
    content = read_saved(path)
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    return named_tensors(content, path)


def read_saved(path: Path) -> Any:
    """Read what a ``.safetensors`` or a torch file holds, without unpickling objects.

    Raises
    ------
    ModelError
        If the file is missing, damaged, or would have to run code.
    """
    if not path.is_file():
        raise ModelError(f"there is no checkpoint at {path}: name the file or folder that holds the weights")
    return _read_safetensors(path) if _is_safetensors(path) else _read_torch(path)


def named_tensors(content: object, path: Path) -> StateDict:
    """Return the tensors of a table, without the ``module.`` in front of every name, if it is there.

    Raises
    ------
    ModelError
        If it is no table of tensors by name.
    """
    table = content if isinstance(content, Mapping) else {}
    if not table or not all(isinstance(key, str) and _is_plain(value) for key, value in table.items()):
        raise ModelError(
            f"{path} holds no table of named tensors: a checkpoint must be a state dict, alone or under "
            "the key 'state_dict'"
        )
    state: StateDict = dict(table)
    return strip_prefix(state, "module.") if all(key.startswith("module.") for key in state) else state


def _is_safetensors(path: Path) -> bool:
    """Return whether a file is safetensors by its name, or by its header: some are published as ``.pt``."""
    with path.open("rb") as file:
        return path.suffix == ".safetensors" or file.read(9)[8:] == b"{"


def _read_safetensors(path: Path) -> StateDict:
    """Read a safetensors file."""
    try:
        return dict(load_file(path))
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"{path} is damaged or not safetensors ({short(error)}): download it again"
        ) from error


def _read_torch(path: Path) -> object:
    """Read a torch file with the restricted unpickler."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file may raise any error
        if isinstance(error, RuntimeError) and "TorchScript" in str(error):
            raise ModelError(
                f"{path} is a TorchScript program, not a table of weights, so it was not opened: save its "
                "state dict as safetensors, or name the model by its open_clip tag (ViT-B-16/openai)"
            ) from error
        if _would_run_code(path):
            raise ModelError(
                f"{path} is a pickle that would run code when opened, so it was not opened: get the weights "
                "as safetensors, or save the state dict alone with a tool you trust"
            ) from error
        raise ModelError(f"{path} is damaged or not a torch checkpoint: download it again") from error


def _is_plain(value: object) -> bool:
    """Return whether a value is a tensor whose numbers are all there: not sparse, and not without storage."""
    return isinstance(value, torch.Tensor) and value.layout == torch.strided and value.device.type == "cpu"


def _would_run_code(path: Path) -> bool:
    """Return whether a pickle names a function or class that no table of tensors has.

    Read off its instructions, none of which runs: PyTorch's message about them changes with its version.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if content[:4] != _ZIP:
                return _names_code(content)  # type: ignore[arg-type]  # it reads as a file does
            with zipfile.ZipFile(file) as archive:
                members = [name for name in archive.namelist() if name.endswith("data.pkl")]
                return any(_names_code(io.BytesIO(archive.read(name))) for name in members)
    except (OSError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error, EOFError):
        return False  # neither an archive nor pickles


def _names_code(stream: IO[bytes]) -> bool:
    """Return whether the pickles of a stream name anything but the parts of tensors."""
    return any(_HARMLESS.fullmatch(name) is None for name in _globals(stream))


def _globals(stream: IO[bytes]) -> Iterator[str]:
    """Yield the dotted names in a stream's pickles; ``?`` for one that cannot be read off."""
    with contextlib.suppress(ValueError, IndexError):  # where the pickles end, or are cut
        while True:  # older files are several pickles, one after the other, then bytes
            words: list[str] = []  # the texts on top of the stack
            memo: dict[int, str] = {}
            for opcode, argument, _ in pickletools.genops(stream):
                kind = opcode.name
                if kind.endswith(("UNICODE", "UNICODE8", "STRING")):
                    words.append(str(argument))
                elif kind in {"GET", "BINGET", "LONG_BINGET"}:
                    words.append(memo.get(int(argument or 0), _UNKNOWN))
                elif kind in {"MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"}:
                    place = len(memo) if argument is None else int(argument)
                    memo[place] = words[-1] if words else _UNKNOWN
                else:
                    if kind == "GLOBAL":
                        yield str(argument).replace(" ", ".")
                    elif kind == "STACK_GLOBAL":
                        yield ".".join(words[-2:]) if len(words) > 1 else _UNKNOWN
                    elif kind in {"INST", "OBJ", "EXT1", "EXT2", "EXT4"}:
                        yield _UNKNOWN
                    words = []


def strip_prefix(state: Mapping[str, torch.Tensor], prefix: str) -> StateDict:
    """Return the tensors whose name starts with `prefix`, without it."""
    return {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}


def load_strictly(
    module: torch.nn.Module, state: Mapping[str, torch.Tensor], where: object, hint: str = _HINT
) -> None:
    """Load every tensor of `state` into `module`, each at its own name and shape.

    One thing may differ: checkpoints saved with transformers before 4.31 hold the constant
    ``position_ids`` (0, 1, 2, …), which modules no longer keep. It is dropped after its values are checked.

    Raises
    ------
    ModelError
        If a tensor is missing, left over, of another shape, or of integers where the module has fractions.
    """
    own = module.state_dict()
    given = {**drop_position_ids(state), **{key: state[key] for key in own.keys() & state.keys()}}
    refuse_misfit(own, given, where, hint)
    module.load_state_dict(given, strict=True)


def refuse_misfit(
    own: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor], where: object, hint: str
) -> None:
    """Refuse tensors that are not, name by name, of the shapes and kinds of one's own.

    Raises
    ------
    ModelError
        If a tensor is missing, left over, of another shape, or of integers where the module has fractions.
    """
    mismatched = {key for key in own.keys() & given.keys() if not _alike(own[key], given[key])}
    if mismatched or own.keys() != given.keys():
        raise key_error(where, own.keys() - given.keys(), given.keys() - own.keys(), mismatched, hint)


def load_pretrained(kind: Any, config: Any, state: StateDict, where: object) -> Any:
    """Build a transformers model and load a checkpoint into it, under the names of its time, strictly.

    Parameters
    ----------
    kind : type
        Of the model; a ``PreTrainedModel``.
    config : PretrainedConfig
        Its configuration.
    state : dict of str to torch.Tensor
        The checkpoint.
    where : object
        The checkpoint, for messages.

    Raises
    ------
    ModelError
        If a tensor is missing, left over, of another shape, or of integers where the module has fractions.
    """
    module, report = kind.from_pretrained(
        None,
        config=config,
        state_dict=state,
        dtype=torch.float32,
        ignore_mismatched_sizes=True,  # so that they are reported, and refused here with the other keys
        output_loading_info=True,
    )
    mismatched = {entry if isinstance(entry, str) else entry[0] for entry in report["mismatched_keys"]}
    mismatched |= {
        name for name, own in module.named_parameters() if name in state and not _alike(own, state[name])
    }
    if report["missing_keys"] or report["unexpected_keys"] or mismatched:
        raise key_error(where, report["missing_keys"], report["unexpected_keys"], mismatched)
    return module


def _alike(own: torch.Tensor, given: torch.Tensor) -> bool:
    """Return whether a tensor can take another's place: quantised weights, say, are no weights."""
    return own.shape == given.shape and own.is_floating_point() == given.is_floating_point()


def drop_position_ids(state: Mapping[str, torch.Tensor]) -> StateDict:
    """Return the tensors without the constants called ``position_ids``, where they count up from 0."""
    return {key: value for key, value in state.items() if not _is_position_ids(key, value)}


def _is_position_ids(key: str, value: torch.Tensor) -> bool:
    """Return whether an entry is the constant row of positions."""
    if key.rpartition(".")[2] != "position_ids" or value.is_floating_point():
        return False
    return torch.equal(value.flatten(), torch.arange(value.numel(), dtype=value.dtype))


def key_error(
    where: object,
    missing: Iterable[str],
    unexpected: Iterable[str],
    mismatched: Iterable[str] = (),
    hint: str = _HINT,
) -> ModelError:
    """Return the error for a checkpoint that does not fit, naming up to five keys of each kind."""
    kinds = {"missing": missing, "unexpected": unexpected, "of another shape or type": mismatched}
    parts = []
    for kind, keys in kinds.items():
        names = sorted(keys)
        if names:
            shown = ", ".join(names[:_KEYS_SHOWN]) + (", …" if len(names) > _KEYS_SHOWN else "")
            parts.append(f"{len(names)} {kind} ({shown})")
    return ModelError(
        f"the weights of {where} do not fit the model's architecture: {'; '.join(parts)}; {hint}"
    )


def weights_sha256(state: Mapping[str, torch.Tensor]) -> str:
    """Digest a checkpoint's floating-point tensors: name, dtype, shape and bytes, in the order of the names.

    Integer tensors are constants and counters that library versions add and drop; they are left out.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach()
        if tensor.is_floating_point():
            digest.update(f"{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
            digest.update(tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
