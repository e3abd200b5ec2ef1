"""Outputs of a trained head: their names, and which of them stand for the classes of a dataset."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from medimeta_c.errors import ModelError
from medimeta_c.io.reading import Reader

__all__ = ["check_outputs", "matched", "outputs_of", "split_classes"]

_OPTION = "+classes="
_SHOWN = 8
_READER = Reader(
    remedy="write a YAML or JSON list of names there, in the order of the outputs", error=ModelError
)


def split_classes(target: str) -> tuple[str, Path | None]:
    """Split ``TARGET+classes=FILE``; the file is None when not given."""
    before, option, file = target.rpartition(_OPTION)
    return (before, Path(file).expanduser()) if option else (target, None)


def outputs_of(spec: str, count: int, file: Path | None, own: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return the names of a head's outputs: of a file, else those that the model's configuration gives.

    Parameters
    ----------
    spec : str
        What messages call the model.
    count : int
        How many outputs there are.
    file : Path or None
        A YAML or JSON list of names, in the order of the outputs.
    own : sequence of str, optional
        The names of the configuration.

    Raises
    ------
    ModelError
        If there are no names, or not one for each output, or two are equal.
    """
    if file is None and not own:
        raise ModelError(
            f"{spec} does not name the {count} outputs of its head: write their names, in their order, to a "
            f"file as a YAML or JSON list, and add {_OPTION}FILE to the model"
        )
    names = _read(file) if file is not None else check_outputs(spec, own or ())
    if len(names) != count:
        where = spec if file is None else str(file)
        raise ModelError(f"{where} names {len(names)} outputs, and the head has {count}: name each of them")
    return names


def _read(path: Path) -> tuple[str, ...]:
    """Read a list of names."""
    names = _READER.values(path, yaml=True)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ModelError(
            f"{path} holds no list of names: write the names of the head's outputs there, in their order "
            "(in quotes what YAML reads as a number or as yes and no)"
        )
    return check_outputs(str(path), names)


def check_outputs(where: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of a head's outputs; raises ModelError if one is empty or there twice."""
    if not all(isinstance(name, str) and name.strip() for name in names):
        raise ModelError(f"{where} gives an output without a name: give a text for each")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ModelError(f"{where} names the output {twice[0]!r} twice: names must differ")
    return tuple(names)


def matched(
    spec: str, outputs: Sequence[str] | None, count: int, dataset: str, class_names: Sequence[str]
) -> tuple[int, ...]:
    """Return which of a head's outputs stands for each class of a dataset.

    Names are equal if they differ only in case, or in spaces, ``_`` and ``-``. A head may have outputs that
    stand for no class. Outputs without names are taken by position, if they are as many as the classes.

    Parameters
    ----------
    spec : str
        What messages call the model.
    outputs : sequence of str or None
        Names of the outputs, in their order.
    count : int
        How many outputs there are.
    dataset : str
        The dataset.
    class_names : sequence of str
        Its K classes, in label order.

    Returns
    -------
    tuple of int
        K indices of outputs, in label order.

    Raises
    ------
    ModelError
        If a class has no output, or not one of its own.
    """
    if outputs is None:
        if count != len(class_names):
            raise ModelError(
                f"the head of {spec} has {count} outputs without names, and {dataset} has {len(class_names)} "
                "classes: name the outputs, or score a dataset of as many classes"
            )
        return tuple(range(count))
    found = [_index(name, outputs) for name in class_names]
    missing = [name for name, at in zip(class_names, found, strict=True) if at is None]
    if missing:
        raise ModelError(
            f"the head of {spec} has no output for {_listed(missing)} of {dataset} (its outputs: "
            f"{_listed(outputs)}): name the outputs as the dataset names its classes"
        )
    columns = tuple(at for at in found if at is not None)
    if len(set(columns)) < len(columns):
        shared = [name for name, at in zip(class_names, found, strict=True) if columns.count(at or 0) > 1]
        raise ModelError(
            f"the head of {spec} has one output for {_listed(shared)} of {dataset}: name the outputs exactly "
            "as the dataset names its classes"
        )
    return columns


def _index(name: str, outputs: Sequence[str]) -> int | None:
    """Return the output of this name, else the only one of nearly this name."""
    if name in outputs:
        return list(outputs).index(name)
    near = [index for index, other in enumerate(outputs) if _bare(other) == _bare(name)]
    return near[0] if len(near) == 1 else None


def _bare(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def _listed(names: Sequence[str]) -> str:
    more = ", …" if len(names) > _SHOWN else ""
    return ", ".join(map(repr, names[:_SHOWN])) + more
