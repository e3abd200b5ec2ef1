"""Strict reader of JSON and YAML: returns the file's values or raises one of our errors.

A file is read with limits on its size, its depth and what aliases expand to; duplicate keys, NaN and infinity
are refused. Documents of a later schema are refused by the version that wrote them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from medimeta_c._version import __version__
from medimeta_c.errors import MediMetaError, ResultError, short
from medimeta_c.io.records import SCHEMA_VERSION, Document, Record, is_yaml
from medimeta_c.io.stores.stored import Place

__all__ = ["MAX_BYTES", "Reader", "first_problem", "read_record"]

MAX_BYTES = 32 << 20
"""Largest JSON file read. A result of the whole suite, with its prompts, is below one MB."""

MAX_YAML_BYTES = 1 << 20
MAX_DEPTH = 64
"""Deepest nesting read; ours are below ten."""

MAX_NODES = 200_000
"""Most values a YAML text may unfold to, aliases written out."""

RecordT = TypeVar("RecordT", bound=Record)

# PyYAML reports a value that its explicit tag does not fit (`!!int ""`) by whatever its code trips over.
_NOT_YAML = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError)


def read_record(path: Place, kind: type[RecordT], remedy: str) -> RecordT:
    """Read and check a record; a ResultError if that fails. See `Reader`."""
    return Reader(remedy=remedy).read(path, kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """How a kind of file is read: as YAML if the name ends so, else as JSON.

    Every method raises `error` if the file is missing, too large, not JSON or YAML, has a key twice, NaN or
    infinity, is nested too deeply, is of a later schema, or is not valid; the message names the first.

    Parameters
    ----------
    remedy : str
        What to do if a file is not readable; ends the message.
    error : type of MediMetaError
        What is raised.
    max_bytes : int, optional
        Largest file read; 32 MiB of JSON and 1 MiB of YAML by default.
    aliases : bool
        Whether YAML may refer to a value by ``*name``, as files that other programs write do.
    """

    remedy: str
    error: type[MediMetaError] = ResultError
    max_bytes: int | None = None
    aliases: bool = False

    def read(
        self, path: Place, kind: type[RecordT], *, check: Callable[[Any], None] | None = None
    ) -> RecordT:
        """Return a file as a record; `check` takes its plain values, of a known schema, before that."""
        values = self.values(path)
        if issubclass(kind, Document):
            self._check_schema(values, path)
        if check is not None:
            check(values)
        return self.record(values, kind, path)

    def values(self, path: Place, *, yaml: bool | None = None) -> Any:
        """Return a file's plain values; `yaml` says what it is, if its name need not."""
        return self.parse(self._bytes(path), path, yaml=is_yaml(Path(path.name)) if yaml is None else yaml)

    def parse(self, data: bytes, where: object, *, yaml: bool) -> Any:
        """Return the plain values of a text of YAML or JSON; `where` it is from is for messages."""
        kind = "YAML" if yaml else "JSON"
        try:
            values = _parse_yaml(data, self.aliases) if yaml else _parse_json(data)
            _check_depth(values)
        except RecursionError as error:
            raise self.error(f"{where} is not valid {kind} (nested too deeply): {self.remedy}") from error
        except ValueError as error:
            raise self.error(f"{where} is not valid {kind} ({short(error)}): {self.remedy}") from error
        return values

    def record(self, values: Any, kind: type[RecordT], where: object) -> RecordT:
        """Return plain values as a record."""
        try:
            # Through JSON, in which a list may stand for a tuple and nothing else is converted.
            return kind.model_validate_json(json.dumps(values, allow_nan=False))
        except ValidationError as error:
            raise self.error(f"{where} is not valid at {first_problem(error)}; {self.remedy}") from error
        except (TypeError, ValueError, RecursionError) as error:
            raise self.error(
                f"{where} holds a value that is not a text, number or yes/no ({short(error)}): quote it"
            ) from error

    def _bytes(self, path: Place) -> bytes:
        limit = self.max_bytes or (MAX_YAML_BYTES if is_yaml(Path(path.name)) else MAX_BYTES)
        try:
            with path.open("rb") as stream:
                data = stream.read(limit + 1)
        except FileNotFoundError:
            raise self.error(f"{path} is missing: {self.remedy}") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise self.error(f"{path} cannot be read ({reason}): {self.remedy}") from error
        if len(data) > limit:
            size = f"{limit >> 20} MB" if limit >= 1 << 20 else f"{limit >> 10} kB"
            raise self.error(f"{path} is larger than {size}: {self.remedy}")
        return data

    def _check_schema(self, values: Any, path: Place) -> None:
        """Refuse a document of a later schema, and name the package version that wrote it."""
        found = values.get("schema_version") if isinstance(values, dict) else None
        if type(found) is not int or not 1 <= found <= SCHEMA_VERSION:
            writer = _writer(values) or (_writer(values.get("run")) if isinstance(values, dict) else None)
            needed = f"medimeta-c {short(writer)}, which wrote it" if writer else "the version that wrote it"
            raise self.error(
                f"{path} has schema version {short(repr(found))}, this package ({__version__}) reads 1 to "
                f"{SCHEMA_VERSION}: use {needed}"
            )


