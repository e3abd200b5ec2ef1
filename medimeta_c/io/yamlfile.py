"""YAML that strangers write: plain values only, each key once, no anchors, and a size that is read at all."""

from __future__ import annotations

import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from medimeta_c.errors import ResultError, short
from medimeta_c.io.files import write_atomic
from medimeta_c.io.records import Record, RecordT, first_problem

__all__ = ["read_yaml_record", "write_yaml_record"]

# PyYAML reports a value that its explicit tag does not fit (`!!int ""`) by whatever its code trips over.
_NOT_YAML = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError)


def read_yaml_record(path: Path, kind: type[RecordT], *, max_bytes: int, remedy: str) -> RecordT:
    """Read and check a record.

    Parameters
    ----------
    path : Path
        The file.
    kind : type of Record
        What it must hold. A field ``schema_version`` is checked first.
    max_bytes : int
        Largest file read.
    remedy : str
        What to do if it is not readable; ends the message.

    Raises
    ------
    ResultError
        If it is missing, too large, not such YAML, or not valid; the message names the first problem.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(max_bytes + 1)
    except FileNotFoundError:
        raise ResultError(f"{path} is missing: {remedy}") from None
    except OSError as error:
        raise ResultError(f"{path} cannot be read ({error.strerror}): {remedy}") from error
    if len(data) > max_bytes:
        raise ResultError(f"{path} is larger than {max_bytes >> 10} kB: {remedy}")
    return _parse(data, kind, path, remedy)


def _parse(data: bytes, kind: type[RecordT], path: Path, remedy: str) -> RecordT:
    """Return the record that a file's YAML spells."""
    try:
        values = yaml.load(data.decode("utf-8-sig"), Loader=_StrictLoader)
    except _NOT_YAML as error:
        reason = getattr(error, "problem", None) or error
        raise ResultError(f"{path} cannot be read as YAML ({short(reason)}): {remedy}") from error
    version = kind.model_fields.get("schema_version")
    if version is not None:
        found = values.get("schema_version") if isinstance(values, dict) else None
        if found != version.default or isinstance(found, bool):
            raise ResultError(
                f"{path} has schema_version {short(repr(found))}, not {version.default}: {remedy}"
            )
    try:
        # Through JSON, in which a list may stand for a tuple and nothing else is converted.
        return kind.model_validate_json(json.dumps(values, allow_nan=False))
    except ValidationError as error:
        raise ResultError(f"{path} is not valid at {first_problem(error)}; {remedy}") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise ResultError(
            f"{path} holds a value that is no text, number or yes/no ({short(error)}): quote it"
        ) from error


def write_yaml_record(path: Path, record: Record, *, comment: str = "") -> None:
    """Write a record atomically, with lines of comment above it.

    Raises
    ------
    BuildError
        If the file cannot be written.
    """
    values = record.model_dump(mode="json", exclude_none=True)
    text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100)
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    write_atomic(path, (head + text).encode())


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key given twice, and anchors, which let a short text unfold into an endless one."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None, None, "an alias (*name) is used: write the value out", event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                raise _refusal("a key is not plain text", key)
            if key.value in seen:
                raise _refusal(f"the key {key.value!r} is given twice", key)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _refusal(problem: str, node: yaml.Node) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
