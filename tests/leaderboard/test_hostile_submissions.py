"""Files made to harm whoever reads them: each is refused in one sentence, quickly, and nothing happens."""

from __future__ import annotations

import itertools
import json
import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from submissions_on_disk import edit_json

from medimeta_c.leaderboard.accepted import Accepted
from medimeta_c.leaderboard.checks import check_submission
from medimeta_c.leaderboard.validation import validate

Submitted = Callable[..., Path]
Table = Callable[[pa.Table], pa.Table]


def problem(folder: Path) -> str:
    """The only problem of a submission, in a sentence of a readable length."""
    (found,) = check_submission(folder, None).problems
    assert "\n" not in found
    assert len(found) < 700
    return found


def test_gigabytes_of_json_are_not_read(submitted: Submitted) -> None:
    """A result.json of three gigabytes, holes all through, is refused by its size."""
    folder = submitted()
    os.truncate(folder / "result.json", 3 << 30)
    assert "more than any submission needs" in problem(folder)


@pytest.mark.parametrize("name", ["result.json", "predictions.parquet", "submission.yaml"])
def test_links_and_pipes_are_not_followed(submitted: Submitted, tmp_path: Path, name: str) -> None:
    """A link to a file of the reader's, or a pipe that never ends, is no file of a submission."""
    folder = submitted()
    secret = tmp_path / "secret"
    secret.write_bytes((folder / name).read_bytes())
    (folder / name).unlink()
    (folder / name).symlink_to(secret)
    assert "is a link or not a regular file" in problem(folder)
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert "is a link or not a regular file" in problem(folder)
    (folder / name).unlink()
    assert f"{name} is missing" in problem(folder)


def test_a_folder_that_is_a_link_is_refused(submitted: Submitted, tmp_path: Path) -> None:
    """Nor is the folder of a submission a link to another place."""
    link = tmp_path / "link"
    link.symlink_to(submitted())
    assert "is not a folder" in problem(link)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"complete": true', '"complete": true, "complete": true', "duplicate key 'complete'"),
        ('"seed": 0', '"seed": NaN', "NaN is not allowed"),
        ('"level": 0.95', '"level": 1e999', "too large"),
        ('"complete": true', '"complete": true, "x": ' + "[" * 100_000, "is not valid JSON"),
        ('"complete": true', '"complete": "true"', "not valid at complete"),
        ('"dataset": "cells"', '"dataset": "../../etc/passwd"', "not valid at"),
        (
            "hf-hub:test/tiny",
            "<script>alert(1)</script>",
            "at run.model.spec: text must not contain",
        ),
        ("ViT-B-32", "a\\u202eb", "run.model.architecture: text must not contain control"),
    ],
    ids=["key twice", "NaN", "infinity", "deep", "other type", "path", "html", "bidi"],
)
def test_result_json_is_read_strictly(submitted: Submitted, old: str, new: str, sentence: str) -> None:
    """Duplicate keys, NaN, depth, paths and mark-up in result.json are refused where they stand."""
    folder = submitted()
    path = folder / "result.json"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert sentence in problem(folder)


def rewrite(folder: Path, change: Table, **options: Any) -> None:
    """Write other predictions in the same file."""
    path = folder / "predictions.parquet"
    pq.write_table(change(pq.read_table(path)), path, **options)


class _Payload:
    """What a pickle of it does: makes a folder."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


def test_a_pickled_extension_type_is_not_unpickled(submitted: Submitted, tmp_path: Path) -> None:
    """A column whose type carries a pickle, as old versions of Arrow would load, is refused unread."""
    folder = submitted()
    mark = tmp_path / "ran"

    def poison(table: pa.Table) -> pa.Table:
        names = {
            b"ARROW:extension:name": b"arrow.py_extension_type",
            b"ARROW:extension:metadata": pickle.dumps(_Payload(mark)),
        }
        field = table.schema.field("image_id").with_metadata(names)
        return table.cast(table.schema.set(4, field))

    rewrite(folder, poison)
    assert "has a column of an extension type (image_id)" in problem(folder)
    assert not mark.exists()


def test_a_registered_extension_type_is_refused(submitted: Submitted) -> None:
    """So is one that Arrow knows."""
    folder = submitted()

    def poison(table: pa.Table) -> pa.Table:
        ids = pa.array([os.urandom(16)] * len(table), pa.binary(16)).cast(pa.uuid())
        return table.set_column(4, "image_id", ids)

    rewrite(folder, poison)
    assert "extension type" in problem(folder)


def test_a_dictionary_that_unfolds_into_terabytes_is_not_unfolded(submitted: Submitted) -> None:
    """One text of a megabyte, a few hundred rows that refer to it: it is looked at once, as it is stored."""
    folder = submitted()

    def swell(table: pa.Table) -> pa.Table:
        return table.set_column(4, "image_id", pa.array(["x" * (1 << 20)] * len(table)).dictionary_encode())

    rewrite(folder, swell)
    assert (folder / "predictions.parquet").stat().st_size < 1 << 20
    assert "has a text of 1048576 bytes in image_id" in problem(folder)


def test_rows_beyond_the_result_are_not_read(submitted: Submitted) -> None:
    """A file that claims more rows than the result has cells for is refused by what it claims."""
    folder = submitted()
    rewrite(folder, lambda table: pa.concat_tables([table] * 50))
    assert "submit the two files of one evaluation" in problem(folder)


def _probabilities(change: Callable[[Any], None]) -> Table:
    def apply(table: pa.Table) -> pa.Table:
        rows = [np.array(row, np.float32) for row in table["probabilities"].to_pylist()]
        change(rows)
        return table.set_column(
            7, "probabilities", pa.array([row.tolist() for row in rows], pa.list_(pa.float32()))
        )

    return apply


def _nan(rows: Any) -> None:
    rows[0][:] = np.nan


def _negative(rows: Any) -> None:
    rows[0] += 0.5
    rows[0][0] -= len(rows[0]) * 0.5


def _unnormalised(rows: Any) -> None:
    rows[0] *= 0.5


def _longer(rows: Any) -> None:
    rows[0], rows[1] = np.append(rows[0], np.float32(0)), rows[1][:-1]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_nan, "a row without finite probabilities has a prediction"),
        (_negative, "a probability is not between 0 and 1"),
        (_unnormalised, "do not sum to 1"),
        (_longer, "unequal numbers of probabilities"),
    ],
)
def test_probabilities_are_probabilities(
    submitted: Submitted, change: Callable[[Any], None], sentence: str
) -> None:
    """Rows that are no probabilities are named as such."""
    folder = submitted()
    rewrite(folder, _probabilities(change))
    assert sentence in problem(folder)


@pytest.mark.parametrize(
    "content", [b"", b"PAR1" + bytes(200) + b"PAR1", b"\x80\x04\x95" * 50, b"<html>" * 9]
)
def test_what_is_no_parquet_is_refused(submitted: Submitted, content: bytes) -> None:
    """Neither rubbish nor a pickle passes for predictions."""
    folder = submitted()
    (folder / "predictions.parquet").write_bytes(content)
    assert "predictions.parquet" in problem(folder)


def test_missing_and_other_columns(submitted: Submitted) -> None:
    """A table of other columns is refused before it is read."""
    folder = submitted()
    rewrite(folder, lambda table: table.drop_columns(["image_id"]))
    assert "image_id" in problem(folder)


def test_an_image_twice(submitted: Submitted) -> None:
    """An image that is there twice in a cell is found."""
    folder = submitted()

    def twice(table: pa.Table) -> pa.Table:
        ids = table["image_id"].to_pylist()
        ids[1] = ids[0]
        return table.set_column(4, "image_id", pa.array(ids))

    rewrite(folder, twice)
    assert "there is a duplicate image id" in problem(folder)


class _Crash:
    """Ends the process that unpickles it, as a reader that runs over a hostile file would."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (139,)


