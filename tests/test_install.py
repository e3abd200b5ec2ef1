"""The two distributions: what their wheels hold, and what one says without the other."""

from __future__ import annotations

import email
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from medimeta_corruptions import __version__ as corruptions_version

pytest.importorskip("hatchling", reason="needs hatchling, of the 'dev' extra: it builds the wheels")

REPO = Path(__file__).parents[1]
FOLDERS = {"medimeta-c": REPO, "medimeta-corruptions": REPO / "corruptions"}
INSTALL = "in a clone of the repository, pip install ./corruptions"
MISSING = f"needs medimeta-corruptions, which is not installed: {INSTALL}"
CORRUPT = (
    "import numpy as np; from medimeta_corruptions import corrupt; "
    "print(corrupt(np.full((1, 2), 100, np.uint8), 'brightness', 5).tolist())"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Path]]:
    """Wheel and sdist of each distribution."""
    made = {}
    for name, folder in FOLDERS.items():
        out = tmp_path_factory.mktemp(name)
        command = [sys.executable, "-m", "hatchling", "build", "--directory", str(out)]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        made[name] = {"wheel": next(out.glob("*.whl")), "sdist": next(out.glob("*.tar.gz"))}
    return made


def members(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        name = next(one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


class Environment:
    """A fresh environment that has what we depend on, and of ours what the test installs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        self.scripts = folder / ("Scripts" if os.name == "nt" else "bin")
        needed = folder / "needed"
        needed.mkdir()
        for place in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
            for entry in Path(place).iterdir():
                if "medimeta_c" not in entry.name:
                    (needed / entry.name).symlink_to(entry)
        site = self.run("python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout
        (Path(site.strip()) / "needed.pth").write_text(f"{needed}\n")

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment, away from this checkout."""
        outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        command = [str(self.scripts / program), *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=outside, capture_output=True, text=True, check=False
        )

    def pip(self, *arguments: str) -> None:
        """Install or uninstall, without an index."""
        python = str(self.scripts / "python")
        command = [sys.executable, "-m", "pip", "--python", python, "--isolated", *arguments]
        subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def environment(tmp_path: Path, built: dict[str, dict[str, Path]]) -> Environment:
    """Both wheels, freshly installed."""
    made = Environment(tmp_path / "fresh")
    made.pip("install", "--no-index", "--no-deps", *(str(one["wheel"]) for one in built.values()))
    return made


@pytest.mark.slow
def test_each_wheel_holds_its_own_package(built: dict[str, dict[str, Path]]) -> None:
    """A file that both carried would go with either."""
    ours, theirs = (members(built[name]["wheel"]) for name in FOLDERS)
    assert {name.split("/")[0].partition("-")[0] for name in ours} == {"medimeta_c"}
    assert {name.split("/")[0].partition("-")[0] for name in theirs} == {"medimeta_corruptions"}
    assert {
        "medimeta_c/py.typed",
        "medimeta_c/_cards/dataset_card.md.jinja",
        "medimeta_c/_cards/readers.js",
    } <= ours
    assert "medimeta_corruptions/py.typed" in theirs
    for wheel in (ours, theirs):
        assert [name.rpartition("/")[2] for name in wheel if "/licenses/" in name] == ["LICENSE"]
    for name in FOLDERS:
        assert metadata(built[name]["wheel"])["License-Expression"] == "Apache-2.0"


@pytest.mark.slow
def test_the_source_archive_leaves_the_other_out(built: dict[str, dict[str, Path]]) -> None:
    """Nor does an archive of sources carry what is another distribution's."""
    with tarfile.open(built["medimeta-c"]["sdist"]) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert "medimeta_c/__init__.py" in names
    assert not [name for name in names if name.startswith("corruptions")]


@pytest.mark.slow
def test_one_needs_this_very_version_of_the_other(built: dict[str, dict[str, Path]]) -> None:
    """The requirement is the version that lies beside it; the other one requires nothing of ours."""
    ours, theirs = (metadata(built[name]["wheel"]) for name in FOLDERS)
    assert theirs["Version"] == corruptions_version
    assert f"medimeta-corruptions=={corruptions_version}" in (ours.get_all("Requires-Dist") or [])
    asked = theirs.get_all("Requires-Dist") or []
    needed = {one.partition(">")[0] for one in asked if "extra ==" not in one}
    assert needed == {"numba", "numpy", "pillow", "scipy"}


@pytest.mark.slow
def test_installed_together_they_work(environment: Environment) -> None:
    """The command and both packages, from their wheels alone."""
    assert environment.run("medimeta-c", "--version").stdout.startswith("medimeta-c ")
    Image.new("L", (2, 1), 100).save(environment.folder / "scan.png")
    asked = ("--corruption", "brightness", "--severity", "5", "--out", "worse")
    done = environment.run("medimeta-c", "corrupt", "scan.png", *asked)
    assert done.returncode == 0, done.stderr
    (written,) = (environment.folder / "worse").rglob("*.png")
    with Image.open(written) as picture:
        assert list(picture.tobytes()) == [227, 227]


@pytest.mark.slow
def test_without_the_corruptions_the_pipeline_says_so(environment: Environment) -> None:
    """Its help still works; whatever needs them is one sentence with the line that installs them."""
    environment.pip("uninstall", "--yes", "medimeta-corruptions")
    assert environment.run("medimeta-c", "--help").returncode == 0
    done = environment.run("medimeta-c", "datasets")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip() == f"medimeta-c: medimeta-c {MISSING}"
    script = "try:\n    from medimeta_c import build\nexcept ImportError as error:\n    print(error)"
    assert environment.run("python", "-c", script).stdout.strip() == f"medimeta_c.build {MISSING}"


@pytest.mark.slow
def test_without_the_pipeline_the_corruptions_work(environment: Environment) -> None:
    """Nothing of the other is left, and nothing of this one was taken along."""
    environment.pip("uninstall", "--yes", "medimeta-c")
    assert not (environment.scripts / "medimeta-c").exists()
    assert "No module named 'medimeta_c'" in environment.run("python", "-c", "import medimeta_c").stderr
    done = environment.run("python", "-c", CORRUPT)
    assert done.stdout.strip() == "[[227, 227]]", done.stderr
