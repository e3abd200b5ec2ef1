"""Records on disk: their pydantic types, how they are written, and the rule by which formats grow."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo

from medimeta_c.io.files import write_atomic
from medimeta_c.io.shown import short_repr

__all__ = [
    "SCHEMA_VERSION",
    "Count",
    "Document",
    "Name",
    "Record",
    "Sha256",
    "Since",
    "Text",
    "canonical_json",
    "dump",
    "is_yaml",
    "write_record",
]

SCHEMA_VERSION = 2
"""The latest schema of every document: version 1 and the fields marked `Since` (2)."""

Text = Annotated[str, Field(min_length=1, max_length=4000)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$", max_length=100)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class Since:
    """Marks a field, as ``Annotated[T, Since(2)]``, that a schema version added; it needs a default."""

    version: int


class Record(BaseModel):
    """Frozen; no unknown keys, no conversions between types, no NaN and no infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    __repr__ = short_repr

    def __str__(self) -> str:
        return repr(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain values, as its file holds them."""
        return dump(self)

    def needs_schema(self) -> int:
        """Return the schema version that this record's values need, fields marked `Since` apart."""
        return 1


class Document(Record):
    """A record that is a file of its own and says the schema it needs: 1, or that of its newest field."""

    schema_version: Annotated[int, Field(ge=1, le=SCHEMA_VERSION)] = 1

    @model_validator(mode="after")
    def _says_what_it_needs(self) -> Document:
        needed = _needed(self)
        if "schema_version" in self.model_fields_set and self.schema_version < needed:
            raise ValueError(f"it has fields of schema version {needed} but states {self.schema_version}")
        self.__dict__["schema_version"] = needed
        return self


def dump(record: Record) -> dict[str, Any]:
    """Return a record as plain values, without the newer fields that have their default.

    So a file that uses nothing new has the bytes it always had.
    """
    values = record.model_dump(mode="json")
    version = _needed(record, values)
    return {**values, "schema_version": version} if isinstance(record, Document) else values


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys and no spaces: equal text, equal value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def write_record(path: Path, record: Record, *, comment: str = "") -> None:
    """Write a record atomically: as YAML if the name ends so, else as JSON.

    Parameters
    ----------
    path : Path
        The file.
    record : Record
        What it will hold.
    comment : str
        Lines above it, in YAML.

    Raises
    ------
    WriteError
        If the file cannot be written.
    """
    values = dump(record)
    if not is_yaml(path):
        text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    else:
        import yaml  # noqa: PLC0415  (keeps `--help` fast)

        given = {name: value for name, value in values.items() if value is not None}
        head = "".join(f"# {line}\n" for line in comment.splitlines())
        text = head + yaml.safe_dump(given, sort_keys=False, allow_unicode=True, width=100)
    write_atomic(path, text.encode())


def is_yaml(path: Path) -> bool:
    """Return whether a file's name says that it is YAML."""
    return path.suffix in {".yaml", ".yml"}


def _needed(value: Any, plain: Any = None) -> int:
    """Return the schema version a value needs; drop newer fields at their default from `plain`, its dump."""
    version = 1
    if isinstance(value, Record):
        version = value.needs_schema()
        for name, since, default in _fields(type(value)):
            item = getattr(value, name)
            if not since or item != default:
                version = max(version, since, _needed(item, None if plain is None else plain[name]))
            elif plain is not None:
                del plain[name]
    elif isinstance(value, Mapping | tuple | list):
        items = value.values() if isinstance(value, Mapping) else value
        parts = plain.values() if isinstance(plain, dict) else plain or repeat(None)
        version = max([1, *(_needed(item, part) for item, part in zip(items, parts, strict=False))])
    return version


@cache
def _fields(kind: type[Record]) -> tuple[tuple[str, int, Any], ...]:
    """Return each field's name, the schema version that added it (0: the first), and its default."""
    return tuple(
        (
            name,
            max((mark.version for mark in field.metadata if isinstance(mark, Since)), default=0),
            _default(field),
        )
        for name, field in kind.model_fields.items()
    )


def _default(field: FieldInfo) -> Any:
    factory = cast("Callable[[], Any] | None", field.default_factory)
    return field.default if factory is None else factory()
