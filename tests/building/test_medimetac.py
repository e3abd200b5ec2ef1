"""The authors' own MediMeta-C: imported as it is, its rows, labels and corruptions audited."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from medimetac_files import clean_rows, corrupted, write_medimeta, write_published
from typer.testing import CliRunner

from medimeta_c.building.assembly import BuildProgress
from medimeta_c.building.medimetac.files import published
from medimeta_c.building.medimetac.importing import ImportReport, MedimetacConfig, import_medimetac
from medimeta_c.building.medimetac.matching import decide_classes
from medimeta_c.building.medimetac.records import Audit, DatasetAudit, FileAudit, Moments
from medimeta_c.building.medimetac.source import BY_POSITION, LEFT_OUT
from medimeta_c.building.verification import verify
from medimeta_c.cli import app
from medimeta_c.errors import BuildError, ConfigError, MediMetaError, SourceError
from medimeta_c.format.benchmark import open_benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.file import MANIFEST_NAME
from medimeta_c.format.suites import CORE
from medimeta_c.io.reading import read_record
from medimeta_c.sources.catalog import catalog

RUNNER = CliRunner()
Configure = Callable[..., MedimetacConfig]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``clean`` in MedIMeta's layout and ``c`` in the published one: oct (grey) and fundus (colour)."""
    root = tmp_path_factory.mktemp("files")
    for dataset, corruptions in (("oct", CORE.corruptions), ("fundus", ("contrast",))):
        folder = write_medimeta(root / "clean", dataset)
        write_published(root / "c" / dataset / "test", clean_rows(folder), corruptions, (1, 5))
    return root


@pytest.fixture(scope="module")
def imported(files: Path, tmp_path_factory: pytest.TempPathFactory) -> ImportReport:
    """The finished import, with the clean data at hand. Read only."""
    out = tmp_path_factory.mktemp("imported") / "benchmark"
    return import_medimetac(MedimetacConfig(folder=files / "c", data_dir=files / "clean", out=out, jobs=1))


@pytest.fixture
def configure(files: Path, tmp_path: Path) -> Configure:
    """Make a configuration that imports a copy of some of oct's files in this process."""
    (tmp_path / "c/oct/test").mkdir(parents=True)
    for path in (files / "c/oct/test").iterdir():
        if path.name.startswith(("clean", "contrast", "pixelate")):
            shutil.copy(path, tmp_path / "c/oct/test")

    def make(**changes: object) -> MedimetacConfig:
        values = {"folder": tmp_path / "c", "out": tmp_path / "out", "jobs": 1, **changes}
        return MedimetacConfig(**values)  # type: ignore[arg-type]

    return make


def rewrite(path: Path, **arrays: np.ndarray) -> None:
    """Replace arrays of an npz file."""
    with np.load(path) as file:
        held = dict(file)
    np.savez_compressed(path, **{**held, **arrays})


def oct_of(audit: Audit) -> DatasetAudit:
    return next(one for one in audit.datasets if one.dataset == "oct")


def file_of(audit: Audit, corruption: str, severity: int) -> FileAudit:
    return next(
        one for one in oct_of(audit).files if (one.corruption, one.severity) == (corruption, severity)
    )


def test_every_image_is_the_files(files: Path, imported: ImportReport) -> None:
    """The very pixels and labels, with MedIMeta's ids and the class names of its images."""
    benchmark = open_benchmark(imported.build.root)
    assert len(benchmark.sets) == (1 + 7 * 2) + (1 + 2)
    images, labels = clean_rows(files / "clean" / "oct")
    for corruption, severity in (("clean", 0), ("gaussian_noise", 5), ("pixelate", 1)):
        (batch,) = benchmark.batches(SetKey("oct", "test", corruption, severity))
        expected = corrupted(images, corruption, severity) if severity else images
        np.testing.assert_array_equal(batch.images, expected)
        np.testing.assert_array_equal(batch.labels, labels.ravel())
        assert batch.image_ids == tuple(f"{row:06d}" for row in range(10, 22))
    assert benchmark.manifest.dataset("oct").class_names == ("CNV", "DME", "DRUSEN", "NORMAL")
    assert verify(imported.build.root, jobs=1).ok


