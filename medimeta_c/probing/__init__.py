"""Probes: heads trained on a frozen model's features of clean images, scored on every corrupted set."""

from __future__ import annotations

from medimeta_c.probing.config import ProbeConfig
from medimeta_c.probing.run import probe
from medimeta_c.results.probes import Probes

__all__ = ["ProbeConfig", "Probes", "probe"]
