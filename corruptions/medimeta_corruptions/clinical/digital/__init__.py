"""Faults of digital images."""

from medimeta_corruptions._spec import Corruption

__all__ = ["DIGITAL"]

DIGITAL: tuple[Corruption, ...] = ()
"""Their records."""