def test_the_audit_finds_the_authors_corruptions(imported: ImportReport) -> None:
    """All files are aligned and as defined; noise on grey images stored as RGB is seen to be coloured."""
    audit = oct_of(imported.audit)
    assert (audit.grey, audit.ids, audit.names) == (True, "medimeta", "matched")
    (split,) = audit.splits
    assert (split.rows, split.matched, split.elsewhere, split.duplicates) == (12, 12, 0, 1)
    assert [row.medimeta_label for row in audit.labels] == [0, 1, 2, 3]
    assert len(audit.files) == 14
    for file in audit.files:
        assert file.aligned, file
        assert file.as_defined, file
    noise = file_of(imported.audit, "gaussian_noise", 5).measured
    assert noise is not None
    assert noise.channel_correlation is not None
    assert abs(noise.channel_correlation) < 0.3  # what clipping at black and white leaves
    assert file_of(imported.audit, "motion_blur", 5).equal == 1
    fundus = next(one for one in imported.audit.datasets if one.dataset == "fundus")
    assert fundus.grey is False


def test_the_audit_lies_beside_the_benchmark(imported: ImportReport) -> None:
    """It reads back, says which import it is of, and is no part of the tree."""
    assert imported.audit_path == imported.build.root.with_name("benchmark.audit.json")
    audit = read_record(imported.audit_path, Audit, "import again")
    assert audit == imported.audit
    assert audit.fingerprint == imported.build.manifest.fingerprint


def test_a_collection_of_its_own(imported: ImportReport) -> None:
    """The manifest and the card say whose pixels these are; nothing can be rendered again."""
    manifest = imported.build.manifest
    assert manifest.protocol.seed_scheme == "imported/medimeta-c"
    assert {record.kind for record in manifest.datasets} == {"medimetac"}
    assert {record.channels for record in manifest.datasets} == {3}
    card = (imported.build.root / "README.md").read_text()
    assert "\n# MediMeta-C as published\n" in card
    assert "pretty_name: MediMeta-C as published" in card
    assert "LNCS 15916" in card
    for wrong in ("Philox", "differ between datasets", "image r mod N", "each dataset;", "| seed |"):
        assert wrong not in card
    result = RUNNER.invoke(app, ["verify", str(imported.build.root), "--rebuild", "1", "--jobs", "1"])
    assert result.exit_code == 2
    assert "was imported (MediMeta-C), not rendered" in result.stderr


def test_without_clean_data_names_are_by_position(configure: Configure) -> None:
    """Ids are row numbers, and manifest, card and results say that nobody looked."""
    report = import_medimetac(configure())
    record = report.build.manifest.dataset("oct")
    assert record.class_names == ("CNV", "DME", "DRUSEN", "NORMAL")
    assert record.title == f"Retinal OCT ({BY_POSITION})"
    assert BY_POSITION in (report.build.root / "README.md").read_text()
    (batch,) = open_benchmark(report.build.root).batches(SetKey("oct", "test", "contrast", 5))
    assert batch.image_ids == tuple(f"{row:06d}" for row in range(12))
    assert (oct_of(report.audit).ids, oct_of(report.audit).names) == ("rows", "position")
    assert verify(report.build.root, jobs=1).ok


def test_permuted_labels_are_found_by_images(configure: Configure, files: Path, tmp_path: Path) -> None:
    """Where npz label k is MedIMeta's class j, the images decide what k is called."""
    order = np.array([0, 3, 1, 2])  # the reference code's list: CNV, NORMAL, DME, DRUSEN
    for path in (tmp_path / "c/oct/test").iterdir():
        with np.load(path) as file:
            labels = file["labels"]
        rewrite(path, labels=np.argsort(order)[labels])
    report = import_medimetac(configure(data_dir=files / "clean"))
    record = report.build.manifest.dataset("oct")
    assert record.class_names == ("CNV", "NORMAL", "DME", "DRUSEN")
    assert [row.medimeta_label for row in oct_of(report.audit).labels] == [0, 3, 1, 2]
    assert BY_POSITION not in record.title


def test_rows_in_another_order_than_ids(configure: Configure, files: Path, tmp_path: Path) -> None:
    """Every file in one other order: ids are found, and the benchmark has its rows in their order."""
    images, labels = clean_rows(files / "clean" / "oct")
    shuffled = np.random.Generator(np.random.Philox(3)).permutation(12)
    shutil.rmtree(tmp_path / "c")
    write_published(tmp_path / "c/oct/test", (images[shuffled], labels[shuffled]), ["contrast"], [1])
    report = import_medimetac(configure(data_dir=files / "clean"))
    assert oct_of(report.audit).ids == "medimeta"
    assert file_of(report.audit, "contrast", 1).aligned
    (batch,) = open_benchmark(report.build.root).batches(SetKey("oct", "test", "clean", 0))
    np.testing.assert_array_equal(batch.images, images)
    np.testing.assert_array_equal(batch.labels, labels.ravel())
    assert verify(report.build.root, jobs=1).ok


