"""A small MedIMeta archive, and downloads of it that must succeed or fail."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from zenodo_server import ZenodoServer

from medimeta_c.download.archives import MEDIMETA_RECORD
from medimeta_c.download.download import (
    DownloadReport,
    RetryPolicy,
    download,
)
from medimeta_c.download.workdir import WORK_DIR
from medimeta_c.errors import DownloadError

FAST = RetryPolicy(retries=2, first_delay_s=0.001, longest_delay_s=2.0, timeout_s=5.0)
IMAGES = np.random.default_rng(0).bytes(300_000)
RECORD_PATH = f"/api/records/{MEDIMETA_RECORD}"
PBC_PATH = ZenodoServer.path(MEDIMETA_RECORD, "pbc.zip")


def medimeta_zip(dataset: str = "pbc", images: bytes = IMAGES) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(zipfile.ZipInfo(f"{dataset}/info.yaml"), f"id: {dataset}\n")
        file.writestr(zipfile.ZipInfo(f"{dataset}/images.hdf5"), images)
    return buffer.getvalue()


PBC = medimeta_zip()


def get(server: ZenodoServer, data: Path, *datasets: str, **options: Any) -> list[DownloadReport]:
    return download(datasets or ("pbc",), data, base_url=server.url, **{"retry": FAST} | options)


def refused(server: ZenodoServer, data: Path, *datasets: str, **options: Any) -> str:
    """Return the message of a download that must fail without leaving anything that looks like data."""
    before = set(data.glob("[!.]*"))
    with pytest.raises(DownloadError) as caught:
        get(server, data, *datasets, **options)
    assert set(data.glob("[!.]*")) == before
    return str(caught.value)


def assert_pbc(data: Path, images: bytes = IMAGES) -> None:
    assert (data / "pbc" / "info.yaml").read_text() == "id: pbc\n"
    assert (data / "pbc" / "images.hdf5").read_bytes() == images
    left = [path.name for path in (data / WORK_DIR).iterdir() if path.suffix != ".lock"]
    assert left == []
