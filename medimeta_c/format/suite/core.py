"""The core suite: the paper's seven corruptions."""

from medimeta_c.format.suite.record import Suite

__all__ = ["BENCHMARK_VERSION", "CORE", "HEADLINE", "SEVERITIES"]

BENCHMARK_VERSION = "1.0"
"""Version of the core suite's pixels. It moves apart from the package's version."""

SEVERITIES = (1, 2, 3, 4, 5)

_MEDIMETA = ("pbc", "mammo_calc", "pneumonia", "fundus", "oct")
_MEDMNIST = ("bloodmnist", "breastmnist", "pneumoniamnist", "retinamnist", "octmnist")

HEADLINE = {
    "medimeta": _MEDIMETA,
    "medmnist": _MEDMNIST,
    "phantoms": _MEDIMETA,
    "medimetac": _MEDIMETA,
}
"""The five datasets of each collection that an mCE is taken over, in the paper's order."""

_CORRUPTIONS = (
    "gaussian_noise",
    "impulse_noise",
    "motion_blur",
    "zoom_blur",
    "brightness",
    "contrast",
    "pixelate",
)

CORE = Suite(
    name="core",
    version=BENCHMARK_VERSION,
    grid=dict.fromkeys((*_MEDIMETA, *_MEDMNIST), _CORRUPTIONS),
    headline=HEADLINE,
    severities=SEVERITIES,
)
"""The benchmark: what an mCE on MediMeta-C and on MedMNIST-C is taken over."""