@pytest.mark.parametrize("with_labels", [True, False])
def test_shuffled_rows_of_one_file(
    configure: Configure, files: Path, tmp_path: Path, *, with_labels: bool
) -> None:
    """A file whose rows are not the clean file's is said to be that; where labels show it, it is left out."""
    path = tmp_path / "c/oct/test/contrast_severity_1.npz"
    shuffled = np.roll(np.arange(12), 1)
    with np.load(path) as file:
        changed = {name: file[name][shuffled] for name in ("images", "labels")[: 1 + with_labels]}
    rewrite(path, **changed)
    report = import_medimetac(configure(data_dir=files / "clean"))
    found = file_of(report.audit, "contrast", 1)
    assert not found.aligned
    assert found.labels_follow is not with_labels
    assert found.images_follow < 0.3
    assert found.as_defined is None
    assert file_of(report.audit, "contrast", 5).aligned
    assert oct_of(report.audit).ids == "medimeta"
    assert (LEFT_OUT in report.build.manifest.dataset("oct").title) is with_labels
    built = {record.key for record in report.build.manifest.sets}
    assert (SetKey("oct", "test", "contrast", 1) in built) is not with_labels
    assert verify(report.build.root, jobs=1).ok


def test_other_parameters_are_noticed(configure: Configure, files: Path, tmp_path: Path) -> None:
    """A severity under another's name, and one channel of noise for all three."""
    folder = tmp_path / "c/oct/test"
    shutil.copytree(files / "c/oct/test", folder, dirs_exist_ok=True)
    for corruption in ("zoom_blur", "motion_blur", "impulse_noise"):
        shutil.copy(folder / f"{corruption}_severity_1.npz", folder / f"{corruption}_severity_5.npz")
    images, _ = clean_rows(files / "clean" / "oct")
    grey = corrupted(images[..., 0], "gaussian_noise", 5)
    rewrite(folder / "gaussian_noise_severity_5.npz", images=np.repeat(grey[..., None], 3, axis=3))
    audit = import_medimetac(configure()).audit
    for corruption in ("zoom_blur", "motion_blur", "impulse_noise", "gaussian_noise"):
        assert file_of(audit, corruption, 5).as_defined is False, corruption
        assert file_of(audit, corruption, 1).as_defined is True, corruption
    noise = file_of(audit, "gaussian_noise", 5).measured
    assert noise is not None
    assert noise.channel_correlation == pytest.approx(1)


def test_images_that_medimeta_does_not_have(configure: Configure, files: Path, tmp_path: Path) -> None:
    """Pixels that differ by one level are not found: row numbers, names by position, and counts."""
    path = tmp_path / "c/oct/test/clean.npz"
    with np.load(path) as file:
        rewrite(path, images=file["images"] ^ 1)
    report = import_medimetac(configure(data_dir=files / "clean"))
    (split,) = oct_of(report.audit).splits
    assert (split.matched, split.rows) == (0, 12)
    assert oct_of(report.audit).ids == "rows"
    assert BY_POSITION in report.build.manifest.dataset("oct").title


def test_both_splits(configure: Configure, files: Path, tmp_path: Path) -> None:
    """``--split all``: a set for each split, and images of one found in the other are counted."""
    clean = clean_rows(files / "clean" / "oct", "val")
    clean[0][0] = clean_rows(files / "clean" / "oct")[0][4]  # a test image
    clean[1][0] = clean_rows(files / "clean" / "oct")[1][4]
    write_published(tmp_path / "c/oct/val", clean, ["pixelate"], [1])
    report = import_medimetac(configure(data_dir=files / "clean", splits="all"))
    assert dict(report.build.manifest.dataset("oct").splits) == {"test": 12, "val": 6}
    found = {one.split: one for one in oct_of(report.audit).splits}
    assert (found["val"].matched, found["val"].elsewhere) == (6, 1)
    assert verify(report.build.root, jobs=1).ok


