"""The suites of this package. Nothing here imports NumPy, so that help texts can name what there is."""

from medimeta_c.format.suite.clinical import CLINICAL, DIGITAL
from medimeta_c.format.suite.core import BENCHMARK_VERSION, CORE
from medimeta_c.format.suite.imagenet_c import IMAGENET_C
from medimeta_c.format.suite.record import Suite

__all__ = ["BENCHMARK_VERSION", "CLINICAL", "CORE", "DIGITAL", "IMAGENET_C", "Suite"]
