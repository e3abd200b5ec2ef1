"""Faults of oct images."""

from medimeta_corruptions._spec import Corruption

__all__ = ["OCT"]

OCT: tuple[Corruption, ...] = ()
"""Their records."""
