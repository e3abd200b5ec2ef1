"""Phantoms: genuine MedIMeta folders, the same everywhere, that a model can learn from."""

from __future__ import annotations

import csv
import hashlib
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml
from filelock import Timeout
from numpy.typing import NDArray
from phantom_features import accuracy, structure
from PIL import Image

from medimeta_c.errors import ConfigError, SourceError
from medimeta_c.format.suites import CORE
from medimeta_c.sources import open_source
from medimeta_c.sources.contract import Source
from medimeta_c.sources.phantoms import open_phantoms
from medimeta_c.sources.phantoms.drawing import Dice
from medimeta_c.sources.phantoms.oct import render
from medimeta_c.sources.phantoms.plan import PLANS
from medimeta_c.sources.phantoms.record import PhantomPlan
from medimeta_c.sources.phantoms.writer import ensure_phantoms

# Of MedIMeta's own info.yaml files: channels, domain, task used, class names in label order.
REAL = {
    "pbc": (
        3,
        "Microscopy",
        "cell class",
        "neutrophil eosinophil basophil lymphocyte monocyte immature_granulocyte erythroblast platelet",
    ),
    "mammo_calc": (1, "Mammography", "pathology", "benign malignant"),
    "pneumonia": (1, "Chest X-ray", "disease class", "NORMAL BACTERIA VIRUS"),
    "fundus": (3, "Retinal fundus", "disease presence", "normal abnormal"),
    "oct": (1, "OCT", "disease class", "CNV DME DRUSEN NORMAL"),
}

# SHA-256 of every image's bytes in row order. Other pixels are another PHANTOM_VERSION.
PIXELS = {
    "pbc": "01bc1e8df184aa74c60a7cc03904a53b5c8756e5bb2f712b1e8d1f1af880ae89",
    "mammo_calc": "9bbc3a2ac3ddfe91834c76b8d667e5729e803b3b10934b19d607cbe46ff4afc8",
    "pneumonia": "2003fc1b3f4f569658c6aab3c8bf9ade0a0f2d6e2f768ca26e221ef278638a82",
    "fundus": "beb7ff0a6a42e972783486f797fea4c9cb4661f60cda1f75a72714196ba76892",
    "oct": "745caa4fd65aeee2a22fa0c5c7170fff9dd2ee5cadd8dec97f632472f2b299f6",
}

each_dataset = pytest.mark.parametrize("dataset", CORE.headline["medimeta"])


