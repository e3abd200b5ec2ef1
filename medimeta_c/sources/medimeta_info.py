"""MedIMeta's info.yaml: which task is read, what its classes are called, what the dataset says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medimeta_c.errors import ConfigError, SourceError, printable, short, unknown_name
from medimeta_c.sources.catalog import CatalogEntry
from medimeta_c.sources.files import text_field

__all__ = [
    "Task",
    "channels_of",
    "citation_of",
    "class_names_of",
    "homepage_of",
    "select_task",
    "split_sizes",
]

_SINGLE_LABEL = ("BINARY_CLASSIFICATION", "MULTICLASS_CLASSIFICATION", "ORDINAL_REGRESSION")
_MULTILABEL = "MULTILABEL_CLASSIFICATION"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One entry of `tasks`: a column of labels.

    Parameters
    ----------
    name : str
        Also the name of its label file, hence free of path parts.
    target : str
        What kind of labels, e.g. ``"MULTICLASS_CLASSIFICATION"``.
    labels : object
        Label to class name, as the file has it, unchecked.
    """

    name: str
    target: str
    labels: object

    @property
    def single_label(self) -> bool:
        """Whether an image has exactly one of the classes."""
        return self.target in _SINGLE_LABEL


def select_task(
    path: Path, fields: Mapping[str, Any], record: CatalogEntry | None, wanted: str | None
) -> Task:
    """Return the task to read: the one asked for, else the catalogue's, else the only single-label one.

    Parameters
    ----------
    path : pathlib.Path
        The info.yaml, for messages.
    fields : mapping
        Its contents.
    record : CatalogEntry or None
        The catalogue's entry, if the dataset is a known one.
    wanted : str or None
        The name asked for.

    Raises
    ------
    ConfigError
        If the task asked for does not exist or is not single-label, or none was and several would do.
    SourceError
        If the file's list of tasks is not in MedIMeta's form.
    """
    tasks = {task.name: task for task in _tasks(path, fields)}
    single = [task.name for task in tasks.values() if task.single_label]
    if wanted is not None:
        if wanted not in tasks:
            raise unknown_name(f"task in {path}", wanted, tasks)
        return _usable(path, tasks[wanted], single)
    if record is not None and record.task in single:
        return tasks[record.task]
    if len(single) == 1:
        return tasks[single[0]]
    if not single:
        return _usable(path, next(iter(tasks.values())), single)
    raise ConfigError(f"{path} has {len(single)} tasks: choose one with --task ({_listed(single)})")


def _usable(path: Path, task: Task, single: list[str]) -> Task:
    if task.single_label:
        return task
    reason = (
        "is multi-label, and an image here has exactly one class"
        if task.target == _MULTILABEL
        else f"has target {task.target}, which is not a classification"
    )
    choice = f"choose one with --task ({_listed(single)})" if single else "it has no single-label task"
    raise ConfigError(f"task {task.name!r} in {path} {reason}: {choice}")


