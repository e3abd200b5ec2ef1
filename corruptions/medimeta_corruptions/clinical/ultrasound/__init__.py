"""Faults of ultrasound images."""

from medimeta_corruptions._spec import Corruption

__all__ = ["ULTRASOUND"]

ULTRASOUND: tuple[Corruption, ...] = ()
"""Their records."""
