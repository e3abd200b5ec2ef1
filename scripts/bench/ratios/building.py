"""The whole path of a build beside imagecorruptions with Pillow (../build.py), on phantoms."""

from .tables import measured


class Building:
    """Time as a share of the simple pipeline's."""

    params = ("RGB whole build", "grey whole build", "grey, one channel kept whole build")
    param_names = ("rows",)
    unit = "of the simple pipeline's time"
    timeout = 3600

    def setup_cache(self) -> dict[str, float]:
        return measured("build.py", "--images", "6")

    def track_share(self, found: dict[str, float], rows: str) -> float:
        return found[rows]
