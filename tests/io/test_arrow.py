"""Arrow tables of Python values: equal to pyarrow's own, and made without pandas."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medimeta_c.errors import ConfigError
from medimeta_c.io.arrow import column, parquet_writer, table

KINDS = {
    "string": (pa.string(), st.text(st.characters(exclude_categories=["Cs"]))),
    "int8": (pa.int8(), st.integers(-128, 127)),
    "int64": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "float32": (pa.float32(), st.floats(width=32, allow_nan=False)),
    "float64": (pa.float64(), st.floats(allow_nan=False)),
}


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(data=st.data())
def test_columns_are_those_of_pyarrow(kind: str, data: st.DataObject) -> None:
    """Texts and numbers, some of them null."""
    wanted, values = KINDS[kind]
    given = data.draw(st.lists(values | st.none()))
    found = column(given, wanted)
    found.validate(full=True)
    assert found.equals(pa.array(given, wanted))


def test_tables_are_those_of_pyarrow() -> None:
    """Lists of a fixed size, values that a row lacks, and values of no column."""
    schema = pa.schema([("name", pa.string()), ("profile", pa.list_(pa.float64(), 2)), ("n", pa.int8())])
    rows: list[dict[str, object]] = [
        {"name": "a", "profile": (1.0, 2.5), "n": 3, "other": 1},
        {"profile": [0.0, -1.0]},
    ]
    for some in (rows, rows[:1], []):
        found = table(some, schema)
        found.validate(full=True)
        assert found.equals(pa.Table.from_pylist(some, schema=schema))


@pytest.mark.parametrize(
    ("value", "kind"),
    [(2.5, pa.int8()), ("1", pa.int64()), (128, pa.int8()), (-129, pa.int8()), (2**63, pa.int64())],
)
def test_no_value_is_changed_to_fit(value: object, kind: pa.DataType) -> None:
    """A fraction among whole numbers, a text among numbers, and a number outside the range are errors."""
    with pytest.raises(ConfigError, match=f"a column of {kind} holds"):
        column([0, value] if isinstance(value, int) else [value], kind)


def test_pandas_is_not_imported() -> None:
    """Neither is numba."""
    script = (
        "import sys, pyarrow as pa\nfrom medimeta_c.io.arrow import column\n"
        "column(['a', None], pa.string())\nassert not {'pandas', 'numba'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_parquet_file_that_cannot_be_written_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Left to Arrow, a second failure while it closes the file would be printed on stderr."""
    opened, open_file = [], pa.OSFile

    def noting(*arguments: str) -> pa.NativeFile:
        opened.append(open_file(*arguments))
        return opened[-1]

    monkeypatch.setattr(pa, "OSFile", noting)
    rows = table([{"a": "x" * 100_000}], schema := pa.schema({"a": pa.string()}))
    with pytest.raises(OSError, match="No space left"), parquet_writer(Path("/dev/full"), schema) as writer:
        writer.write_table(rows)
    assert [each.closed for each in opened] == [True]
