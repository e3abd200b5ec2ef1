"""Predictions of a sweep over prompts: what is written is read back, what is not valid is refused."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medimeta_c.errors import ResultError
from medimeta_c.format.keys import SetKey
from medimeta_c.metrics.grid import Scope
from medimeta_c.metrics.variance import variance_split
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.paraphrases.cells import (
    SweptCell,
    cells_sha256,
    read_swept_cells,
    write_swept_cells,
)
from medimeta_c.results.paraphrases.numbers import dataset_sweep, image_parts
from medimeta_c.results.paraphrases.record import (
    AdapterSeed,
    DatasetSweep,
    OverallSweep,
    PromptsSweep,
    overall_spreads,
    overall_variance,
)
from medimeta_c.results.paraphrases.seeds import seed_split
from medimeta_c.results.paraphrases.views import prompts_sentence

SCOPE = Scope(corruptions={"oct": ("contrast",)}, severities=(1, 3))
TEXTS = [{"CNV": f"{words} cnv", "DME": f"{words} dme"} for words in ("a", "b", "c")]
IDS = tuple(f"image-{row}" for row in range(6))


def cell(key: SetKey, predictions: Any, **changes: Any) -> SweptCell:
    values = {"image_ids": IDS, "labels": np.array([0, 1, 0, 1, 0, 1])}
    return SweptCell(key=key, predictions=np.asarray(predictions, dtype=np.int16), **{**values, **changes})


def made(seed: int = 0) -> dict[SetKey, SweptCell]:
    rng = np.random.default_rng(seed)
    return {key: cell(key, rng.integers(0, 2, (6, 3))) for key in SCOPE.cells()}


def swept(cells: dict[SetKey, SweptCell], groups: dict[str, int] | None = None) -> DatasetSweep:
    return dataset_sweep("oct", cells, TEXTS, scope=SCOPE, chosen=None, groups=groups, origin="0" * 64)


def whole(cells: dict[SetKey, SweptCell], result: Any, adapter: AdapterSeed | None = None) -> PromptsSweep:
    datasets = {"oct": swept(cells)}
    return PromptsSweep(
        model=result.run.model,
        fingerprint="1" * 64,
        prompts="paraphrases",
        revision=1,
        scope=SCOPE,
        baseline=None,
        baseline_sha256=None,
        adapter=adapter,
        datasets=datasets,
        overall=OverallSweep(spreads=overall_spreads(datasets), variance=overall_variance(datasets)),
        predictions_sha256=cells_sha256(cells),
    )


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_cells_are_read_back(data: st.DataObject) -> None:
    """Any predictions, in any order of rows; the digest does not see the order."""
    n, prompts = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 4))
    key = SetKey("oct", "test", "contrast", 3)
    values = data.draw(st.lists(st.integers(-1, 32767), min_size=n * prompts, max_size=n * prompts))
    one = cell(key, np.reshape(values, (n, prompts)), image_ids=IDS[:n], labels=np.arange(n))
    with tempfile.TemporaryDirectory() as folder:
        write_swept_cells(Path(folder) / "a.parquet", [one])
        ((_, read),) = read_swept_cells(Path(folder) / "a.parquet").items()
    assert (read.key, read.image_ids) == (one.key, one.image_ids)
    assert read.predictions.dtype == np.int16
    assert read.predictions.tolist() == one.predictions.tolist()
    turned = cell(key, one.predictions[::-1], image_ids=one.image_ids[::-1], labels=one.labels[::-1])
    assert cells_sha256({key: read}) == cells_sha256({key: turned})


def doubled(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table, table])


def without_a_column(table: pa.Table) -> pa.Table:
    return table.drop_columns(["label"])


def ragged(table: pa.Table) -> pa.Table:
    lists = table["predictions"].to_pylist()
    column = pa.array([lists[0][:1], *lists[1:]], pa.list_(pa.int16()))
    return table.set_column(6, table.schema.field(6), column)


def null(table: pa.Table) -> pa.Table:
    column = pa.array([None, *table["image_id"].to_pylist()[1:]], pa.string())
    return table.set_column(4, table.schema.field(4), column)


def other_set(table: pa.Table) -> pa.Table:
    column = pa.array([1, *[0] * (len(table) - 1)], pa.int8())
    return table.set_column(3, table.schema.field(3), column)


def no_class(table: pa.Table) -> pa.Table:
    column = pa.array([[-2, 0, 0]] * len(table), pa.list_(pa.int16()))
    return table.set_column(6, table.schema.field(6), column)


@pytest.mark.parametrize("harm", [doubled, without_a_column, ragged, null, other_set, no_class])
def test_a_file_that_is_not_valid_is_refused(harm: Callable[[pa.Table], pa.Table], tmp_path: Path) -> None:
    """The message names the file and what to do."""
    table = next(iter(made().values())).table()
    pq.write_table(harm(table), tmp_path / "cells.parquet")
    with pytest.raises(ResultError) as caught:
        read_swept_cells(tmp_path / "cells.parquet")
    assert "cells.parquet" in str(caught.value)
    assert "run the sweep over prompts again" in str(caught.value)


def test_a_set_twice_is_refused(tmp_path: Path) -> None:
    one = next(iter(made().values()))
    write_swept_cells(tmp_path / "cells.parquet", [one, one])
    with pytest.raises(ResultError, match="a set twice"):
        read_swept_cells(tmp_path / "cells.parquet")


def test_a_paraphrase_with_nan_has_no_numbers_and_no_spread() -> None:
    """One image without a prediction under one wording: that wording is undefined, the others are not."""
    cells = made()
    key = SetKey("oct", "test", "contrast", 3)
    predictions = cells[key].predictions.copy()
    predictions[2, 1] = -1
    found = swept({**cells, key: cell(key, predictions)})
    assert found.paraphrases[1].numbers["average_accuracy"].value is None
    assert found.paraphrases[1].numbers["clean_accuracy"].value is not None
    assert found.paraphrases[0].numbers["average_accuracy"].value is not None
    assert "paraphrase 2" in str(found.spreads["average_accuracy"].worst.reason)
    assert found.spreads["clean_accuracy"].worst.value is not None
    assert found.variance == {}


def test_a_missing_cell_leaves_numbers_undefined() -> None:
    cells = made()
    del cells[SetKey("oct", "test", "contrast", 1)]
    found = swept(cells)
    assert "oct/test/contrast/severity-1" in str(found.spreads["points_lost"].median.reason)


def test_a_sweep_whose_paraphrases_have_other_numbers_is_refused() -> None:
    """Each has each number, or there is nothing to compare."""
    values = json.loads(swept(made()).model_dump_json())
    del values["paraphrases"][1]["numbers"]["clean_accuracy"]
    with pytest.raises(ValueError, match="paraphrases do not have the same numbers"):
        DatasetSweep.model_validate_json(json.dumps(values))


def test_a_sweep_whose_datasets_have_other_numbers_is_refused(saved: SavedResult) -> None:
    """The numbers over datasets are means of all of them."""
    values = json.loads(whole(made(), saved.result).model_dump_json())
    other = json.loads(json.dumps(values["datasets"]["oct"]))
    for one in (*other["paraphrases"], {"numbers": other["spreads"]}):
        del one["numbers"]["clean_accuracy"]
    values["datasets"]["pbc"] = other
    values["scope"]["corruptions"]["pbc"] = ["contrast"]
    with pytest.raises(ValueError, match="datasets do not have the same numbers"):
        PromptsSweep.model_validate_json(json.dumps(values))


def test_images_of_a_patient_stay_together_in_the_variance() -> None:
    """Whatever the order of the rows."""
    cells = made(3)
    groups = {name: row // 2 for row, name in enumerate(IDS)}
    values = image_parts("oct", cells, SCOPE)["points_lost"]
    expected = variance_split([values[None]], [[0, 0, 1, 1, 2, 2]])
    assert swept(cells, groups).variance["points_lost"] == expected
    turned = {
        key: cell(key, one.predictions[::-1], image_ids=IDS[::-1], labels=one.labels[::-1])
        for key, one in cells.items()
    }
    assert swept(turned, groups) == swept(cells, groups)
    with pytest.raises(ResultError, match="do not contain 'image-5'"):
        swept(cells, dict.fromkeys(IDS[:-1], 0))


def test_a_sentence_says_the_marks(saved: SavedResult) -> None:
    """A trial's sweep is a trial's."""
    sweep = whole(made(), saved.result)
    assert prompts_sentence(sweep, saved.result).startswith("Over 3 wordings of the prompts accuracy under")
    assert "trial" not in prompts_sentence(sweep, saved.result)
    trial = saved.result.model_copy(update={"marks": ("limited",)})
    assert prompts_sentence(sweep, trial).endswith("This is a trial on a part of each split.")


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (AdapterSeed(seed=0, recipe_sha256="a" * 64), "two adapters of one recipe have the seed 0"),
        (AdapterSeed(seed=1, recipe_sha256="b" * 64), "differ in more than the seed"),
        (None, "differ in more than the seed"),
    ],
)
def test_what_is_not_seeds_of_one_recipe_is_refused(
    second: AdapterSeed | None, message: str, saved: SavedResult
) -> None:
    pairs = [
        (whole(made(0), saved.result, AdapterSeed(seed=0, recipe_sha256="a" * 64)), made(0)),
        (whole(made(1), saved.result, second), made(1)),
    ]
    with pytest.raises(ResultError, match=message):
        seed_split(pairs, {})
