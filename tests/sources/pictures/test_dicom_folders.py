"""Class folders of DICOM files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from written import dicom_file

from medimeta_c.errors import SourceError
from medimeta_c.sources.contract import Reading
from medimeta_c.sources.imagefolder import open_imagefolder

pytest.importorskip("pydicom")


def test_class_folders(tmp_path: Path) -> None:
    """DICOM files are pictures, also those named by number; one of several frames is refused by name."""
    values = np.arange(64, dtype=np.uint16).reshape(8, 8, 1) * 60
    root = tmp_path / "pets"
    for name in ("cat/a.dcm", "cat/1.2.840.7", "cat/1.2.840.8", "dog/b"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        dicom_file(root / name, values, 12)
    with pytest.raises(SourceError, match=r"4 problems: .*cat/1\.2\.840\.7 has more .* give a window"):
        open_imagefolder("pets", tmp_path)
    source = open_imagefolder("pets", tmp_path, reading=Reading(window="full"))
    assert source.ids("test") == ("cat/1.2.840.7", "cat/1.2.840.8", "cat/a", "dog/b")
    assert source.image("test", "dog/b").max() == 235
    dicom_file(root / "dog/c.dcm", values, 12, frames=2)
    with pytest.raises(SourceError, match=r"dog/c\.dcm holds 2 frames"):
        open_imagefolder("pets", tmp_path, reading=Reading(window="full"))
