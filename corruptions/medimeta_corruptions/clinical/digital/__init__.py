"""Faults of any digital picture: how it was compressed, shrunk, windowed and written over."""

from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical.digital.bit_depth import BIT_DEPTH
from medimeta_corruptions.clinical.digital.burnt_in_text import BURNT_IN_TEXT
from medimeta_corruptions.clinical.digital.downsampling import DOWNSAMPLING
from medimeta_corruptions.clinical.digital.jpeg import JPEG
from medimeta_corruptions.clinical.digital.jpeg2000 import JPEG2000
from medimeta_corruptions.clinical.digital.window_level import WINDOW_LEVEL

__all__ = ["DIGITAL"]

DIGITAL: tuple[Corruption, ...] = (JPEG, DOWNSAMPLING, BIT_DEPTH, WINDOW_LEVEL, BURNT_IN_TEXT, JPEG2000)
"""Their records."""
