"""The one reader of JSON and YAML: any input ends in values or in one sentence of ours, soon."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from medimeta_c.errors import ManifestError, MediMetaError, ResultError
from medimeta_c.io.reading import Reader, read_record
from medimeta_c.io.records import Document, Record, Since, dump, write_record


class Part(Record):
    name: str
    added: Annotated[tuple[int, ...], Since(2)] = ()


class Whole(Document):
    parts: tuple[Part, ...]
    by_name: dict[str, Part] = Field(default_factory=dict)
    note: Annotated[str | None, Since(2)] = None


READER = Reader(remedy="mend it")
BOMB = b"a0: &a0 [x]\n" + b"".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n".encode() for level in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "is not valid JSON"),
        (b"{", "is not valid JSON"),
        (b'{"a": 1, "a": 2}', "duplicate key 'a'"),
        (b'{"a": NaN}', "NaN is not allowed"),
        (b'{"a": -Infinity}', "-Infinity is not allowed"),
        (b'{"a": 1e999}', "1e999 is too large"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[" * 100 + b"]" * 100, "nested too deeply"),
        (b"9" * 10_000, "is not valid JSON"),
        (b"\xff\xfe\x00", "is not valid JSON"),
    ],
)
def test_json_that_is_refused(text: bytes, reason: str) -> None:
    with pytest.raises(ResultError, match=f"x.json .*{reason}.*: mend it"):
        READER.parse(text, "x.json", yaml=False)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"a: [", "is not valid YAML"),
        (b"a: 1\na: 2", "duplicate key 'a'"),
        (b"a: !!int ''", "is not valid YAML"),
        (b"a: !!float x", "is not valid YAML"),
        (b"a: !!timestamp x", "is not valid YAML"),
        (b"a: !!python/object/apply:os.getcwd []", "is not valid YAML"),
        (b"a: &b 1\nc: *b", "an alias"),
        (b"a: &b {c: 1}\nd:\n  <<: *b", "an alias|merge key"),
        (b"? [a]\n: b", "a key is not plain text"),
        (b"---\na: 1\n---\nb: 2", "another document"),
        (b'a: "\\ud800"', "is not valid YAML"),
        (b"[" * 5_000, "nested too deeply"),
        (b"\xff", "is not valid YAML"),
    ],
)
def test_yaml_that_is_refused(text: bytes, reason: str) -> None:
    with pytest.raises(ResultError, match=f"x.yaml .*({reason}).*: mend it"):
        READER.parse(text, "x.yaml", yaml=True)


def test_aliases_of_other_programs_are_read_up_to_a_bound() -> None:
    """PyYAML writes an alias where one list stands twice; eleven nested ones would be 10^10 values."""
    lenient = Reader(remedy="mend it", aliases=True)
    shared = ["x", "y"]
    text = yaml.safe_dump({"a": shared, "b": shared})
    assert "*id001" in text
    assert lenient.parse(text.encode(), "x.yaml", yaml=True) == {"a": shared, "b": shared}
    start = time.perf_counter()
    with pytest.raises(ResultError, match="aliases expand to more than"):
        lenient.parse(BOMB, "x.yaml", yaml=True)
    with pytest.raises(ResultError, match="contains it"):
        lenient.parse(b"a: &b [*b]", "x.yaml", yaml=True)
    assert time.perf_counter() - start < 30


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=200), st.text(alphabet='{}[]:,&*!|>-?"\n ab1.~<=', max_size=120)))
def test_any_input_ends_in_values_or_in_our_error(text: bytes | str) -> None:
    data = text if isinstance(text, bytes) else text.encode()
    for is_yaml in (False, True):
        try:
            values = Reader(remedy="mend it", aliases=True).parse(data, "x", yaml=is_yaml)
            READER.record(values, Whole, "x")
        except MediMetaError as error:
            assert "\n" not in str(error)
            assert len(str(error)) < 1000


def test_files_are_refused_by_size_and_place(tmp_path: Path) -> None:
    """A file over the limit is not parsed; a missing one, and a folder, are named."""
    path = tmp_path / "a.json"
    path.write_text('{"parts": [' + " " * 2_000 + "]}")
    with pytest.raises(ManifestError, match="larger than 1 kB: mend it"):
        Reader(remedy="mend it", error=ManifestError, max_bytes=1 << 10).values(path)
    with pytest.raises(ResultError, match=r"b\.json is missing: mend it"):
        read_record(tmp_path / "b.json", Whole, "mend it")
    with pytest.raises(ResultError, match="cannot be read"):
        read_record(tmp_path, Whole, "mend it")


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_what_uses_nothing_new_has_the_bytes_it_always_had(tmp_path: Path, suffix: str) -> None:
    """Newer fields at their default leave no trace; one of them makes the file say schema 2."""
    path = tmp_path / f"whole{suffix}"
    write_record(path, Whole(parts=(Part(name="a"),)))
    assert "added" not in path.read_text()
    assert "note" not in path.read_text()
    assert read_record(path, Whole, "") == Whole(parts=(Part(name="a"),))
    assert dump(Whole(parts=()))["schema_version"] == 1

    newer = Whole(parts=(Part(name="a"),), by_name={"b": Part(name="b", added=(1, 2))})
    assert newer.schema_version == 2
    write_record(path, newer)
    assert read_record(path, Whole, "") == newer
    assert Reader(remedy="").values(path)["schema_version"] == 2


def test_a_file_that_carries_a_new_field_says_so(tmp_path: Path) -> None:
    """Schema 1 with a field of schema 2 is refused; a later schema, by the version that wrote it."""
    path = tmp_path / "whole.json"
    path.write_text(json.dumps({"schema_version": 1, "parts": [], "note": "new"}))
    with pytest.raises(ResultError, match="fields of schema version 2 but states 1"):
        read_record(path, Whole, "mend it")
    path.write_text(json.dumps({"schema_version": 3, "parts": [], "run": {"package_version": "0.9.0"}}))
    with pytest.raises(ResultError, match=r"has schema version 3, .* reads 1 to 2: use medimeta-c 0\.9\.0"):
        read_record(path, Whole, "mend it")
