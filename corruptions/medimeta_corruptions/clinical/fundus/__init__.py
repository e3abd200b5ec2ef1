"""Faults of fundus images."""

from medimeta_corruptions._spec import Corruption

__all__ = ["FUNDUS"]

FUNDUS: tuple[Corruption, ...] = ()
"""Their records."""
