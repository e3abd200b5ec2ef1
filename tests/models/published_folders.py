"""Small models of the families whose authors published code of their own, one writer each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

PUBLISHED: dict[str, Callable[[Path], str]] = {}
"""By family: writes a small model into a folder and returns its spec."""
