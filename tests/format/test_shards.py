"""The Parquet contract, compared with the `datasets` library's own writer and reader."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from medimeta_c.errors import ShardError, WriteError
from medimeta_c.format import png, shards
from medimeta_c.format.keys import SetKey
from medimeta_c.format.spectrum import spectrum

KEY = SetKey("pbc", "test", "motion_blur", 3)
NAMES = ("benign", 'odd "name", ünïcode')


def row(index: int, size: int = 9) -> shards.Row:
    image = np.random.Generator(np.random.Philox(key=index)).integers(0, 256, (size, size), dtype=np.uint8)
    return shards.Row(
        image_id=f"{index:06d}",
        label=index % 2,
        data=png.encode(image),
        pixels_sha256=png.digest(image),
        spectrum=spectrum(image),
    )


def write(root: Path, count: int, **options: int) -> tuple[shards.ShardRecord, ...]:
    with shards.ShardWriter(root, KEY, NAMES, **options) as writer:
        for index in range(count):
            writer.add(row(index))
        return writer.finish()


def test_schema_is_what_datasets_itself_would_write() -> None:
    """Feature metadata, column types and order are those of `datasets.Features`."""
    import datasets

    value = datasets.Value
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.ClassLabel(names=list(NAMES)),
            **{name: value("string") for name in ("image_id", "dataset", "split", "corruption")},
            "severity": value("int8"),
            "pixels_sha256": value("string"),
            **{f"dct_{name}": value("float32") for name in ("low", "mid", "high", "centroid")},
        }
    )
    theirs, ours = features.arrow_schema, shards.schema(NAMES)
    assert ours == theirs
    assert datasets.Features.from_arrow_schema(ours) == features


def test_storage_is_what_datasets_itself_would_choose(tmp_path: Path) -> None:
    """Compression, encodings, row groups, page index and chunking equal those of its Parquet writer."""
    import datasets
    from datasets.arrow_writer import ParquetWriter

    (record,) = write(tmp_path, 250)
    table = pq.read_table(tmp_path / record.path)
    theirs_path = str(tmp_path / "theirs.parquet")
    features = datasets.Features.from_arrow_schema(table.schema)
    with ParquetWriter(features=features, path=theirs_path, writer_batch_size=100) as writer:
        for batch in table.to_batches(max_chunksize=100):
            writer.write_table(writer_table := batch_to_table(batch), writer_batch_size=100)
            assert writer_table.num_rows <= 100
        writer.finalize()
    ours, theirs = pq.read_metadata(tmp_path / record.path), pq.read_metadata(theirs_path)
    assert ours.num_row_groups == theirs.num_row_groups == 3
    assert ours.metadata[b"content_defined_chunking"] == theirs.metadata[b"content_defined_chunking"]
    for column in range(ours.num_columns):
        mine, other = ours.row_group(0).column(column), theirs.row_group(0).column(column)
        assert mine.path_in_schema == other.path_in_schema
        assert mine.compression == other.compression
        assert set(mine.encodings) == set(other.encodings)
        assert mine.has_offset_index
        assert other.has_offset_index


def batch_to_table(batch):
    import pyarrow as pa

    return pa.Table.from_batches([batch])


def test_rows_come_back_as_written(tmp_path: Path) -> None:
    """Every column survives, in order, in batches no larger than asked for."""
    (record,) = write(tmp_path, 130)
    tables = list(shards.read_tables(tmp_path / record.path, batch_rows=50))
    assert [table.num_rows for table in tables] == [50, 50, 30]
    found = [one for table in tables for one in table.to_pylist()]
    for index, one in enumerate(found):
        expected = row(index)
        assert one["image"] == {
            "bytes": expected.data,
            "path": f"pbc_test_{index:06d}_motion_blur_3.png",
        }
        assert (one["image_id"], one["label"]) == (expected.image_id, expected.label)
        assert (one["dataset"], one["split"], one["corruption"], one["severity"]) == (
            "pbc",
            "test",
            "motion_blur",
            3,
        )
        assert one["dct_low"] == np.float32(expected.spectrum.low)


def test_a_large_set_becomes_several_shards(tmp_path: Path) -> None:
    """Shards close when they reach their size; names count them; rows stay in order; nothing is lost."""
    records = write(tmp_path, 25, max_bytes=4 * len(row(0).data))
    names = [Path(record.path).name for record in records]
    total = len(records)
    assert total > 3
    assert names == [f"severity-3-{index:05d}-of-{total:05d}.parquet" for index in range(total)]
    ids = [
        one
        for record in records
        for table in shards.read_tables(tmp_path / record.path)
        for one in table["image_id"].to_pylist()
    ]
    assert ids == [f"{index:06d}" for index in range(25)]
    assert sum(record.rows for record in records) == 25


def test_large_images_make_small_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row group holds as many bytes of images as the limit lets, and one image however large it is."""
    size = len(row(0).data)
    monkeypatch.setattr(shards, "ROW_GROUP_BYTES", 3 * size + 20)
    (record,) = write(tmp_path, 25)
    file = pq.ParquetFile(tmp_path / record.path)
    assert max(file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)) == 3
    tables = list(shards.read_tables(tmp_path / record.path))
    assert [one for table in tables for one in table["image"].to_pylist()] == [
        {"bytes": row(index).data, "path": f"pbc_test_{index:06d}_motion_blur_3.png"} for index in range(25)
    ]
    monkeypatch.setattr(shards, "ROW_GROUP_BYTES", size // 2)
    (record,) = write(tmp_path, 5)
    assert shards.row_group_rows(tmp_path / record.path) == (1,) * 5


def test_a_reader_may_ask_for_few_bytes_at_a_time(tmp_path: Path) -> None:
    """Batches have as many rows as are asked for in bytes or in number, whichever are fewer; one at least."""
    (record,) = write(tmp_path, 130)
    path = tmp_path / record.path
    few = [table.num_rows for table in shards.read_tables(path, batch_bytes=10 * len(row(0).data))]
    assert sum(few) == 130
    assert 1 < max(few) <= 10
    assert {table.num_rows for table in shards.read_tables(path, batch_bytes=1)} == {1}
    assert max(table.num_rows for table in shards.read_tables(path, batch_bytes=10**9)) == 100


def test_writing_again_gives_the_same_bytes_and_leaves_no_old_shard(tmp_path: Path) -> None:
    """A set written twice is one set, byte for byte, even when it was split otherwise before."""
    first = write(tmp_path, 25, max_bytes=2000)
    again = write(tmp_path, 25)
    assert len(first) > len(again) == 1
    assert [path.name for path in (tmp_path / KEY.folder).iterdir()] == [Path(again[0].path).name]
    assert write(tmp_path, 25) == again


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    """When the block raises, no shard and no part remains."""
    with pytest.raises(RuntimeError), shards.ShardWriter(tmp_path, KEY, NAMES) as writer:
        for index in range(120):
            writer.add(row(index))
        raise RuntimeError
    assert list((tmp_path / KEY.folder).iterdir()) == []


FULL_DISK = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from tests.format.test_shards import write
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
from pathlib import Path
from medimeta_c.errors import WriteError
try:
    write(Path(sys.argv[1]), 2000)
except WriteError as error:
    print(error)
"""


def test_a_full_disk_in_mid_shard_is_one_sentence(tmp_path: Path) -> None:
    """The operating system refusing more bytes becomes a WriteError, and the part file is gone."""
    repo = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], cwd=repo, capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith("no space left while writing")
    assert "free some space" in run.stdout
    assert list((tmp_path / KEY.folder).iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    """A file where the set's folder should be is named."""
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(WriteError, match="data"):
        write(tmp_path, 1)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-7]), "is damaged"),
        (lambda path: path.write_bytes(b""), "is damaged"),
        (lambda path: pq.write_table(pq.read_table(path).drop_columns("label"), path), "other columns"),
    ],
)
def test_a_damaged_shard_is_named(tmp_path: Path, damage, message: str) -> None:
    """Missing, truncated, empty and foreign files raise an error with the path."""
    (record,) = write(tmp_path, 3)
    damage(tmp_path / record.path)
    with pytest.raises(ShardError, match=message) as caught:
        list(shards.read_tables(tmp_path / record.path))
    assert record.path in str(caught.value)