def test_a_reader_that_crashes_takes_nothing_with_it(submitted: Submitted) -> None:
    """Each submission is read in a process of its own: its crash is a finding, not an end."""
    accepted: Any = _Crash()
    (found,) = validate([submitted()], accepted, isolated=True)
    assert "crashed its reader" in found.problems[0]


class _Stall:
    """Keeps the process that unpickles it busy for ever."""

    def __reduce__(self) -> tuple[Any, ...]:
        return max, (itertools.count(),)


def test_a_reader_that_stalls_is_stopped(submitted: Submitted, monkeypatch: pytest.MonkeyPatch) -> None:
    """So is one that computes without end."""
    monkeypatch.setattr("medimeta_c.leaderboard.validation._CPU_SECONDS", 5)
    accepted: Any = _Stall()
    (found,) = validate([submitted()], accepted, isolated=True)
    assert "exceeded its memory or time limit" in found.problems[0]


def test_a_late_repetition_among_many_keys_is_found_at_once(submitted: Submitted) -> None:
    """A hundred thousand keys, the last of them given twice: the time is that of reading them."""
    folder = submitted()
    keys = ",".join(f'"{index}":1' for index in range(100_000))
    (folder / "result.json").write_text("{" + keys + ',"99999":2}')
    started = time.perf_counter()
    assert "duplicate key '99999'" in problem(folder)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    ("where", "number"), [("resampling.resamples", 1_000_000), ("run.model.parameters", 10**4000)]
)
def test_numbers_that_only_cost_are_refused(submitted: Submitted, where: str, number: int) -> None:
    """A million resamples would be computed again, four thousand digits shown."""
    folder = submitted()
    *path, last = where.split(".")

    def change(values: Any) -> None:
        for key in path:
            values = values[key]
        values[last] = number

    edit_json(folder / "result.json", change)
    assert f"result.json is not valid at {where}: a board takes no more than" in problem(folder)


def test_predictions_on_an_unknown_benchmark_are_not_read(submitted: Submitted, accepted: Accepted) -> None:
    """How many rows there may be is the accepted benchmark's to say, not the submission's."""
    folder = submitted()
    (folder / "predictions.parquet").write_bytes(b"anything")
    edit_json(
        folder / "result.json",
        lambda values: values["run"]["benchmark"]["datasets"][0].update(fingerprint="ab" * 32),
    )
    (found,) = check_submission(folder, accepted).problems
    assert "is not accepted here" in found


def test_a_dictionary_of_more_words_than_rows_is_not_read(submitted: Submitted) -> None:
    """Short texts, a million of them, of which the rows use one."""
    folder = submitted()

    def swell(table: pa.Table) -> pa.Table:
        words = pa.array([f"{index:05d}" for index in range(1_000_000)])
        indices = pa.array(np.zeros(len(table), np.int32))
        return table.set_column(4, "image_id", pa.DictionaryArray.from_arrays(indices, words))

    rewrite(folder, swell, compression="zstd", dictionary_pagesize_limit=1 << 30)
    assert "decompresses to more than" in problem(folder)


def test_html_never_reaches_a_message_whole(submitted: Submitted) -> None:
    """A key of a megabyte is cut in the sentence that refuses it."""
    folder = submitted()
    edit_json(folder / "result.json", lambda values: values.update({"<b>" * 300_000: 1}))
    assert "Extra inputs" in problem(folder)
    assert json.loads((folder / "result.json").read_text())
