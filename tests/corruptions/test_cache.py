"""Machine code is kept where it can be, compiled once, and never taken from where others could put it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import medimeta_corruptions
from medimeta_corruptions import _cache

SCRIPT = """
import numpy as np
from medimeta_corruptions import _jit, corrupt
out = corrupt(np.full((1, 1, 3), 100, np.uint8), 'brightness', 5)
(kernel,) = (one._compiled for one in _jit._KERNELS if one._compiled)
print(out.tolist(), 'found' if kernel.stats.cache_hits else 'compiled')
"""
DONE = "[[[227, 227, 227]]]"

linux = pytest.mark.skipif(sys.platform != "linux", reason="the user's cache is elsewhere on other systems")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package in a folder of its own, to see whether anything is written beside it."""
    source = Path(medimeta_corruptions.__file__).parent
    folder = tmp_path / "site"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(source, folder / "medimeta_corruptions", ignore=ignored)
    return folder


@pytest.fixture
def process(package: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of a process with a home folder and a temporary folder of its own."""
    kept = {
        name: value for name, value in os.environ.items() if name not in {"NUMBA_CACHE_DIR", "XDG_CACHE_HOME"}
    }
    (tmp_path / "tmp").mkdir()
    return {
        **kept,
        "PYTHONPATH": str(package),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "tmp"),
    }


def run(environment: dict[str, str]) -> str:
    command = [sys.executable, "-c", SCRIPT]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def code(folder: Path) -> list[Path]:
    """Files of machine code in a folder."""
    return sorted(folder.rglob("*.nbc"))


@linux
def test_the_second_process_finds_what_the_first_compiled(
    process: dict[str, str], package: Path, tmp_path: Path
) -> None:
    """In the user's cache, and nothing beside the package, where it would outlive it."""
    assert [run(process), run(process)] == [f"{DONE} compiled", f"{DONE} found"]
    assert code(tmp_path / "home" / ".cache" / "medimeta-corruptions")
    assert not [path for path in package.rglob("*") if path.suffix in {".nbi", ".nbc"}]


@linux
def test_without_a_home_folder_a_private_temporary_one_serves(
    process: dict[str, str], tmp_path: Path
) -> None:
    """A container whose home cannot be written to compiles once, not in every process."""
    (tmp_path / "home").write_text("no folder")
    assert [run(process), run(process)] == [f"{DONE} compiled", f"{DONE} found"]
    (folder,) = (tmp_path / "tmp").iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert code(folder)


@linux
def test_a_temporary_folder_that_others_may_write_to_is_left_alone(
    process: dict[str, str], tmp_path: Path
) -> None:
    """What lies there would be run: rather compile every time."""
    (tmp_path / "home").write_text("no folder")
    open_to_all = tmp_path / "tmp" / f"medimeta-corruptions-{os.getuid()}"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    assert [run(process), run(process)] == [f"{DONE} compiled"] * 2
    assert not list(open_to_all.iterdir())


def test_a_link_is_no_private_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is a link, wherever it leads."""
    if not hasattr(os, "getuid"):
        pytest.skip("temporary folders are each user's own on this system")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / f"medimeta-corruptions-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError, match="not this user's alone"):
        _cache._private_temporary()


@linux
def test_numbas_own_variable_is_honoured(process: dict[str, str], tmp_path: Path) -> None:
    """Who names a folder gets it."""
    process["NUMBA_CACHE_DIR"] = str(tmp_path / "asked")
    assert [run(process), run(process)] == [f"{DONE} compiled", f"{DONE} found"]
    assert code(tmp_path / "asked")
    assert not code(tmp_path / "home")


@pytest.mark.slow
@linux
def test_processes_that_start_at_once(process: dict[str, str]) -> None:
    """One compiles, the others wait for it and find what it left."""
    command = [sys.executable, "-c", SCRIPT]
    started = [
        subprocess.Popen(command, env=process, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [one.communicate(timeout=300) for one in started]
    assert sorted(out.strip() for out, _ in said) == [f"{DONE} compiled"] + [f"{DONE} found"] * 2, said


@linux
def test_a_lock_that_is_never_given_up_costs_only_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network's locks may be stuck: after a while it goes on without."""
    import fcntl

    monkeypatch.setattr(_cache, "_PATIENCE_S", 0.2)
    with (tmp_path / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with _cache.kept_in(tmp_path):
            entered = True
    assert entered


def test_numbas_setting_is_put_back(tmp_path: Path) -> None:
    """Other packages' functions go where they went before."""
    import numba

    before = numba.config.CACHE_DIR
    with pytest.raises(ZeroDivisionError), _cache.kept_in(tmp_path):
        assert str(tmp_path) == numba.config.CACHE_DIR
        raise ZeroDivisionError
    assert before == numba.config.CACHE_DIR