def test_every_damaged_file_is_named_and_the_import_goes_on_when_they_are_replaced(
    configure: Configure, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Damage among pixels shows on reading: two files in one error; afterwards the same command goes on."""
    whole = import_medimetac(configure(out=tmp_path / "whole")).build.manifest
    folder = tmp_path / "c/oct/test"
    sound = {}
    for name in ("contrast_severity_5", "pixelate_severity_1"):
        path = folder / f"{name}.npz"
        sound[path] = path.read_bytes()
        with np.load(path) as file:
            np.savez(path, **dict(file))
        data = bytearray(path.read_bytes())
        data[data.index(b"labels") - 60] ^= 1
        path.write_bytes(data)
    config = configure()
    with pytest.raises(SourceError, match=r"^2 files cannot.*contrast_severity_5.*pixelate_severity_1"):
        import_medimetac(config)
    assert not (config.out / MANIFEST_NAME).exists()
    assert len(list((config.out / ".medimeta-c/sets").iterdir())) == 3
    for path, content in sound.items():
        path.write_bytes(content)
    with caplog.at_level("WARNING"):
        again = import_medimetac(config).build
    assert "the files of oct changed since the unfinished run: 3 finished sets are made again" in caplog.text
    assert again.manifest.fingerprint == whole.fingerprint
    assert verify(config.out, jobs=1).ok
    # A finished benchmark is never turned into one of other files.
    with np.load(folder / "contrast_severity_5.npz") as file:
        rewrite(folder / "contrast_severity_5.npz", images=file["images"] ^ 1)
    with pytest.raises(BuildError, match="oct checksum"):
        import_medimetac(config)


def test_an_interrupted_import_goes_on(configure: Configure, tmp_path: Path) -> None:
    """Stopped after some sets, run again: what is finished is kept."""
    config = configure()

    def stop(progress: BuildProgress) -> None:
        if progress.sets_done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_medimetac(config, on_progress=stop)
    report = import_medimetac(config)
    assert len(report.build.kept) == 2
    again = import_medimetac(configure(out=tmp_path / "again", jobs=2))
    assert again.build.manifest.fingerprint == report.build.manifest.fingerprint
    assert again.audit == report.audit


def test_another_reading_of_labels_never_joins(configure: Configure, files: Path) -> None:
    """Ids by MedIMeta and ids by row do not share a directory."""
    import_medimetac(configure())
    with pytest.raises(BuildError, match="choose another `out`"):
        import_medimetac(configure(data_dir=files / "clean"))


IMAGES = np.zeros((3, 8, 8, 3), np.uint8)
LABELS = np.arange(3)


@pytest.mark.parametrize(
    ("name", "arrays", "message"),
    [
        ("clean", None, r"clean\.npz is missing"),
        ("contrast_severity_1", {"x": IMAGES}, "holds the arrays x instead of images and labels"),
        (
            "contrast_severity_1",
            {"images": IMAGES, "labels": LABELS},
            "8x8 images, but its clean.npz has 56",
        ),
        (
            "clean",
            {"images": IMAGES[..., 0], "labels": LABELS},
            r"shape \(3, 8, 8\) where uint8 \(N, H, W, 3\)",
        ),
        ("clean", {"images": IMAGES + 0.5, "labels": LABELS}, "images of type float64"),
        ("clean", {"images": IMAGES, "labels": LABELS[:2]}, r"shape \(2,\) where 3 images need one label"),
        ("clean", {"images": IMAGES, "labels": LABELS + 0.5}, "holds float64"),
        ("clean", {"images": IMAGES, "labels": LABELS + 2}, "has label 4 in row 2, but the classes are 0-3"),
        ("contrast_severity_6", {"images": IMAGES, "labels": LABELS}, "contrast_severity_6.npz is named"),
        ("fog_severity_1", {"images": IMAGES, "labels": LABELS}, "fog_severity_1.npz is named neither"),
        ("contrast_severity_1", b"no zip", "is not a complete npz file"),
    ],
)
def test_files_of_another_layout_are_refused(
    configure: Configure,
    tmp_path: Path,
    name: str,
    arrays: dict[str, np.ndarray] | bytes | None,
    message: str,
) -> None:
    """In one sentence, before anything is written."""
    path = tmp_path / f"c/oct/test/{name}.npz"
    path.unlink(missing_ok=True)
    if isinstance(arrays, bytes):
        path.write_bytes(arrays)
    elif arrays is not None:
        np.savez(path, **arrays)
    with pytest.raises(SourceError, match=message):
        import_medimetac(configure())
    assert not (tmp_path / "out").exists()


def test_all_files_of_another_layout_are_named(configure: Configure, tmp_path: Path) -> None:
    """Rows that are missing, and an invalid file, in one error."""
    folder = tmp_path / "c/oct/test"
    with np.load(folder / "contrast_severity_1.npz") as file:
        rewrite(folder / "contrast_severity_1.npz", **{name: file[name][:5] for name in file})
    (folder / "pixelate_severity_1.npz").write_bytes(b"")
    with pytest.raises(
        SourceError, match=r"2 files.*has 5 rows where its clean.npz has 12.*pixelate_severity_1"
    ):
        import_medimetac(configure())


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"datasets": ("oc",)}, ConfigError, "did you mean 'oct'"),
        ({"datasets": ("bus",)}, ConfigError, "unknown dataset of the published MediMeta-C 'bus'"),
        ({"datasets": ("all",)}, SourceError, "pbc"),
        ({"splits": "train"}, ConfigError, "train"),
        ({"splits": "val"}, SourceError, r"val/clean\.npz is missing"),
        ({"folder": Path("nowhere")}, SourceError, "nowhere has no folder of a dataset of MediMeta-C"),
        ({"data_dir": Path("nowhere")}, SourceError, "no data for 'oct'"),
    ],
)
def test_mistakes_are_refused(
    configure: Configure, tmp_path: Path, changes: dict[str, object], kind: type[MediMetaError], message: str
) -> None:
    """In one sentence, and the output directory is not even made."""
    with pytest.raises(kind, match=message):
        import_medimetac(configure(**changes))
    assert not (tmp_path / "out").exists()


def test_labels_that_fit_no_class_are_refused() -> None:
    """A label on images of two classes, and two labels on images of one: both are named."""
    with pytest.raises(SourceError, match=r"label 1 .*'normal' for 2 images and 'abnormal' for 1 image "):
        decide_classes("fundus", ("normal", "abnormal"), [1, 1, 1, 0], [0, 0, 1, None])
    with pytest.raises(SourceError, match=r"labels 0 and 1 .* both 'normal'"):
        decide_classes("fundus", ("normal", "abnormal"), [0, 1], [0, 0])


def test_labels_without_images_take_the_names_left() -> None:
    """Their own where it is free; a label whose images were not found leaves names unchecked."""
    found = decide_classes("oct", ("CNV", "DME", "DRUSEN", "NORMAL"), [1, 1], [3, 3])
    assert found.names == ("CNV", "NORMAL", "DRUSEN", "DME")
    assert found.checked
    assert not decide_classes("oct", ("CNV", "DME"), [0, 1], [0, None]).checked


def test_distance_counts_each_moment() -> None:
    """A file passes while every moment is near its definition."""
    due = Moments(mean=1.0, deviation=20.0, channel_correlation=0.0)
    given = {"split": "test", "corruption": "gaussian_noise", "severity": 1}
    for moments, passes in (
        (Moments(mean=1.4, deviation=20.5, channel_correlation=0.04), True),
        (Moments(mean=2.0, deviation=20.0, channel_correlation=0.0), False),
        (Moments(mean=1.0, deviation=21.0, channel_correlation=0.0), False),
        (Moments(mean=1.0, deviation=20.0, channel_correlation=0.06), False),
    ):
        file = FileAudit(**given, labels_follow=True, images_follow=1.0, measured=moments, defined=due)
        assert file.as_defined is passes


def test_names_are_medimetas(sample_dir: Path) -> None:
    """The names by position are those of the datasets' own info.yaml, in its order."""
    for dataset, names in published().class_names.items():
        assert dataset in catalog()
        path = sample_dir / dataset / "info.yaml"
        if path.is_file():
            tasks = {one["task_name"]: one["labels"] for one in yaml.safe_load(path.read_text())["tasks"]}
            assert tuple(tasks[catalog()[dataset].task].values()) == names


def test_the_command(files: Path, imported: ImportReport, tmp_path: Path) -> None:
    """`import-medimetac` prints the audit for people, and where it is to machines."""
    out = tmp_path / "out"
    command = ["import-medimetac", files / "c", "--data", files / "clean", "--out", out, "--jobs", 1]
    command += ["--dataset", "fundus"]
    result = RUNNER.invoke(app, [*map(str, command)], env={"COLUMNS": "120"})
    assert result.exit_code == 0, result.output
    assert "fundus: clean images in colour; ids are MedIMeta's; class names checked" in result.stdout
    assert "12 of 12 images found in MedIMeta" in result.stdout
    assert re.search(r"contrast +2/2 +2/2 +1: 100\.00 % equal", result.stdout)
    assert f"audit {out}.audit.json" in result.stdout
    result = RUNNER.invoke(app, [*map(str, command), "--json"])
    said = json.loads(result.stdout)
    assert said["datasets"]["fundus"] == imported.build.manifest.dataset("fundus").fingerprint
    assert said["audit"] == f"{out}.audit.json"
