"""predictions.parquet: what is written reads back, and what is not predictions is refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medimeta_c.errors import ResultError, WriteError
from medimeta_c.format.keys import SetKey
from medimeta_c.results.predictions import (
    NO_PREDICTION,
    CellPredictions,
    correctness_of,
    read_predictions,
    write_predictions,
)

KEY = SetKey("cells", "test", "contrast", 3)
CLEAN = SetKey("cells", "test", "clean", 0)
P = [[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.3, 0.4, 0.3]]


def cell(key: SetKey = KEY, probabilities: object = P) -> CellPredictions:
    return CellPredictions.of(key, ["a", "b", "c"], [0, 1, 1], probabilities)


def equal(one: CellPredictions, other: CellPredictions) -> bool:
    return (one.key, one.image_ids) == (other.key, other.image_ids) and all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=name == "probabilities")
        for name in ("labels", "predictions", "probabilities")
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 30), k=st.integers(2, 12), broken=st.booleans())
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory, seed: int, n: int, k: int, broken: bool
) -> None:
    """Any cells come back equal, in canonical order, NaN and odd ids included."""
    draw = np.random.default_rng(seed)
    p = draw.dirichlet(np.ones(k), size=n).astype(np.float32)
    if broken:
        p[draw.integers(n)] = np.nan
    ids = [f"{i}/é \n|" for i in range(n)]
    cells = [CellPredictions.of(key, ids, draw.integers(k, size=n), p) for key in (KEY, CLEAN)]
    path = tmp_path_factory.mktemp("round") / "predictions.parquet"
    write_predictions(path, cells)
    back = read_predictions(path)
    assert list(back) == [CLEAN, KEY]
    assert equal(back[KEY], cells[0])
    assert equal(back[CLEAN], cells[1])


def test_rows_may_come_in_any_order(tmp_path: Path) -> None:
    """Rows of several cells, shuffled, are the same cells."""
    table = pa.concat_tables([cell().table(), cell(CLEAN).table()])
    pq.write_table(table.take([5, 0, 3, 1, 4, 2]), tmp_path / "p.parquet")
    back = read_predictions(tmp_path / "p.parquet")
    assert sorted(back[KEY].image_ids) == ["a", "b", "c"]
    assert dict(zip(back[KEY].image_ids, back[KEY].correct, strict=True)) == {
        "a": True,
        "b": False,
        "c": True,
    }
    assert back[KEY].digest == cell().digest


def test_the_digest_is_of_everything_said() -> None:
    """Another id, label, prediction or probability is another digest; another bit pattern of NaN is not."""
    ids, labels, tie = ["a", "b"], [0, 1], [[0.5, 0.5], [0.25, 0.75]]
    said = [
        CellPredictions.of(KEY, ids, labels, tie),
        CellPredictions.of(KEY, ["a", "c"], labels, tie),
        CellPredictions.of(KEY, ids, [1, 1], tie),
        CellPredictions.of(KEY, ids, labels, tie, predictions=[1, 1]),
        CellPredictions.of(KEY, ids, labels, [[0.5, 0.5], np.nextafter(np.float32(tie[1]), np.float32(1))]),
        CellPredictions.of(KEY, ids, labels, [[0.5, 0.5], [np.nan, 0.75]]),
    ]
    assert len({one.digest for one in said}) == len(said)
    other_nan = np.array([0x7FC00001], np.uint32).view(np.float32)[0]
    assert CellPredictions.of(KEY, ids, labels, [[0.5, 0.5], [other_nan, 0.75]]).digest == said[-1].digest


def test_nan_rows_have_no_prediction_and_their_cell_no_correctness() -> None:
    """A row with NaN is marked, is never right, and its cell takes no part in a correctness table."""
    broken = cell(KEY, [[np.nan, 0.5, 0.5], P[1], P[2]])
    assert broken.predictions.tolist() == [NO_PREDICTION, 2, 1]
    assert broken.correct.tolist() == [False, False, True]
    assert correctness_of({KEY: broken, CLEAN: cell(CLEAN)})["cells"].keys == (CLEAN,)


def test_a_tie_may_go_either_way() -> None:
    """Where softmax made two classes equal, the one the logits chose stands."""
    p = [[0.5, 0.5]]
    assert CellPredictions.of(KEY, ["a"], [1], p).predictions.tolist() == [0]
    assert CellPredictions.of(KEY, ["a"], [1], p, predictions=[1]).predictions.tolist() == [1]


def column(name: str, values: pa.Array) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.set_column(table.schema.get_field_index(name), name, values)


FLOATS = pa.list_(pa.float32())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (column("prediction", pa.array([1, 2, 1])), "not the most probable class"),
        (column("prediction", pa.array([7, 2, 1])), "a prediction is not a class"),
        (column("prediction", pa.array([-1, 2, 1])), "finite probabilities has a prediction"),
        (column("label", pa.array([0, 1, 3])), "a label is not in 0 to 2"),
        (column("label", pa.array([0, 1, -1])), "a label is not in 0 to 2"),
        (column("label", pa.array([0, None, 1])), "rows without a value"),
        (column("label", pa.array(["0", "1", "1"])), "other columns"),
        (column("image_id", pa.array(["a", "a", "c"])), "there is a duplicate image id"),
        (column("severity", pa.array([3, 3, 9], pa.int8())), "severity must be 1 to 5"),
        (column("dataset", pa.array(["cells", "cells", "../x"])), "not usable"),
        (column("probabilities", pa.array([P[0], P[1], [0.3, 0.7]], FLOATS)), "unequal numbers"),
        (column("probabilities", pa.array([P[0], P[1], [0.3, None, 0.7]], FLOATS)), "unequal numbers"),
        (column("probabilities", pa.array([P[0], P[1], [0.3, 0.4, 0.4]], FLOATS)), "do not sum to 1"),
        (column("probabilities", pa.array([P[0], P[1], [-0.3, 1.0, 0.3]], FLOATS)), "between 0 and 1"),
        (column("probabilities", pa.array([[1.0]] * 3, FLOATS)), "probabilities of shape (3, 1)"),
        (lambda table: table.drop_columns(["split"]), "other columns"),
        (lambda table: table.append_column("extra", pa.array([1, 2, 3])), "other columns"),
    ],
)
def test_rows_that_are_no_predictions(
    tmp_path: Path, change: Callable[[pa.Table], pa.Table], message: str
) -> None:
    """Each is refused, and the message names the file."""
    path = tmp_path / "predictions.parquet"
    pq.write_table(change(cell().table()), path)
    with pytest.raises(ResultError) as caught:
        read_predictions(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_files_that_are_no_parquet(tmp_path: Path) -> None:
    """Missing, empty, cut short, and bytes changed within."""
    path = tmp_path / "predictions.parquet"
    with pytest.raises(ResultError, match="is missing"):
        read_predictions(path)
    write_predictions(path, [cell()])
    whole = path.read_bytes()
    for data in (b"", whole[:-9], whole[:40] + bytes(60) + whole[100:]):
        path.write_bytes(data)
        with pytest.raises(ResultError, match=r"predictions\.parquet"):
            read_predictions(path)


def test_a_file_that_claims_too_much_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of rows is judged before any of them is read."""
    path = tmp_path / "predictions.parquet"
    write_predictions(path, [cell()])
    monkeypatch.setattr("medimeta_c.results.predictions._MAX_ROWS", 2)
    with pytest.raises(ResultError, match="claims 3 rows and 9 probabilities"):
        read_predictions(path)


def test_an_unwritable_place(tmp_path: Path) -> None:
    """A file where the folder should be is one sentence, and leaves nothing."""
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="cannot write"):
        write_predictions(tmp_path / "file" / "predictions.parquet", [cell()])
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
