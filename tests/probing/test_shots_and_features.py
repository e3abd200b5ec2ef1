"""How shots are drawn, and that kept features are used only for what they are of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from medimeta_c.errors import ConfigError, ResultError
from medimeta_c.probing.featurefile import FeatureSet, Origin, read_feature_set, write_feature_set
from medimeta_c.probing.shots import Listing, draw, draw_from_val, rows_digest

COUNTS = (7, 4, 12)
LABELS = tuple(label for label, count in enumerate(COUNTS) for _ in range(count))
IDS = tuple(f"{number:06d}" for number in range(len(LABELS)))
LISTING = Listing(dataset="d", split="train", class_names=("a", "b", "c"), image_ids=IDS, labels=LABELS)
ORIGIN = Origin(encoder="e" * 64, images="f" * 64)


def drawn(listing: Listing, shots: int | None, seed: int) -> set[str]:
    return {listing.image_ids[row] for row in draw(listing, shots, seed)}


def test_a_draw_has_as_many_of_each_class() -> None:
    for shots in (1, 2, 4):
        labels = [LABELS[row] for row in draw(LISTING, shots, 0)]
        assert [labels.count(label) for label in range(3)] == [shots] * 3
    assert draw(LISTING, None, 0) == tuple(range(len(IDS)))


def test_more_shots_hold_what_fewer_took() -> None:
    assert drawn(LISTING, 1, 3) < drawn(LISTING, 2, 3) < drawn(LISTING, 4, 3)


def test_a_draw_depends_on_seed_and_ids_not_on_order() -> None:
    order = np.random.Generator(np.random.Philox(key=1)).permutation(len(IDS))
    turned = Listing(
        dataset="d",
        split="train",
        class_names=LISTING.class_names,
        image_ids=tuple(IDS[row] for row in order),
        labels=tuple(LABELS[row] for row in order),
    )
    assert drawn(turned, 2, 5) == drawn(LISTING, 2, 5)
    assert len({frozenset(drawn(LISTING, 2, seed)) for seed in range(5)}) > 1


@pytest.mark.parametrize(
    ("shots", "words"),
    [(5, "5 shots of each class cannot be drawn from train of d: 'b' has 4"), (8, "'a' has 7, 'b' has 4")],
)
def test_too_many_shots_name_the_classes_and_what_they_have(shots: int, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        draw(LISTING, shots, 0)
    assert words in str(caught.value)
    assert str(caught.value).endswith("use at most `shots=4`")


def test_a_class_without_images_leaves_the_dataset_out() -> None:
    empty = Listing(dataset="d", split="train", class_names=("a", "z"), image_ids=("1",), labels=(0,))
    with pytest.raises(ConfigError, match="'z' has 0: leave the dataset out of `datasets`"):
        draw(empty, None, 0)


def test_of_val_what_is_not_drawn_is_left() -> None:
    both = draw_from_val(LISTING, 2, 0)
    assert len(both.train) == 6
    assert sorted((*both.train, *both.val)) == list(range(len(IDS)))


def test_the_digest_is_of_ids_labels_and_split() -> None:
    other = Listing(dataset="d", split="val", class_names=("a", "b", "c"), image_ids=IDS, labels=LABELS)
    digests = {
        rows_digest((LISTING, [0, 1])),
        rows_digest((LISTING, [0, 2])),
        rows_digest((other, [0, 1])),
        rows_digest((LISTING, [0]), (LISTING, [1])),
    }
    assert len(digests) == 4


@pytest.fixture
def features() -> FeatureSet:
    draw = np.random.Generator(np.random.Philox(key=2))
    return FeatureSet(
        image_ids=("a", "b", "c"),
        labels=np.array([0, 1, 0]),
        vectors=draw.standard_normal((3, 5)).astype(np.float32),
    )


def test_features_come_back_as_they_were_written(features: FeatureSet, tmp_path: Path) -> None:
    """Bit for bit, NaN included."""
    features.vectors[1, 2] = np.nan
    write_feature_set(tmp_path / "f.parquet", features, ORIGIN)
    found = read_feature_set(tmp_path / "f.parquet", ORIGIN)
    assert found.image_ids == features.image_ids
    assert found.labels.tolist() == features.labels.tolist()
    assert found.vectors.tobytes() == features.vectors.tobytes()


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        (Origin(encoder="0" * 64, images=ORIGIN.images), "another model"),
        (Origin(encoder=ORIGIN.encoder, images="0" * 64), "other images"),
    ],
    ids=["model", "images"],
)
def test_features_of_something_else_are_refused(
    features: FeatureSet, tmp_path: Path, origin: Origin, words: str
) -> None:
    write_feature_set(tmp_path / "f.parquet", features, ORIGIN)
    with pytest.raises(ResultError, match=f"holds features of {words}"):
        read_feature_set(tmp_path / "f.parquet", origin)


@pytest.mark.parametrize("column", ["image_id", "label", "feature"])
def test_edited_features_are_refused(features: FeatureSet, tmp_path: Path, column: str) -> None:
    """One value of one column, in a file that is otherwise whole."""
    path = tmp_path / "f.parquet"
    write_feature_set(path, features, ORIGIN)
    table = pq.read_table(path)
    values = table[column].to_pylist()
    values[0] = {"image_id": "z", "label": 1, "feature": [0.0] * 5}[column]
    place = table.schema.get_field_index(column)
    pq.write_table(table.set_column(place, column, pa.array(values, table.schema.field(column).type)), path)
    with pytest.raises(ResultError, match="was edited"):
        read_feature_set(path, ORIGIN)


def test_a_damaged_file_is_refused(features: FeatureSet, tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    write_feature_set(path, features, ORIGIN)
    whole = path.read_bytes()
    for data in (whole[: len(whole) // 2], b"", b"PAR1"):
        path.write_bytes(data)
        with pytest.raises(ResultError, match="holds no features of a set"):
            read_feature_set(path, ORIGIN)
    nested = pa.table({"image_id": ["a"]}).replace_schema_metadata({"medimeta-c features": "[" * 50_000})
    for table in (pa.table({"image_id": ["a"]}), nested):
        pq.write_table(table, path)
        with pytest.raises(ResultError, match="holds no features of a set"):
            read_feature_set(path, ORIGIN)
