"""Valid files of every kind that is read, written by this version or kept from the first."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

TESTS = Path(__file__).parents[2]
for folder in (TESTS, TESTS / "readers", TESTS / "sources", TESTS / "sources/pictures"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
GOLDEN = TESTS / "golden"


def write_corpus(root: Path) -> None:
    """Write all seeds below a folder that does not exist yet."""
    from fuzz_corpus.models import write_models, write_weights
    from fuzz_corpus.pictures import write_pictures
    from fuzz_corpus.results import write_results, write_sweeps
    from fuzz_corpus.sources import write_sources
    from fuzz_corpus.texts import write_keys, write_studies, write_texts

    shutil.copytree(GOLDEN / "schema1", root)
    shutil.copytree(GOLDEN / "formats", root / "formats")
    for write in (
        *(write_results, write_sweeps, write_sources, write_pictures),
        *(write_weights, write_texts, write_studies, write_keys),
    ):
        write(root)
    if all(find_spec(name) for name in ("torch", "open_clip", "transformers", "sentencepiece")):
        write_models(root)
