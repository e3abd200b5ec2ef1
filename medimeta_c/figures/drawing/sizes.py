"""Sizes and resolutions of all figures, and the colour of clean images."""

from __future__ import annotations

__all__ = ["CLEAN_COLOUR", "COLUMN_INCHES", "DPI", "PAGE_INCHES", "PRINT_DPI", "TITLE_POINTS"]

DPI = 160
PRINT_DPI = 300
"""Of figures for a journal."""
COLUMN_INCHES = 84 / 25.4
"""Width of one column of a two-column journal page."""
PAGE_INCHES = 174 / 25.4
"""Width of such a page's text."""
TITLE_POINTS = 8
"""Size of panels' titles, which are bold."""

CLEAN_COLOUR = "#000000"