def spoil(path: Path, column: str, values: pa.Array) -> None:
    """Replace a column of a shard."""
    table = pq.read_table(path)
    pq.write_table(table.set_column(table.schema.get_field_index(column), column, values), path)


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("label", pa.array([0, None, 1], pa.int64()), "a row without label"),
        ("image_id", pa.array(["000000", "000001", None]), "a row without image_id"),
        ("image_id", pa.array([b"000000", b"0000\xff1", b"000002"]).view(pa.string()), "is damaged"),
    ],
)
def test_a_row_that_is_not_whole_is_damage(
    tmp_path: Path, column: str, values: pa.Array, message: str
) -> None:
    """A value that is missing, or text that is not UTF-8, as one flipped byte can leave it, is named."""
    (record,) = write(tmp_path, 3)
    spoil(tmp_path / record.path, column, values)
    with pytest.raises(ShardError, match=message) as caught:
        list(shards.read_tables(tmp_path / record.path))
    assert record.path in str(caught.value)


def test_reading_holds_one_row_group(tmp_path: Path) -> None:
    """What is read of a shard is let go of: memory does not grow with it."""
    path = tmp_path / "shard.parquet"
    rows = [
        {**dict.fromkeys(shards.schema(()).names, "x"), "image": {"bytes": bytes(20_000), "path": "x"}}
        | {
            "label": 0,
            "severity": 1,
            **dict.fromkeys(("dct_low", "dct_mid", "dct_high", "dct_centroid"), 0.5),
        }
        for _ in range(shards.ROW_GROUP_ROWS)
    ]
    group = pa.Table.from_pylist(rows, schema=shards.schema(("a", "b")))
    del rows
    with pq.ParquetWriter(path, group.schema, compression="none", use_dictionary=False) as writer:
        for _ in range(20):
            writer.write_table(group)
    del group
    before, most, count = pa.total_allocated_bytes(), 0, 0
    for table in shards.read_tables(path):
        count += table.num_rows
        most = max(most, pa.total_allocated_bytes() - before)
    assert count == 2000
    assert most < path.stat().st_size / 4
