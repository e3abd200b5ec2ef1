"""Faults of mr images."""

from medimeta_corruptions._spec import Corruption

__all__ = ["MR"]

MR: tuple[Corruption, ...] = ()
"""Their records."""
