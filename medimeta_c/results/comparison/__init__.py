"""Comparison of models on the images they share."""

from medimeta_c.results.comparison.comparing import compare
from medimeta_c.results.comparison.record import Compared, Comparison
from medimeta_c.results.comparison.shared import common_benchmark

__all__ = ["Compared", "Comparison", "common_benchmark", "compare"]