def few(plan: PhantomPlan, **changes: object) -> PhantomPlan:
    """The same plan with one image a class and split, so that writing it is quick."""
    return replace(plan, per_class={"train": 1, "val": 1, "test": 1}, **changes)  # type: ignore[arg-type]


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder: relative path to bytes."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def info_of(folder: Path) -> dict[str, object]:
    """The folder's info.yaml."""
    loaded = yaml.safe_load((folder / "info.yaml").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def stored(folder: Path) -> NDArray[np.uint8]:
    """All pixels of the folder's HDF5 file."""
    with h5py.File(folder / "images.hdf5", "r") as file:
        return np.asarray(file["images"])


# What is written


def test_the_five_benchmark_datasets_have_phantoms() -> None:
    """Whoever can build the benchmark can try it on phantoms first."""
    assert CORE.headline["phantoms"] == tuple(PLANS)[:5]


@each_dataset
def test_description_is_the_real_one_in_small(phantoms_dir: Path, dataset: str) -> None:
    """Id, domain, channels, task and class order are MedIMeta's; the numbers are the phantoms' own."""
    info = info_of(phantoms_dir / dataset)
    channels, domain, task, names = REAL[dataset]
    assert (info["id"], info["domain"], info["input_size"]) == (dataset, domain, [channels, 224, 224])
    first = info["tasks"][0]  # type: ignore[index]
    assert first["task_name"] == task
    assert first["labels"] == {i: name.replace("_", " ") for i, name in enumerate(names.split())}
    target = "BINARY_CLASSIFICATION" if len(first["labels"]) == 2 else "MULTICLASS_CLASSIFICATION"
    assert first["task_target"] == target
    fields = "id name summary domain tasks input_size total_num_samples splits_num_samples"
    fields += " original_splits_num_samples domain_overlaps subject_overlaps license DOI download_url"
    assert list(info) == [*fields.split(), "original_data"]


@each_dataset
def test_every_file_says_synthetic(phantoms_dir: Path, dataset: str) -> None:
    """Nobody takes a phantom for a medical image: name, summary, licence and reference say what it is."""
    info = info_of(phantoms_dir / dataset)
    assert str(info["name"]).endswith("phantoms (synthetic, not medical images)")
    assert "synthetic" in str(info["summary"]).lower()
    assert info["license"] == "CC0-1.0"
    assert "phantoms" in info["original_data"][0]["title"]  # type: ignore[index]
    assert "not medical images" in (phantoms_dir / dataset / "LICENSE").read_text(encoding="utf-8")


@each_dataset
def test_folder_holds_medimetas_files_and_no_other(phantoms_dir: Path, dataset: str) -> None:
    """The file list is that of a published MedIMeta folder."""
    folder = phantoms_dir / dataset
    info = info_of(folder)
    total = info["total_num_samples"]
    assert isinstance(total, int)
    wanted = {"info.yaml", "images.hdf5", "annotations.csv", "LICENSE"}
    wanted |= {f"images/{row:06d}.tiff" for row in range(total)}
    wanted |= {f"task_labels/{task['task_name']}.npy" for task in info["tasks"]}  # type: ignore[attr-defined]
    for kind in ("splits", "original_splits"):
        sizes = info[f"{kind}_num_samples"]
        wanted |= {f"{kind}/{split}.txt" for split, size in sizes.items() if size}  # type: ignore[attr-defined]
    assert set(files(folder)) == wanted


@each_dataset
def test_hdf5_and_tiffs_hold_the_same_uncompressed_bytes(phantoms_dir: Path, dataset: str) -> None:
    """images.hdf5 is one contiguous uint8 array; row 12 is images/000012.tiff, stored uncompressed."""
    folder = phantoms_dir / dataset
    with h5py.File(folder / "images.hdf5", "r") as file:
        assert list(file) == ["images"]
        assert file["images"].chunks is None
        assert file["images"].compression is None
    images = stored(folder)
    channels = REAL[dataset][0]
    assert images.dtype == np.uint8
    assert images.shape[1:] == ((224, 224, 3) if channels == 3 else (224, 224))
    for row, pixels in enumerate(images):
        with Image.open(folder / f"images/{row:06d}.tiff") as tiff:
            assert tiff.tag_v2[259] == 1  # Compression: none
            assert np.array_equal(np.asarray(tiff), pixels)
    assert len({pixels.tobytes() for pixels in images}) == len(images)


@each_dataset
def test_splits_share_the_rows_out(phantoms_dir: Path, dataset: str) -> None:
    """Each row is in exactly one split and one original split, as many as info.yaml says."""
    folder = phantoms_dir / dataset
    info = info_of(folder)
    for kind in ("splits", "original_splits"):
        lines = {p.stem: p.read_text(encoding="utf-8").splitlines() for p in (folder / kind).iterdir()}
        sizes = info[f"{kind}_num_samples"]
        assert {name: len(rows) for name, rows in lines.items()} == {k: v for k, v in sizes.items() if v}  # type: ignore[attr-defined]
        everything = sorted(line for rows in lines.values() for line in rows)
        assert everything == [f"images/{row:06d}.tiff" for row in range(info["total_num_samples"])]  # type: ignore[call-overload]
    assert 24 <= info["splits_num_samples"]["test"] <= 40  # type: ignore[index]
    assert info["splits_num_samples"]["train"] > info["splits_num_samples"]["test"]  # type: ignore[index]


@each_dataset
def test_labels_are_balanced_and_agree_with_the_annotations(phantoms_dir: Path, dataset: str) -> None:
    """Labels are (N,) int64, every class equally often in every split, and annotations.csv repeats them."""
    folder = phantoms_dir / dataset
    with (folder / "annotations.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    for task in info_of(folder)["tasks"]:  # type: ignore[attr-defined]
        labels = np.load(folder / "task_labels" / f"{task['task_name']}.npy")
        assert labels.dtype == np.int64
        assert labels.tolist() == [int(row[f"tasks/{task['task_name']}"]) for row in table]
    main = np.load(folder / "task_labels" / f"{REAL[dataset][2]}.npy")
    for split in ("train", "val", "test"):
        rows = [int(line[7:13]) for line in (folder / f"splits/{split}.txt").read_text().split()]
        assert {table[row]["split"] for row in rows} == {split}
        counts = np.bincount(main[rows], minlength=len(REAL[dataset][3].split()))
        assert counts.min() == counts.max() > 0


def test_pneumonia_presence_follows_from_the_disease(phantoms_dir: Path) -> None:
    """The real dataset's second task is there too: bacteria and virus are both pneumonia."""
    labels = phantoms_dir / "pneumonia/task_labels"
    presence, disease = np.load(labels / "pneumonia presence.npy"), np.load(labels / "disease class.npy")
    assert np.array_equal(presence, disease > 0)


# The same everywhere


@each_dataset
def test_pixels_are_those_of_this_version(phantoms_dir: Path, dataset: str) -> None:
    """Every machine and every supported NumPy and SciPy draw the same pixels."""
    assert hashlib.sha256(stored(phantoms_dir / dataset).tobytes()).hexdigest() == PIXELS[dataset]


@each_dataset
def test_two_writes_are_byte_identical(tmp_path: Path, dataset: str) -> None:
    """Nothing but the version enters a folder's bytes: no time, no path, no order."""
    plan = few(PLANS[dataset])
    first, second = (ensure_phantoms(plan, tmp_path / name) for name in ("a", "b"))
    assert files(first) == files(second)


def test_an_image_depends_on_its_row_alone() -> None:
    """Drawing other images first, or none, changes no pixel; another row of the class is another image."""
    plan = PLANS["oct"]
    again = plan.image(7, 3)
    plan.image(0, 0)
    assert np.array_equal(plan.image(7, 3), again)
    assert not np.array_equal(plan.image(11, 3), again)


def test_draws_are_uniform_and_grain_is_standard() -> None:
    """Dice keep to their range, reach both ends, and grain has mean 0 and deviation 1."""
    dice = Dice("test")
    numbers = dice.uniforms(-2, 3, 20000)
    assert -2 <= numbers.min() < -1.99
    assert 2.99 < numbers.max() < 3
    assert {dice.integer(1, 3) for _ in range(60)} == {1, 2, 3}
    grain = dice.grain((200, 200))
    assert abs(grain.mean()) < 0.03
    assert abs(grain.std() - 1) < 0.02
    assert 2.5 < np.abs(grain).max() <= 3.4642


# Opening them


@each_dataset
def test_source_reads_them_and_says_phantoms(phantoms_dir: Path, dataset: str) -> None:
    """The registry opens them by their real id; kind and title keep them apart from the real data."""
    source = open_source("phantoms", dataset, phantoms_dir.parent)
    channels, _, task, names = REAL[dataset]
    assert (source.info.kind, source.info.dataset, source.info.task) == ("phantoms", dataset, task)
    assert "synthetic" in source.info.title
    assert source.info.license == "CC0-1.0"
    assert "MediMeta-C authors" in source.info.citation
    assert source.info.homepage == ""
    assert [name.replace(" ", "_") for name in source.info.class_names] == names.split()
    assert source.info.channels == channels
    test_ids = source.ids("test")
    assert len(test_ids) == source.info.splits["test"]
    assert np.array_equal(source.image("test", test_ids[0]), stored(phantoms_dir / dataset)[int(test_ids[0])])
    assert {source.label("test", i) for i in test_ids} == set(range(len(source.info.class_names)))


def test_source_travels_to_other_processes(phantoms_dir: Path) -> None:
    """A pickled source reads the same image and has the same checksum."""
    source = open_phantoms("oct", phantoms_dir.parent)
    copy: Source = pickle.loads(pickle.dumps(source))
    first = source.ids("val")[0]
    assert np.array_equal(copy.image("val", first), source.image("val", first))
    assert copy.checksum() == source.checksum()
    assert copy.info == source.info


def test_another_task_can_be_chosen(phantoms_dir: Path) -> None:
    """`--task` works as on the real dataset."""
    source = open_phantoms("pneumonia", phantoms_dir.parent, task="pneumonia presence")
    assert source.info.class_names == ("NORMAL", "PNEUMONIA")
    with pytest.raises(ConfigError, match="unknown task"):
        open_phantoms("pneumonia", phantoms_dir.parent, task="age")


def test_unknown_dataset_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    """A MedIMeta dataset without phantoms is a wrong request; nothing is written."""
    with pytest.raises(ConfigError, match=r"unknown dataset of phantoms 'octs': did you mean 'oct'\?"):
        open_phantoms("octs", tmp_path)
    assert list(tmp_path.iterdir()) == []


# Writing them once, whole


def test_complete_folder_is_left_alone(tmp_path: Path) -> None:
    """Opening again writes nothing."""
    plan = few(PLANS["oct"])
    folder = ensure_phantoms(plan, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    ensure_phantoms(plan, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


@pytest.mark.parametrize("spoil", ["missing tiff", "short hdf5", "other plan", "not text"])
def test_incomplete_folder_is_written_again(tmp_path: Path, spoil: str) -> None:
    """A file missing, cut short or of another plan: the folder is replaced by a whole one."""
    plan = few(PLANS["oct"])
    folder = ensure_phantoms(plan, tmp_path)
    whole = files(folder)
    if spoil == "missing tiff":
        (folder / "images/000003.tiff").unlink()
    elif spoil == "short hdf5":
        (folder / "images.hdf5").write_bytes(whole["images.hdf5"][:5000])
    elif spoil == "other plan":
        (folder / "info.yaml").write_text("id: oct\n", encoding="utf-8")
    else:
        (folder / "info.yaml").write_bytes(b"\xff\xfe")
    ensure_phantoms(plan, tmp_path)
    assert files(folder) == whole


def test_simultaneous_writers_agree(tmp_path: Path) -> None:
    """Four at once get one whole folder, drawn once, and leave nothing but the lock beside it."""
    drawn: list[int] = []

    def draw(dice: Dice, label: int) -> NDArray[np.uint8]:
        drawn.append(label)
        return render(dice, label)

    plan = few(PLANS["oct"], draw=draw)
    with ThreadPoolExecutor(4) as pool:
        folders = set(pool.map(lambda _: ensure_phantoms(plan, tmp_path), range(4)))
    assert folders == {tmp_path / "oct"}
    assert len(drawn) == 12
    assert {path.name for path in tmp_path.iterdir()} - {".oct.lock"} == {"oct"}


def test_left_overs_of_a_killed_writer_are_swept_up(tmp_path: Path) -> None:
    """Half a folder under a temporary name neither blocks nor survives the next write."""
    for name in (".oct.new", ".oct.old"):
        (tmp_path / name / "images").mkdir(parents=True)
    ensure_phantoms(few(PLANS["oct"]), tmp_path)
    assert not any((tmp_path / name).exists() for name in (".oct.new", ".oct.old"))


def test_full_disk_leaves_no_folder(tmp_path: Path) -> None:
    """When writing fails the error says where and what to do, and there is no half folder."""

    def draw(dice: Dice, label: int) -> NDArray[np.uint8]:
        raise OSError(28, "No space left on device")

    with pytest.raises(SourceError, match=r"oct.*No space left on device.*`data_dir`"):
        ensure_phantoms(few(PLANS["oct"], draw=draw), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} <= {".oct.lock"}


def test_unwritable_data_folder_is_named(tmp_path: Path) -> None:
    """A data folder that is a file is a source error that names the place, not a traceback."""
    (tmp_path / "data").write_text("", encoding="utf-8")
    with pytest.raises(SourceError, match=r"cannot write the phantoms of 'oct' to .*data.*phantoms-1.*oct"):
        open_phantoms("oct", tmp_path / "data")


def test_held_lock_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for another writer ends with what to do about it."""

    class Held:
        def __init__(self, path: Path, timeout: float) -> None:
            self.path = path

        def __enter__(self) -> None:
            raise Timeout(str(self.path))

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr("medimeta_c.sources.phantoms.writer.FileLock", Held)
    with pytest.raises(SourceError, match="another process has been writing"):
        ensure_phantoms(few(PLANS["oct"]), tmp_path)


# Learning from them


@each_dataset
def test_classes_differ_in_structure_not_in_mean_colour(phantoms_dir: Path, dataset: str) -> None:
    """A linear model on simple shape features is far above chance on unseen images, on mean colour not."""
    folder = phantoms_dir / dataset
    images, labels = stored(folder), np.load(folder / "task_labels" / f"{REAL[dataset][2]}.npy")
    train = np.zeros(len(labels), dtype=bool)
    train[[int(line[7:13]) for line in (folder / "splits/train.txt").read_text().split()]] = True
    shapes = accuracy(np.array([structure(image) for image in images]), labels, train)
    colour = accuracy(images.reshape(len(images), 224 * 224, -1).mean(1), labels, train)
    chance = 1 / (labels.max() + 1)
    assert shapes > chance + 0.2
    assert colour < chance + 0.15
