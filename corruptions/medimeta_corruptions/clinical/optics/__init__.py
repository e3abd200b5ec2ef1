"""Faults of optics images."""

from medimeta_corruptions._spec import Corruption

__all__ = ["OPTICS"]

OPTICS: tuple[Corruption, ...] = ()
"""Their records."""
