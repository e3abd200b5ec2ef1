"""Each corruption beside imagecorruptions' (../corruptions.py)."""

from medimeta_c.format.suites import CORE

from .tables import measured


class Corruptions:
    """Time as a share of the reference's."""

    params = CORE.corruptions
    param_names = ("corruption",)
    unit = "of the reference's time"
    timeout = 3600

    def setup_cache(self) -> dict[str, float]:
        return measured("corruptions.py", "--repeats", "9", "--only", *CORE.corruptions)

    def track_share(self, found: dict[str, float], corruption: str) -> float:
        return found[corruption]
