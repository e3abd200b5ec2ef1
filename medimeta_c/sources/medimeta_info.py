"""Read MedIMeta's info.yaml: the task, its class names, and the dataset's description."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from medimeta_c.errors import ConfigError, Remedy, SourceError, printable, unknown_name
from medimeta_c.format.dataset import DatasetInfo
from medimeta_c.io.reading import Reader
from medimeta_c.io.records import Record

__all__ = ["MedimetaInfo", "MedimetaTask", "read_info"]

_SINGLE_LABEL = ("BINARY_CLASSIFICATION", "MULTICLASS_CLASSIFICATION", "ORDINAL_REGRESSION")
_MULTILABEL = "MULTILABEL_CLASSIFICATION"
_READER = Reader(remedy="restore or correct it", error=SourceError, aliases=True)


def _line(value: Any) -> str:
    """Return a text as one line; what is no text says nothing."""
    return printable(value) if isinstance(value, str) else ""


def _lines(value: Any) -> tuple[str, ...]:
    """Return the texts of a list, or of a mapping, as lines."""
    values = list(value.values()) if isinstance(value, dict) else value
    return tuple(filter(None, map(_line, values))) if isinstance(values, list) else ()


def _mappings(value: Any) -> tuple[Any, ...]:
    """Return those of a list that are mappings."""
    return tuple(one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()


def _file_stem(name: str) -> str:
    if not name or name.startswith(".") or any(char in "/\\:" or ord(char) < 32 for char in name):
        raise ValueError(f"{name!r} cannot name a label file")
    return name


_Line = Annotated[str, BeforeValidator(_line)]


class _Part(Record, extra="ignore"):
    """Some of what a file says; MedIMeta's have more."""


class MedimetaTask(_Part):
    """One entry of `tasks`: a column of labels.

    Attributes
    ----------
    name : str
        Also the name of its label file, hence free of path parts.
    target : str
        What kind of labels, e.g. ``"MULTICLASS_CLASSIFICATION"``.
    labels : object
        Label to class name, as the file has it, unchecked.
    """

    name: Annotated[str, Field(alias="task_name"), AfterValidator(_file_stem)]
    target: Annotated[str, Field(alias="task_target")]
    labels: Any = None

    @property
    def single_label(self) -> bool:
        """Whether an image has exactly one of the classes."""
        return self.target in _SINGLE_LABEL

    def classes(self, path: Path) -> dict[int, str]:
        """Return the class names by label, in label order; `path` is for messages.

        Raises
        ------
        SourceError
            If `labels` is not a mapping of numbers to distinct names. Keys may be integers or digits in
            quotes, and numbers may be left out.
        """
        where = f"{path}, task {self.name!r}"
        if not isinstance(self.labels, dict) or not self.labels:
            raise SourceError(f"{where}: labels is not a mapping of numbers to class names: correct it")
        for key, name in self.labels.items():
            if not (key.isascii() and key.isdecimal()):
                raise SourceError(f"{where}: label {key!r} is not a whole number: correct it")
            # YAML reads an unquoted `no` or `null` as False or None: the name itself is lost.
            if isinstance(name, bool) or not isinstance(name, str | int | float) or not str(name).strip():
                raise SourceError(f"{where}: class name {name!r} is not a text: put it in quotes")
        names = {int(key): printable(name) for key, name in self.labels.items()}
        if len(names) != len(self.labels):
            raise SourceError(f"{where}: duplicate number in labels {', '.join(self.labels)}: correct it")
        ordered = dict(sorted(names.items()))
        if len(set(ordered.values())) != len(ordered):
            raise SourceError(
                f"{where}: two classes have the same name ({', '.join(ordered.values())}): correct it"
            )
        return ordered


class _Original(_Part):
    """Data that the dataset was made from."""

    authors: _Line = ""
    title: _Line = ""
    url: _Line = ""
    citations: Annotated[tuple[str, ...], BeforeValidator(_lines)] = ()

    @property
    def references(self) -> tuple[str, ...]:
        """Its citations, or what there is of author, title and address."""
        parts = (part.rstrip(".") for part in (self.authors, self.title, self.url) if part)
        return self.citations or tuple(filter(None, [". ".join(parts)]))


class MedimetaInfo(_Part):
    """What is used of an info.yaml."""

    id: Any = None
    title: Annotated[_Line, Field(alias="name")] = ""
    domain: _Line = ""
    license: _Line = ""
    doi: Annotated[_Line, Field(alias="DOI")] = ""
    project_website: _Line = ""
    download_url: _Line = ""
    tasks: Annotated[tuple[MedimetaTask, ...], Field(min_length=1)]
    input_size: tuple[Literal[1, 3], int, int] | None = None
    splits_num_samples: Mapping[str, int] | None = None
    original_data: Annotated[tuple[_Original, ...], BeforeValidator(_mappings)] = ()

    @property
    def channels(self) -> Literal[1, 3] | None:
        """1 or 3, the first number of `input_size`, or None if the file does not say."""
        return self.input_size[0] if self.input_size else None

    @property
    def address(self) -> str:
        """The dataset's DOI as an address."""
        return self.doi if not self.doi or self.doi.startswith("http") else f"https://doi.org/{self.doi}"

    @property
    def citation(self) -> str:
        """The references the dataset gives, one a line."""
        lines = [line for one in self.original_data for line in one.references]
        return "\n".join(dict.fromkeys(lines + [f"MedIMeta. {self.address}"] * bool(self.doi)))

    @property
    def homepage(self) -> str:
        """Where the dataset is published, by its own account."""
        first = self.original_data[0].url if self.original_data else ""
        return self.address or self.project_website or self.download_url or first

    def task(self, path: Path, known: DatasetInfo | None, wanted: str | None) -> MedimetaTask:
        """Return the task to read: the one asked for, else the catalogue's, else the only single-label one.

        Parameters
        ----------
        path : pathlib.Path
            The info.yaml, for messages.
        known : DatasetInfo or None
            The catalogue's entry, if the dataset is a known one.
        wanted : str or None
            The name asked for.

        Raises
        ------
        ConfigError
            If the task asked for does not exist or is not single-label, or none was and several would do.
        """
        tasks = {task.name: task for task in self.tasks}
        single = [name for name, task in tasks.items() if task.single_label]
        if wanted is not None and wanted not in tasks:
            raise unknown_name(f"task in {path}", wanted, tasks)
        if wanted is None and known is not None and known.task in single:
            wanted = known.task
        if wanted is None and len(single) > 1:
            raise ConfigError(f"{path} has {len(single)} tasks", remedy=_choice(single))
        task = tasks[wanted or next(iter([*single, *tasks]))]
        if task.single_label:
            return task
        reason = (
            "is multi-label, and an image here has exactly one class"
            if task.target == _MULTILABEL
            else f"has target {task.target}, which is not a classification"
        )
        if not single:
            reason = f"{reason}, and it has no single-label task"
        raise ConfigError(f"task {task.name!r} in {path} {reason}", remedy=_choice(single) if single else ())


def _choice(tasks: list[str]) -> Remedy:
    return Remedy("choose one with {task} ({0})", _listed(tasks))


def _listed(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names)


def read_info(path: Path) -> MedimetaInfo:
    """Read an info.yaml; raises SourceError if it is not in MedIMeta's form."""
    # A date is a text here, like everything else that is not used.
    values = json.loads(json.dumps(_READER.values(path), default=str))
    return _READER.record(values, MedimetaInfo, path)
