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
from medimetac_files import clean_rows, corrupted, rewrite, write_published
from typer.testing import CliRunner

from medimeta_c.building.medimetac.files import published
from medimeta_c.building.medimetac.importing import ImportReport, MedimetacConfig, import_medimetac
from medimeta_c.building.medimetac.matching import decide_classes
from medimeta_c.building.medimetac.records import Audit, DatasetAudit, FileAudit, Moments
from medimeta_c.building.medimetac.source import BY_POSITION, LEFT_OUT
from medimeta_c.building.verification import verify
from medimeta_c.cli import app
from medimeta_c.format.benchmark import open_benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.io.reading import read_record
from medimeta_c.sources.catalog import catalog

RUNNER = CliRunner()
Configure = Callable[..., MedimetacConfig]


@pytest.fixture(scope="module")
def imported(originals: Path, tmp_path_factory: pytest.TempPathFactory) -> ImportReport:
    """The finished import, with the clean data at hand. Read only."""
    out = tmp_path_factory.mktemp("imported") / "benchmark"
    return import_medimetac(
        MedimetacConfig(folder=originals / "c", data_dir=originals / "clean", out=out, jobs=1)
    )


def oct_of(audit: Audit) -> DatasetAudit:
    return next(one for one in audit.datasets if one.dataset == "oct")


def file_of(audit: Audit, corruption: str, severity: int) -> FileAudit:
    return next(
        one for one in oct_of(audit).files if (one.corruption, one.severity) == (corruption, severity)
    )


def test_every_image_is_the_files(originals: Path, imported: ImportReport) -> None:
    """The very pixels and labels, with MedIMeta's ids and the class names of its images."""
    benchmark = open_benchmark(imported.build.root)
    assert len(benchmark.sets) == (1 + 7 * 2) + (1 + 2)
    images, labels = clean_rows(originals / "clean" / "oct")
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


def test_without_clean_data_names_are_by_position(configure_import: Configure) -> None:
    """Ids are row numbers, and manifest, card and results say that nobody looked."""
    report = import_medimetac(configure_import())
    record = report.build.manifest.dataset("oct")
    assert record.class_names == ("CNV", "DME", "DRUSEN", "NORMAL")
    assert record.title == f"Retinal OCT ({BY_POSITION})"
    assert BY_POSITION in (report.build.root / "README.md").read_text()
    (batch,) = open_benchmark(report.build.root).batches(SetKey("oct", "test", "contrast", 5))
    assert batch.image_ids == tuple(f"{row:06d}" for row in range(12))
    assert (oct_of(report.audit).ids, oct_of(report.audit).names) == ("rows", "position")
    assert verify(report.build.root, jobs=1).ok


def test_permuted_labels_are_found_by_images(
    configure_import: Configure, originals: Path, tmp_path: Path
) -> None:
    """Where npz label k is MedIMeta's class j, the images decide what k is called."""
    order = np.array([0, 3, 1, 2])  # the reference code's list: CNV, NORMAL, DME, DRUSEN
    for path in (tmp_path / "c/oct/test").iterdir():
        with np.load(path) as file:
            labels = file["labels"]
        rewrite(path, labels=np.argsort(order)[labels])
    report = import_medimetac(configure_import(data_dir=originals / "clean"))
    record = report.build.manifest.dataset("oct")
    assert record.class_names == ("CNV", "NORMAL", "DME", "DRUSEN")
    assert [row.medimeta_label for row in oct_of(report.audit).labels] == [0, 3, 1, 2]
    assert BY_POSITION not in record.title


def test_rows_in_another_order_than_ids(configure_import: Configure, originals: Path, tmp_path: Path) -> None:
    """Every file in one other order: ids are found, and the benchmark has its rows in their order."""
    images, labels = clean_rows(originals / "clean" / "oct")
    shuffled = np.random.Generator(np.random.Philox(3)).permutation(12)
    shutil.rmtree(tmp_path / "c")
    write_published(tmp_path / "c/oct/test", (images[shuffled], labels[shuffled]), ["contrast"], [1])
    report = import_medimetac(configure_import(data_dir=originals / "clean"))
    assert oct_of(report.audit).ids == "medimeta"
    assert file_of(report.audit, "contrast", 1).aligned
    (batch,) = open_benchmark(report.build.root).batches(SetKey("oct", "test", "clean", 0))
    np.testing.assert_array_equal(batch.images, images)
    np.testing.assert_array_equal(batch.labels, labels.ravel())
    assert verify(report.build.root, jobs=1).ok


