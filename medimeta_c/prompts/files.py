"""Files of template sets: YAML read strictly, so that no line of one is without effect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medimeta_c.errors import ConfigError
from medimeta_c.format.keys import check_name
from medimeta_c.io.reading import Reader
from medimeta_c.prompts.texts import check_template, check_text, kind_of

__all__ = ["DatasetWords", "PromptSet", "parse_prompt_sets", "read_prompt_file"]

FORMAT_VERSION = 1
"""The ``version`` a file must state."""

DEFAULT_BASE = "paper"
"""The set that a file extends when it does not say."""

_TOP = ("version", "name", "revision", "description", "extends", "templates", "datasets")
_DATASET = ("modality", "templates", "classes")
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetWords:
    """What a template set says of one dataset.

    Parameters
    ----------
    modality : str or None
        Words for ``{modality}``; None where the set does not say.
    templates : tuple of str
        Templates of this dataset alone; empty where it has the set's.
    classes : mapping of str to str
        Label name, as the data spells it, to the words for ``{class}``.
    """

    modality: str | None = None
    templates: tuple[str, ...] = ()
    classes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptSet:
    """One template set, as a file spells it.

    Parameters
    ----------
    name : str
        What results call it.
    revision : int
        Counts the changes of its texts.
    description : str
        One line for people; may be empty.
    extends : str or None
        The shipped set that fills in what this one does not say.
    templates : tuple of str
        Empty where the extended set's are used.
    datasets : mapping of str to DatasetWords
        By dataset id.
    origin : str
        Where it was read, for messages.
    """

    name: str
    revision: int
    description: str
    extends: str | None
    templates: tuple[str, ...]
    datasets: Mapping[str, DatasetWords]
    origin: str


def read_prompt_file(path: Path, shipped: Iterable[str]) -> PromptSet:
    """Read the one template set of a user's file.

    Parameters
    ----------
    path : pathlib.Path
        A YAML file in the format of the shipped one; everything but ``version`` may be left out.
        ``name`` is then the file's stem, and ``extends`` is ``"paper"``.
    shipped : iterable of str
        Names of the shipped sets, which it may extend and not take.

    Raises
    ------
    ConfigError
        If the file cannot be read, is not such YAML, or holds a text that cannot be a prompt.
    """
    names = tuple(shipped)
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"cannot read the prompts in {path} ({reason}): give --prompts a YAML file or one of "
            f"{', '.join(names)}"
        ) from error
    if len(content) > _MAX_BYTES:
        raise ConfigError(f"{path} is larger than {_MAX_BYTES} bytes: --prompts takes a YAML file of texts")
    sets = parse_prompt_sets(content, origin=str(path), default_name=path.stem)
    if len(sets) != 1:
        raise ConfigError(f"{path} holds {len(sets)} template sets: keep one, without lines of '---'")
    only = sets[0]
    if only.name in names:
        raise ConfigError(f"{path}: the name {only.name!r} belongs to a shipped set: give it another 'name'")
    if only.extends is not None and only.extends not in names:
        raise ConfigError(f"{path}: 'extends' must be null or one of {', '.join(names)}")
    if only.extends is None and not only.templates:
        raise ConfigError(
            f"{path}: a set that extends none needs 'templates': add them, or leave out 'extends'"
        )
    return only


def parse_prompt_sets(
    content: bytes, *, origin: str, default_name: str | None = None
) -> tuple[PromptSet, ...]:
    """Parse template sets, one a YAML document.

    Parameters
    ----------
    content : bytes
        UTF-8 text.
    origin : str
        Where it comes from, for messages.
    default_name : str, optional
        Name of a set that states none.

    Raises
    ------
    ConfigError
        If it is not YAML, a key is unknown or given twice, or a value is not what its key takes.
    """
    reader = Reader(remedy="correct the file", error=ConfigError, aliases=True)
    documents = [reader.parse(part, origin, yaml=True) for part in content.split(b"\n---\n")]
    return tuple(_prompt_set(document, origin, default_name) for document in documents)


def _prompt_set(document: object, origin: str, default_name: str | None) -> PromptSet:
    fields = _fields(document, origin, _TOP)
    version = fields.get("version")
    if type(version) is not int or version != FORMAT_VERSION:
        raise ConfigError(f"{origin}: 'version' must be {FORMAT_VERSION}: write 'version: {FORMAT_VERSION}'")
    revision = fields.get("revision", 1)
    if type(revision) is not int or revision < 1:
        raise ConfigError(f"{origin}: 'revision' must be a whole number from 1 on")
    extends = fields.get("extends", DEFAULT_BASE)
    return PromptSet(
        name=check_text(fields.get("name", default_name), f"{origin}: 'name'"),
        revision=revision,
        description=check_text(fields["description"], f"{origin}: 'description'")
        if "description" in fields
        else "",
        extends=None if extends is None else check_text(extends, f"{origin}: 'extends'"),
        templates=_templates(fields, origin),
        datasets={
            _dataset_id(dataset, origin): _dataset_words(entry, f"{origin}: dataset {dataset!r}")
            for dataset, entry in _mapping(fields.get("datasets", {}), f"{origin}: 'datasets'").items()
        },
        origin=origin,
    )


def _dataset_id(dataset: str, origin: str) -> str:
    try:
        return check_name("dataset", dataset)
    except ConfigError as error:
        raise ConfigError(f"{origin}: {error}") from error


def _dataset_words(entry: object, where: str) -> DatasetWords:
    fields = _fields(entry, where, _DATASET)
    classes = _mapping(fields.get("classes", {}), f"{where}: 'classes'")
    return DatasetWords(
        modality=check_text(fields["modality"], f"{where}: 'modality'") if "modality" in fields else None,
        templates=_templates(fields, where),
        classes={
            label: check_text(words, f"{where}: the text for label {label!r}")
            for label, words in classes.items()
        },
    )


def _templates(fields: Mapping[str, object], where: str) -> tuple[str, ...]:
    if "templates" not in fields:
        return ()
    templates = fields["templates"]
    if not isinstance(templates, list) or not templates:
        raise ConfigError(f"{where}: 'templates' must be a list of at least one text, each on a '- ' line")
    checked = tuple(check_template(template, where) for template in templates)
    if len(set(checked)) != len(checked):
        raise ConfigError(f"{where}: a template is given twice, which would count it double: remove one")
    return checked


def _fields(value: object, where: str, known: tuple[str, ...]) -> dict[str, Any]:
    fields = _mapping(value, where)
    unknown = [name for name in fields if name not in known]
    if unknown:
        raise ConfigError(f"{where}: unknown key {unknown[0]!r} (known: {', '.join(known)})")
    return fields


def _mapping(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where} must be a mapping of names to values, not {kind_of(value)}")
    for key in value:
        if not isinstance(key, str):
            raise ConfigError(
                f"{where}: YAML reads a name in it as {kind_of(key)}: put label and key names in quotes"
            )
    return value
