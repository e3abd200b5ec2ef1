"""Faults of radiograph images."""

from medimeta_corruptions._spec import Corruption

__all__ = ["RADIOGRAPH"]

RADIOGRAPH: tuple[Corruption, ...] = ()
"""Their records."""