@pytest.mark.parametrize("with_labels", [True, False])
def test_shuffled_rows_of_one_file(
    configure_import: Configure, originals: Path, tmp_path: Path, *, with_labels: bool
) -> None:
    """A file whose rows are not the clean file's is said to be that; where labels show it, it is left out."""
    path = tmp_path / "c/oct/test/contrast_severity_1.npz"
    shuffled = np.roll(np.arange(12), 1)
    with np.load(path) as file:
        changed = {name: file[name][shuffled] for name in ("images", "labels")[: 1 + with_labels]}
    rewrite(path, **changed)
    report = import_medimetac(configure_import(data_dir=originals / "clean"))
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


def test_other_parameters_are_noticed(configure_import: Configure, originals: Path, tmp_path: Path) -> None:
    """A severity under another's name, and one channel of noise for all three."""
    folder = tmp_path / "c/oct/test"
    shutil.copytree(originals / "c/oct/test", folder, dirs_exist_ok=True)
    for corruption in ("zoom_blur", "motion_blur", "impulse_noise"):
        shutil.copy(folder / f"{corruption}_severity_1.npz", folder / f"{corruption}_severity_5.npz")
    images, _ = clean_rows(originals / "clean" / "oct")
    grey = corrupted(images[..., 0], "gaussian_noise", 5)
    rewrite(folder / "gaussian_noise_severity_5.npz", images=np.repeat(grey[..., None], 3, axis=3))
    audit = import_medimetac(configure_import()).audit
    for corruption in ("zoom_blur", "motion_blur", "impulse_noise", "gaussian_noise"):
        assert file_of(audit, corruption, 5).as_defined is False, corruption
        assert file_of(audit, corruption, 1).as_defined is True, corruption
    noise = file_of(audit, "gaussian_noise", 5).measured
    assert noise is not None
    assert noise.channel_correlation == pytest.approx(1)


def test_images_that_medimeta_does_not_have(
    configure_import: Configure, originals: Path, tmp_path: Path
) -> None:
    """Pixels that differ by one level are not found: row numbers, names by position, and counts."""
    path = tmp_path / "c/oct/test/clean.npz"
    with np.load(path) as file:
        rewrite(path, images=file["images"] ^ 1)
    report = import_medimetac(configure_import(data_dir=originals / "clean"))
    (split,) = oct_of(report.audit).splits
    assert (split.matched, split.rows) == (0, 12)
    assert oct_of(report.audit).ids == "rows"
    assert BY_POSITION in report.build.manifest.dataset("oct").title


def test_both_splits(configure_import: Configure, originals: Path, tmp_path: Path) -> None:
    """``--split all``: a set for each split, and images of one found in the other are counted."""
    clean = clean_rows(originals / "clean" / "oct", "val")
    clean[0][0] = clean_rows(originals / "clean" / "oct")[0][4]  # a test image
    clean[1][0] = clean_rows(originals / "clean" / "oct")[1][4]
    write_published(tmp_path / "c/oct/val", clean, ["pixelate"], [1])
    report = import_medimetac(configure_import(data_dir=originals / "clean", splits="all"))
    assert dict(report.build.manifest.dataset("oct").splits) == {"test": 12, "val": 6}
    found = {one.split: one for one in oct_of(report.audit).splits}
    assert (found["val"].matched, found["val"].elsewhere) == (6, 1)
    assert verify(report.build.root, jobs=1).ok


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


def test_the_command(originals: Path, imported: ImportReport, tmp_path: Path) -> None:
    """`import-medimetac` prints the audit for people, and where it is to machines."""
    out = tmp_path / "out"
    command = ["import-medimetac", originals / "c", "--data", originals / "clean", "--out", out, "--jobs", 1]
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
