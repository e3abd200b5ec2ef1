"""Evaluation beside the model's forward pass alone (../evaluate.py): ViT-B/32 with random weights on the CPU."""

from .tables import measured


class Scoring:
    """Time as a multiple of the forward pass's."""

    unit = "times the forward pass"
    timeout = 3600

    def track_share(self) -> float:
        options = ("--images", "96", "--repeats", "3", "--batch-size", "32", "--without-clip-benchmark")
        return measured("evaluate.py", *options, column="of bare forward")["ours"]