def _listed(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _tasks(path: Path, fields: Mapping[str, Any]) -> Iterator[Task]:
    entries = fields.get("tasks")
    if not isinstance(entries, list) or not entries:
        raise SourceError(f"{path} has no list of tasks: restore or correct it")
    for entry in entries:
        if not isinstance(entry, dict):
            raise SourceError(f"{path} has a task that is not a mapping ({short(entry)}): correct it")
        name, target = entry.get("task_name"), entry.get("task_target")
        if not isinstance(name, str) or not isinstance(target, str):
            raise SourceError(f"{path} has a task without task_name or task_target: correct it")
        if not name or name.startswith(".") or any(char in "/\\:" or ord(char) < 32 for char in name):
            raise SourceError(f"{path} has task name {name!r}, which cannot name a label file: correct it")
        yield Task(name=name, target=target, labels=entry.get("labels"))


def class_names_of(path: Path, task: Task) -> tuple[str, ...]:
    """Return a task's class names in label order.

    Raises
    ------
    SourceError
        If `labels` is not a mapping of 0, 1, … to distinct names. Keys may be integers or digits in quotes.
    """
    where = f"{path}, task {task.name!r}"
    if not isinstance(task.labels, dict) or not task.labels:
        raise SourceError(f"{where}: labels is not a mapping of numbers to class names: correct it")
    names = {_label(where, key): _class_name(where, name) for key, name in task.labels.items()}
    if len(names) != len(task.labels) or sorted(names) != list(range(len(names))):
        keys = ", ".join(str(key) for key in task.labels)
        raise SourceError(f"{where}: labels are {keys} where 0, 1, 2, … without gaps are needed: correct it")
    ordered = tuple(names[label] for label in range(len(names)))
    if len(set(ordered)) != len(ordered):
        raise SourceError(f"{where}: two classes have the same name ({', '.join(ordered)}): correct it")
    return ordered


def _label(where: str, key: object) -> int:
    if isinstance(key, int) and not isinstance(key, bool):
        return key
    if isinstance(key, str) and key.isascii() and key.isdecimal():
        return int(key)
    raise SourceError(f"{where}: label {key!r} is not a whole number: correct it")


def _class_name(where: str, name: object) -> str:
    # YAML reads an unquoted `no` or `null` as False or None: the name itself is lost.
    if isinstance(name, bool) or not isinstance(name, (str, int, float)) or not str(name).strip():
        raise SourceError(f"{where}: class name {name!r} is not a text: put it in quotes")
    return printable(name)


def channels_of(path: Path, fields: Mapping[str, Any]) -> int | None:
    """Return 1 or 3, the first number of `input_size`, or None if the file does not say."""
    size = fields.get("input_size")
    if size is None:
        return None
    if not isinstance(size, list) or not size or size[0] not in (1, 3):
        raise SourceError(f"{path} has input_size {size}, which is not [1 or 3, height, width]: correct it")
    return int(size[0])


def split_sizes(path: Path, fields: Mapping[str, Any]) -> dict[str, int]:
    """Return `splits_num_samples`, or an empty mapping if the file does not say."""
    sizes = fields.get("splits_num_samples")
    if sizes is None:
        return {}
    if not isinstance(sizes, dict) or not all(type(size) is int for size in sizes.values()):
        raise SourceError(f"{path} has splits_num_samples that are not whole numbers: correct it")
    return {str(split): size for split, size in sizes.items()}


def citation_of(fields: Mapping[str, Any], record: CatalogEntry | None) -> str:
    """Return the references the dataset itself gives, one a line, else the catalogue's."""
    entries = fields.get("original_data")
    originals = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    lines = [line for entry in originals for line in _references(entry)]
    if doi := text_field(fields, "DOI"):
        lines.append(f"MedIMeta. {_doi_address(doi)}")
    if lines:
        return "\n".join(dict.fromkeys(lines))
    return record.citation if record else ""


def _references(entry: Mapping[str, Any]) -> list[str]:
    given = entry.get("citations")
    if isinstance(given, dict):
        given = list(given.values())
    if isinstance(given, list):
        lines = [printable(line) for line in given if isinstance(line, str) and line.strip()]
        if lines:
            return lines
    parts = (text_field(entry, name) for name in ("authors", "title", "url"))
    text = ". ".join(part.rstrip(".") for part in parts if part)
    return [text] if text else []


def homepage_of(fields: Mapping[str, Any], record: CatalogEntry | None) -> str:
    """Return where the dataset is published, by its own account or the catalogue's."""
    if doi := text_field(fields, "DOI"):
        return _doi_address(doi)
    originals = fields.get("original_data")
    first = originals[0] if isinstance(originals, list) and originals else None
    own = text_field(fields, "project_website", "download_url")
    if not own and isinstance(first, dict):
        own = text_field(first, "url")
    return own or (record.homepage if record else "")


def _doi_address(doi: str) -> str:
    return doi if doi.startswith("http") else f"https://doi.org/{doi}"
