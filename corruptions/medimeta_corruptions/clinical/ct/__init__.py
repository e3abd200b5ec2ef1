"""Faults of ct images."""

from medimeta_corruptions._spec import Corruption

__all__ = ["CT"]

CT: tuple[Corruption, ...] = ()
"""Their records."""
