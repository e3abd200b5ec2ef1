"""Fixtures every test may use."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from medimeta_c.building.build import BuildConfig

REPO_ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def sample_dir() -> Path:
    """Real medical images in MedIMeta's format: ``$MEDIMETA_SAMPLE``, or the folder beside the checkout."""
    folder = Path(os.environ.get("MEDIMETA_SAMPLE", REPO_ROOT.parent / "shared" / "medimeta-sample"))
    if not (folder / "pbc" / "info.yaml").is_file():
        pytest.skip(f"needs real images in MedIMeta's format at {folder} (set MEDIMETA_SAMPLE)")
    return folder


@pytest.fixture(scope="session")
def clean_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tiny image folders: `cells` (RGB, 3 classes x 4 images) and `rays` (grey, 2 classes x 4)."""
    root = tmp_path_factory.mktemp("clean")
    draw = np.random.Generator(np.random.Philox(key=7))
    for dataset, classes, shape in (("cells", 3, (22, 26, 3)), ("rays", 2, (26, 22))):
        for label in range(classes):
            folder = root / dataset / f"class{label}"
            folder.mkdir(parents=True)
            for index in range(4):
                noise = draw.integers(0, 60, shape, dtype=np.uint8)
                ramp = np.linspace(40 * label, 40 * label + 90, shape[1]).astype(np.uint8)
                pixels = noise + (ramp[:, None] if len(shape) == 3 else ramp)
                Image.fromarray(pixels).save(folder / f"{index:03d}.png")
    return root


@pytest.fixture
def build_config(clean_dir: Path, tmp_path: Path) -> Callable[..., BuildConfig]:
    """Make a configuration that builds the tiny image folders in this process."""

    def configure(**changes: object) -> BuildConfig:
        from medimeta_c.building.build import BuildConfig

        values: dict[str, object] = {
            "datasets": ("cells", "rays"),
            "source": "imagefolder",
            "data_dir": clean_dir,
            "out": tmp_path / "out",
            "jobs": 1,
        }
        return BuildConfig(**{**values, **changes})  # type: ignore[arg-type]

    return configure


@pytest.fixture(scope="session")
def built(clean_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished build of the tiny image folders, every corruption and severity. Read only."""
    from medimeta_c.building.build import BuildConfig, build

    out = tmp_path_factory.mktemp("built") / "benchmark"
    build(BuildConfig(datasets=("cells", "rays"), source="imagefolder", data_dir=clean_dir, out=out, jobs=1))
    return out


@pytest.fixture(scope="session")
def small(clean_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished build of three sets. Read only."""
    from medimeta_c.building.build import BuildConfig, build

    out = tmp_path_factory.mktemp("small") / "benchmark"
    build(
        BuildConfig(
            datasets=("rays",),
            source="imagefolder",
            data_dir=clean_dir,
            out=out,
            corruptions=("contrast",),
            severities=(1, 3),
            jobs=1,
        )
    )
    return out


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a page from the disk; at the end no error was logged, nothing else was asked for."""
    contexts, wrong = [], []

    def call(path: Path, fragment: str = "", **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1400, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(5000)
        page.on("console", lambda message: wrong.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(f"dialog {dialog.message}"))
        page.on("request", lambda one: one.url.startswith(("file:", "data:")) or wrong.append(one.url))
        page.goto(path.as_uri() + fragment)
        return page

    yield call
    pwned = [page.evaluate("window.pwned") for context in contexts for page in context.pages]
    for context in contexts:
        context.close()
    assert wrong == []
    assert set(pwned) <= {None}


@pytest.fixture(scope="session")
def axe(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core, from npm; kept in pytest's cache."""
    cache = getattr(pytestconfig, "cache", None)
    folder = Path(cache.mkdir("axe-core")) if cache is not None else tmp_path_factory.mktemp("axe")
    script = folder / "package/axe.min.js"
    if not script.is_file():
        if shutil.which("npm") is None:
            pytest.skip("needs npm, to fetch axe-core")
        done = subprocess.run(
            ["npm", "pack", "--silent", "axe-core@4"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode:
            pytest.skip("needs axe-core from npm, which cannot be reached")
        shutil.unpack_archive(folder / done.stdout.strip(), folder, filter="data")
    return script.read_text(encoding="utf-8")