def first_problem(error: ValidationError) -> str:
    """Return the place of the first value that is not valid, and what is wrong with it."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = short(".".join(map(str, first["loc"])) or "the top")
    return f"{where}: {short(first['msg'].removeprefix('Value error, '))}"


def _writer(values: Any) -> str | None:
    version = values.get("package_version") if isinstance(values, dict) else None
    return version if isinstance(version, str) else None


def _check_depth(values: Any) -> None:
    """Refuse values nested deeper than `MAX_DEPTH`, level by level, so that checking needs no stack."""
    level = [values] if isinstance(values, dict | list) else []
    for _ in range(MAX_DEPTH):
        inside = [value.values() if isinstance(value, Mapping) else value for value in level]
        level = [child for children in inside for child in children if isinstance(child, dict | list)]
        if not level:
            return
    raise RecursionError


def _parse_json(data: bytes) -> Any:
    return json.loads(data, object_pairs_hook=_unique_keys, parse_constant=_no_constant, parse_float=_finite)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            raise ValueError(f"duplicate key {key!r}")
        values[key] = value
    return values


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not allowed, only finite numbers")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large")
    return number


def _parse_yaml(data: bytes, aliases: bool) -> Any:
    """Return the values of a UTF-8 text, with or without aliases; merge keys are refused."""
    try:
        loader = _StrictLoader(data.decode("utf-8-sig"), aliases)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _count(node, {})
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except RecursionError:
        raise
    except _NOT_YAML as error:
        raise ValueError(getattr(error, "problem", None) or error) from error


class _StrictLoader(yaml.SafeLoader):
    """The safe loader, which also refuses duplicate keys, the merge key, and aliases if not allowed."""

    def __init__(self, text: str, aliases: bool) -> None:
        super().__init__(text)
        self._aliases = aliases

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if not self._aliases and self.check_event(yaml.AliasEvent):
            raise _refusal("an alias (*name) is used: write the value out", self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        return super().compose_node(parent, index)

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                raise _refusal("the merge key '<<' is not supported", key.start_mark)
            if not isinstance(key, yaml.ScalarNode):
                raise _refusal("a key is not plain text", key.start_mark)
            if key.value in seen:
                raise _refusal(f"duplicate key {key.value!r}", key.start_mark)
            seen.add(key.value)

    def construct_mapping(self, node: yaml.Node, deep: bool = False) -> dict[Hashable, Any]:
        if isinstance(node, yaml.MappingNode):
            self.flatten_mapping(node)
        return super().construct_mapping(node, deep=deep)  # type: ignore[arg-type]


def _count(node: yaml.Node, known: dict[int, int]) -> int:
    """Return how many values a node expands to; refuse more than `MAX_NODES`, and a node within itself."""
    if isinstance(node, yaml.ScalarNode):
        node.value.encode()  # an escape may stand for half a character
        return 1
    if (count := known.get(id(node))) is not None:
        if not count:
            raise _refusal("an alias refers to a value that contains it", node.start_mark)
        return count
    known[id(node)] = 0
    mapping = isinstance(node, yaml.MappingNode)
    children = [part for pair in node.value for part in pair] if mapping else node.value
    total = 1 + sum(_count(child, known) for child in children)
    if total > MAX_NODES:
        raise _refusal(f"its aliases expand to more than {MAX_NODES} values", node.start_mark)
    known[id(node)] = total
    return total


def _refusal(problem: str, mark: yaml.Mark | None) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, mark)
