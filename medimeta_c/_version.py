"""The package's version; the benchmark's own is `medimeta_c.format.suites.BENCHMARK_VERSION`."""

__all__ = ["__version__"]

__version__ = "0.1.0"
