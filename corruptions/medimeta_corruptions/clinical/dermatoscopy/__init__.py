"""Faults of dermatoscopy images."""

from medimeta_corruptions._spec import Corruption

__all__ = ["DERMATOSCOPY"]

DERMATOSCOPY: tuple[Corruption, ...] = ()
"""Their records."""
