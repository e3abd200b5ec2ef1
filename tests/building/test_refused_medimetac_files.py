"""Files of MediMeta-C that are damaged or of another layout: each is named, and an import resumes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from medimetac_files import rewrite

from medimeta_c.building.assembly import BuildProgress
from medimeta_c.building.medimetac.importing import MedimetacConfig, import_medimetac
from medimeta_c.building.medimetac.matching import decide_classes
from medimeta_c.building.verification import verify
from medimeta_c.errors import BuildError, ConfigError, MediMetaError, SourceError
from medimeta_c.format.manifest.file import MANIFEST_NAME

Configure = Callable[..., MedimetacConfig]


def test_every_damaged_file_is_named_and_the_import_goes_on_when_they_are_replaced(
    configure_import: Configure, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Damage among pixels shows on reading: two files in one error; afterwards the same command goes on."""
    whole = import_medimetac(configure_import(out=tmp_path / "whole")).build.manifest
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
    config = configure_import()
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


def test_an_interrupted_import_goes_on(configure_import: Configure, tmp_path: Path) -> None:
    """Stopped after some sets, run again: what is finished is kept."""
    config = configure_import()

    def stop(progress: BuildProgress) -> None:
        if progress.sets_done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_medimetac(config, on_progress=stop)
    report = import_medimetac(config)
    assert len(report.build.kept) == 2
    again = import_medimetac(configure_import(out=tmp_path / "again", jobs=2))
    assert again.build.manifest.fingerprint == report.build.manifest.fingerprint
    assert again.audit == report.audit


def test_another_reading_of_labels_never_joins(configure_import: Configure, originals: Path) -> None:
    """Ids by MedIMeta and ids by row do not share a directory."""
    import_medimetac(configure_import())
    with pytest.raises(BuildError, match="choose another `out`"):
        import_medimetac(configure_import(data_dir=originals / "clean"))


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
    configure_import: Configure,
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
        import_medimetac(configure_import())
    assert not (tmp_path / "out").exists()


def test_all_files_of_another_layout_are_named(configure_import: Configure, tmp_path: Path) -> None:
    """Rows that are missing, and an invalid file, in one error."""
    folder = tmp_path / "c/oct/test"
    with np.load(folder / "contrast_severity_1.npz") as file:
        rewrite(folder / "contrast_severity_1.npz", **{name: file[name][:5] for name in file})
    (folder / "pixelate_severity_1.npz").write_bytes(b"")
    with pytest.raises(
        SourceError, match=r"2 files.*has 5 rows where its clean.npz has 12.*pixelate_severity_1"
    ):
        import_medimetac(configure_import())


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
    configure_import: Configure,
    tmp_path: Path,
    changes: dict[str, object],
    kind: type[MediMetaError],
    message: str,
) -> None:
    """In one sentence, and the output directory is not even made."""
    with pytest.raises(kind, match=message):
        import_medimetac(configure_import(**changes))
    assert not (tmp_path / "out").exists()


def test_labels_that_fit_no_class_are_refused() -> None:
    """A label on images of two classes, and two labels on images of one: both are named."""
    with pytest.raises(SourceError, match=r"label 1 .*'normal' for 2 images and 'abnormal' for 1 image "):
        decide_classes("fundus", ("normal", "abnormal"), [1, 1, 1, 0], [0, 0, 1, None])
    with pytest.raises(SourceError, match=r"labels 0 and 1 .* both 'normal'"):
        decide_classes("fundus", ("normal", "abnormal"), [0, 1], [0, 0])
