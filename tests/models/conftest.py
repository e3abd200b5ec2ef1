"""Model tests: one thread, and no way out to the network."""

from __future__ import annotations

from importlib.util import find_spec

from model_fixtures import impatient, offline, one_thread

__all__ = ["impatient", "offline", "one_thread"]

# These tests need the evaluate extra; without it there is nothing here to collect.
if any(find_spec(name) is None for name in ("torch", "open_clip", "transformers")):
    collect_ignore_glob = ["test_*.py"]
