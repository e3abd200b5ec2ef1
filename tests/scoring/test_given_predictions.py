"""Predictions made elsewhere: scored like a model's, marked unverified, ranked nowhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from medimeta_c.cli import app
from medimeta_c.errors import ConfigError, MediMetaError, ResultError
from medimeta_c.format.benchmark import open_benchmark
from medimeta_c.results.comparison import compare
from medimeta_c.results.folder.saved import read_saved
from medimeta_c.scoring.given import PredictionsConfig, score_predictions
from medimeta_c.scoring.givenfile import GivenRows, read_given

RUNNER = CliRunner()


def answers(benchmark: Path) -> dict[str, list[object]]:
    """Probabilities for every image of a benchmark, rows in a shuffled order."""
    draw = np.random.Generator(np.random.Philox(key=3))
    opened = open_benchmark(benchmark)
    rows = []
    for key in opened.sets:
        for table in opened.tables(key, ("image_id",)):
            for image_id in table["image_id"].to_pylist():
                p = draw.dirichlet(np.ones(len(opened.class_names(key.dataset))))
                rows.append((str(key), image_id, p.astype(np.float32).tolist()))
    draw.shuffle(rows)
    columns = ("set", "image_id", "probabilities")
    return {name: [row[index] for row in rows] for index, name in enumerate(columns)}


def written(path: Path, columns: dict[str, list[object]]) -> Path:
    if path.suffix == ".csv":
        columns = {**columns}
        if "probabilities" in columns:
            columns["probabilities"] = [json.dumps(each) for each in columns["probabilities"]]
        pa.csv.write_csv(pa.table(columns), path)
    else:
        pq.write_table(pa.table(columns), path)
    return path


def config(file: Path, benchmark: Path, out: Path, **more: object) -> PredictionsConfig:
    return PredictionsConfig(predictions=file, benchmark=benchmark, out=out, baseline="none", **more)


@pytest.mark.parametrize("name", ["answers.parquet", "answers.csv"])
def test_each_form_gives_the_numbers_of_its_rows(name: str, small: Path, tmp_path: Path) -> None:
    """Accuracy of each set equals a count over the file, whatever the order of rows."""
    given = answers(small)
    saved = score_predictions(config(written(tmp_path / name, given), small, tmp_path / "out"))
    assert saved.result.complete
    assert saved.result.marks == ("unverified",)
    assert saved.path.parent.name == "predictions-answers"
    by_image = {(key, image_id): p for key, image_id, p in zip(*(given[c] for c in given), strict=True)}
    for key, cell in saved.predictions.items():
        for image_id, p, chosen in zip(cell.image_ids, cell.probabilities, cell.predictions, strict=True):
            np.testing.assert_allclose(p, by_image[str(key), image_id], atol=1e-7)
            assert chosen == int(np.argmax(by_image[str(key), image_id]))
        right = [
            int(np.argmax(by_image[str(key), i])) == t
            for i, t in zip(cell.image_ids, cell.labels, strict=True)
        ]
        assert saved.result.cell(key).correct == sum(right)


def test_names_and_indices_say_the_same(small: Path, tmp_path: Path) -> None:
    """A class by its name, by its index, and none at all, which is wrong and leaves the cell valid."""
    given = answers(small)
    best = [int(np.argmax(p)) for p in given.pop("probabilities")]
    parts = [str(each).split("/") for each in given.pop("set")]
    keyed = {
        **given,
        "dataset": [part[0] for part in parts],
        "corruption": [part[2] for part in parts],
        "severity": [int(part[3][-1]) for part in parts],
    }
    numbers = written(tmp_path / "numbers.parquet", {**keyed, "prediction": best})
    names = written(tmp_path / "names.csv", {**keyed, "prediction": [f"class{index}" for index in best]})
    none = written(tmp_path / "none.csv", {**keyed, "prediction": ["" for _ in best]})
    one, two, three = (
        score_predictions(config(file, small, tmp_path / "out")) for file in (numbers, names, none)
    )
    assert [cell.correct for cell in one.result.scores.cells] == [c.correct for c in two.result.scores.cells]
    assert all((cell.correct, cell.invalid) == (0, 0) for cell in three.result.scores.cells)
    assert all((each.predictions == -2).all() for each in three.predictions.values())


def test_it_is_marked_and_ranked_nowhere(small: Path, tmp_path: Path) -> None:
    """The report says so first, and a comparison gives it no rank."""
    given = answers(small)
    first = score_predictions(
        config(written(tmp_path / "a.csv", given), small, tmp_path / "out", name="ours")
    )
    swapped = {**given, "probabilities": [p[::-1] for p in given["probabilities"]]}
    second = score_predictions(config(written(tmp_path / "b.csv", swapped), small, tmp_path / "out"))
    assert "Unverified: the predictions come from a file." in (first.path / "report.md").read_text()
    assert read_saved(first.path).result.run.model.spec == "predictions:ours"
    compared = compare([first.path, second.path])
    assert [one.ranks for one in compared.models] == [None, None]
    assert any("its predictions were made elsewhere; no rank" in note for note in compared.notes)


def test_what_the_file_lacks_is_missing(small: Path, tmp_path: Path) -> None:
    """Sets without rows make the result incomplete; no set at all is refused."""
    given = answers(small)
    kept = [index for index, key in enumerate(given["set"]) if "severity-3" not in str(key)]
    part = {name: [column[index] for index in kept] for name, column in given.items()}
    saved = score_predictions(config(written(tmp_path / "part.csv", part), small, tmp_path / "out"))
    assert not saved.result.complete
    assert [str(key) for key in saved.result.missing] == ["rays/test/contrast/severity-3"]
    other = {**part, "set": [str(key).replace("rays", "lungs") for key in part["set"]]}
    with pytest.raises(ConfigError, match="none of rays"):
        score_predictions(config(written(tmp_path / "other.csv", other), small, tmp_path / "out"))


def change(column: str, value: object) -> Callable[[dict[str, list[object]]], dict[str, list[object]]]:
    """Return a change of the first row of a column, or of a new column."""
    return lambda given: {**given, column: [value, *given.get(column, given["image_id"])[1:]]}


def drop(*columns: str) -> Callable[[dict[str, list[object]]], dict[str, list[object]]]:
    return lambda given: {name: column for name, column in given.items() if name not in columns}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (drop("image_id"), "it must have image_id"),
        (drop("set"), "it must have the column set"),
        (lambda given: {name: [] for name in given}, "has no rows"),
        (change("set", "rays"), "row 1: 'rays' names no set"),
        (change("image_id", "nobody"), "images are missing"),
        (change("probabilities", [0.5, 0.25, 0.25]), "all of one length"),
        (change("probabilities", [0.9, 0.9]), "do not sum to 1"),
        (lambda given: {**given, "probabilities": [[1.0]] * len(given["set"])}, "of 1 classes"),
        (
            lambda given: drop("probabilities")({**given, "prediction": ["clas1"] * len(given["set"])}),
            "'clas1'",
        ),
        (lambda given: drop("probabilities")({**given, "prediction": [2] * len(given["set"])}), "2 classes"),
        (
            lambda given: drop("probabilities")({**given, "prediction": ["9" * 30] * len(given["set"])}),
            "neither a class name nor an index",
        ),
        (lambda given: {**given, "label": [1] * len(given["set"])}, "not the benchmark's"),
        (lambda given: {name: [*column, column[0]] for name, column in given.items()}, "there twice"),
    ],
)
@pytest.mark.parametrize("name", ["spoiled.parquet", "spoiled.csv"])
def test_rows_that_do_not_fit_are_refused(
    spoil: Callable[[dict[str, list[object]]], dict[str, list[object]]],
    said: str,
    name: str,
    small: Path,
    tmp_path: Path,
) -> None:
    """One sentence that names the file, and what is wrong in it."""
    file = written(tmp_path / name, spoil(answers(small)))
    with pytest.raises(ResultError, match=said) as caught:
        score_predictions(config(file, small, tmp_path / "out"))
    assert name in str(caught.value)


@pytest.mark.parametrize("column", ["set", "image_id", "prediction", "label"])
def test_a_column_of_lists_or_one_that_is_there_twice_is_refused(column: str, tmp_path: Path) -> None:
    """Parquet can hold either; there must be one value a row."""
    one_row = {"set": "rays/test/clean/severity-0", "image_id": "a", "prediction": 0, "label": 0}
    arrays = {name: pa.array([value]) for name, value in one_row.items()}
    pq.write_table(pa.table({**arrays, column: pa.array([[one_row[column]]])}), tmp_path / "lists.parquet")
    with pytest.raises(ResultError, match=f"lists in the column {column}"):
        read_given(tmp_path / "lists.parquet", "test")
    twice = pa.Table.from_arrays([*arrays.values(), arrays[column]], names=[*arrays, column])
    pq.write_table(twice, tmp_path / "twice.parquet")
    with pytest.raises(ResultError, match=f"the column {column} 2 times"):
        read_given(tmp_path / "twice.parquet", "test")


def test_names_of_columns_are_shown_on_one_line(tmp_path: Path) -> None:
    """A quoted name of a CSV file may have a line break."""
    path = tmp_path / "given.csv"
    path.write_text('set,"im\nage_id",prediction\na/b/clean/severity-0,x,0\n')
    with pytest.raises(ResultError, match=r"has the columns|not readable") as caught:
        read_given(path, "test")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "prediction", [True, 1.0, 2**63, "--1", "9" * 5000], ids=["bool", "float", "large", "dashes", "digits"]
)
def test_a_prediction_is_a_name_or_an_index(prediction: object) -> None:
    rows = GivenRows(image_ids=["a"], predictions=[prediction], probabilities=None, labels=None)
    with pytest.raises(ResultError, match=r"the prediction .* is neither a class name nor an index"):
        rows.in_order(["a"], ["benign", "malignant"])


def test_probabilities_beyond_any_float_are_refused() -> None:
    rows = GivenRows(image_ids=["a"], predictions=None, probabilities=[f"[1{'0' * 400}, 0]"], labels=None)
    with pytest.raises(ResultError, match="all of one length"):
        rows.in_order(["a"], ["benign", "malignant"])


@pytest.mark.parametrize("data", [b"", b"PAR1nothing", b"\xff\xfe\x00", b'"a\n', b"image_id,pr\xe4\n1,0\n"])
@pytest.mark.parametrize("name", ["x.parquet", "x.csv"])
def test_files_of_another_form_are_refused(data: bytes, name: str, small: Path, tmp_path: Path) -> None:
    """Whatever the bytes, the error is one of ours."""
    (tmp_path / name).write_bytes(data)
    with pytest.raises(MediMetaError, match=name):
        score_predictions(config(tmp_path / name, small, tmp_path / "out"))


@pytest.mark.parametrize("name", ["x.parquet", "x.csv"])
def test_a_column_given_twice_is_refused(name: str, small: Path, tmp_path: Path) -> None:
    """Which of the two would count?"""
    table = pa.table([["a"], ["0"], ["1"]], names=["image_id", "prediction", "prediction"])
    (pa.csv.write_csv if name.endswith("csv") else pq.write_table)(table, tmp_path / name)
    with pytest.raises(ResultError, match=f"{name} has the column prediction 2 times: keep one"):
        score_predictions(config(tmp_path / name, small, tmp_path / "out"))


def test_digits_as_class_names_are_never_taken_for_indices() -> None:
    """If classes are called 1, 2, 3, a text that is no class is refused: it is not read as an index."""
    rows = GivenRows(image_ids=["a", "b"], predictions=["3", "1"], probabilities=None, labels=None)
    assert rows.in_order(["a", "b"], ["1", "2", "3"]).predictions.tolist() == [2, 0]
    rows = GivenRows(image_ids=["a", "b"], predictions=["0", "1"], probabilities=None, labels=None)
    with pytest.raises(ResultError, match="'0' is not one of the classes 1, 2, 3"):
        rows.in_order(["a", "b"], ["1", "2", "3"])


def test_the_command_scores_a_file(small: Path, tmp_path: Path) -> None:
    """No model is loaded; one way of naming what is scored."""
    file = written(tmp_path / "answers.csv", answers(small))
    words = ["evaluate", "--benchmark", str(small), "--baseline", "none", "--out", str(tmp_path / "out")]
    done = RUNNER.invoke(app, [*words, "--from-predictions", str(file), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["marks"] == ["unverified"]
    for more, said in (
        ([], "no model is given"),
        (["--model", "a/b", "--from-predictions", str(file)], "use one of them"),
        (["--from-predictions", str(file), "--limit", "2"], "scored whole"),
    ):
        refused = RUNNER.invoke(app, [*words, *more])
        assert (refused.exit_code, said in refused.stderr) == (2, True), refused.output
