"""Faults of microscopy images."""

from medimeta_corruptions._spec import Corruption

__all__ = ["MICROSCOPY"]

MICROSCOPY: tuple[Corruption, ...] = ()
"""Their records."""
