"""Model tests: one thread, no way out to the network, and small models of open_clip and transformers."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from model_fixtures import impatient, offline, one_thread

if TYPE_CHECKING:
    from medimeta_c.models import Model

__all__ = ["impatient", "offline", "one_thread"]

# These tests need the evaluate extra; without it there is nothing here to collect.
if any(find_spec(name) is None for name in ("torch", "open_clip", "transformers")):
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny CLIP of open_clip's. Read only."""
    from model_factories import make_open_clip_folder

    return make_open_clip_folder(tmp_path_factory.mktemp("clip"), seed=1)


@pytest.fixture(scope="session")
def biomed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of BiomedCLIP's structure. Read only."""
    from model_factories import make_biomedclip_folder

    return make_biomedclip_folder(tmp_path_factory.mktemp("biomed"), seed=2)


@pytest.fixture(scope="session")
def clip(clip_folder: Path) -> Model:
    from medimeta_c.models import load_model

    return load_model(f"local-dir:{clip_folder}")


@pytest.fixture(scope="session")
def biomed(biomed_folder: Path) -> Model:
    from medimeta_c.models import load_model

    return load_model(f"local-dir:{biomed_folder}")


@pytest.fixture(scope="session", params=["clip", "siglip"])
def saved_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny CLIP, or SigLIP, of transformers'. Read only."""
    from transformers_folders import WRITERS

    return WRITERS[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="session")
def saved_model(saved_folder: Path) -> Model:
    from medimeta_c.models import load_model

    return load_model(f"transformers:{saved_folder}")
