"""A server for each kind of object store, on this machine; a test that lacks one skips and names it."""

from __future__ import annotations

import base64
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

KEY = base64.b64encode(b"not a secret").decode()
PATIENCE_S = 60


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _require(module: str, package: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"needs {package}: pip install {package}")


@contextmanager
def _running(command: list[str], port: int, folder: Path) -> Iterator[None]:
    """Run a server until the block ends; it has started when it answers anything at all."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not _answers(port):
            said = (folder / "server.log").read_text(errors="replace")
            assert process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_S)


def _answers(port: int) -> bool:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            f"http://127.0.0.1:{port}/", timeout=5
        ):
            return True
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return True
    except OSError:
        return False


@contextmanager
def s3(folder: Path) -> Iterator[dict[str, str]]:
    """Run moto's server."""
    _require("moto", "'moto[s3,server]'")
    _require("flask", "'moto[s3,server]'")
    port = _free_port()
    with _running(
        [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", str(port)],
        port,
        folder,
    ):
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": KEY,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextmanager
def az(folder: Path) -> Iterator[dict[str, str]]:
    """Run azurite, of npm, whose ``azurite-blob`` is on the path or in ``$AZURITE``."""
    command = os.environ.get("AZURITE") or shutil.which("azurite-blob")
    if command is None:
        pytest.skip("needs azurite-blob of npm on the path, or its path in $AZURITE: npm install azurite")
    port = _free_port()
    with _running(
        [
            command,
            "--inMemoryPersistence",
            "--blobHost",
            "127.0.0.1",
            "--blobPort",
            str(port),
            "--skipApiVersionCheck",
        ],
        port,
        folder,
    ):
        yield {
            "AZURE_STORAGE_CONNECTION_STRING": f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
            f"AccountKey={_AZURITE_KEY};BlobEndpoint=http://127.0.0.1:{port}/devstoreaccount1;"
        }


_AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The key of azurite's only account, which its documentation prints."""


@contextmanager
def gs(folder: Path) -> Iterator[dict[str, str]]:
    """Run gcp-storage-emulator."""
    _require("gcp_storage_emulator", "gcp-storage-emulator")
    port = _free_port()
    start = "from gcp_storage_emulator.__main__ import main; main()"
    with _running(
        [sys.executable, "-c", start, "start", "--host", "127.0.0.1", "--port", str(port), "--in-memory"],
        port,
        folder,
    ):
        yield {
            "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{port}",
            "GOOGLE_CLOUD_PROJECT": "testing",
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",  # asks a service that the emulator has not
        }


SERVERS: dict[str, Callable[[Path], object]] = {"s3": s3, "az": az, "gs": gs}
"""By scheme, what runs a server in a folder and gives the variables with which libraries find it."""
