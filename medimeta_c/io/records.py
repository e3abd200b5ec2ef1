"""JSON files that may come from anyone: read strictly, in full, or not at all."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from medimeta_c.errors import ResultError, short
from medimeta_c.io.files import write_atomic

__all__ = [
    "MAX_BYTES",
    "Count",
    "Name",
    "Record",
    "RecordT",
    "Sha256",
    "Text",
    "canonical_json",
    "first_problem",
    "read_record",
    "write_record",
]

MAX_BYTES = 32 << 20
"""Largest file read. A result of the whole suite, with its prompts, is below one MB."""

Text = Annotated[str, Field(min_length=1, max_length=4000)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$", max_length=100)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]


class Record(BaseModel):
    """Frozen; no unknown keys, no conversions between types, no NaN and no infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


RecordT = TypeVar("RecordT", bound=Record)


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys and no spaces: equal text, equal value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def write_record(path: Path, record: Record) -> None:
    """Write a record atomically.

    Raises
    ------
    BuildError
        If the file cannot be written.
    """
    text = json.dumps(record.model_dump(mode="json"), indent=1, ensure_ascii=False, allow_nan=False)
    write_atomic(path, text.encode() + b"\n")


def read_record(path: Path, kind: type[RecordT], remedy: str) -> RecordT:
    """Read and check a record.

    Parameters
    ----------
    path : Path
        The file.
    kind : type of Record
        What it must hold. A field ``schema_version`` is checked first.
    remedy : str
        What to do if it is not readable; ends the message.

    Raises
    ------
    ResultError
        If it is missing, too large, not JSON, has a key twice or a number that is none, is of another
        schema, or is not valid; the message names the first problem.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ResultError(f"{path} is larger than {MAX_BYTES >> 20} MB: {remedy}")
        values = json.loads(
            data, object_pairs_hook=_unique_keys, parse_constant=_no_constant, parse_float=_finite
        )
    except FileNotFoundError:
        raise ResultError(f"{path} is missing: {remedy}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ResultError(f"{path} cannot be read as JSON ({short(error)}): {remedy}") from error
    version = kind.model_fields.get("schema_version")
    if version is not None:
        found = values.get("schema_version") if isinstance(values, dict) else None
        if found != version.default or isinstance(found, bool):
            raise ResultError(
                f"{path} has schema version {found!r}, this package reads {version.default}: use the package "
                "version that wrote it"
            )
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        raise ResultError(f"{path} is not valid at {first_problem(error)}; {remedy}") from error


def first_problem(error: ValidationError) -> str:
    """Return where the first thing that is not valid stands, and what is wrong with it."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = short(".".join(map(str, first["loc"])) or "the top")
    return f"{where}: {short(first['msg'].removeprefix('Value error, '))}"


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            raise ValueError(f"the key {key!r} is given twice")
        values[key] = value
    return values


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number a result may hold")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large")
    return number
