"""Records of heads: one trained on a model's features, and the outputs of a classifier's own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from medimeta_c.io.records import Count, Name, Record, Sha256, Since, Text

__all__ = ["FitRecord", "HeadOutput", "HeadRecord"]


class FitRecord(Record):
    """A head as it was fitted to one dataset.

    Attributes
    ----------
    images : int
        Training images.
    images_sha256 : str
        Of their ids and labels, and of those that the settings were chosen on.
    settings : dict
        The hyper-parameters chosen.
    """

    images: Annotated[int, Field(ge=1)]
    images_sha256: Sha256
    settings: dict[Text, JsonValue]


class HeadRecord(Record):
    """A classifier trained on a model's features.

    Attributes
    ----------
    shots : int or None
        Training images of each class; None for all.
    seed : int
        Which images those are.
    draw_from : {"train", "val"}
        The split that they are from.
    fits : dict of str to FitRecord
        By dataset.
    """

    name: Name
    shots: Annotated[int, Field(ge=1)] | None
    seed: Count
    draw_from: Annotated[Literal["train", "val"], Since(2)] = "train"
    fits: Annotated[dict[Name, FitRecord], Since(2)] = Field(default_factory=dict)

    @property
    def words(self) -> str:
        """What it is, for people."""
        shots = "all images" if self.shots is None else f"{self.shots} shot{'s' * (self.shots > 1)}"
        return f"{self.name} head, {shots} of {self.draw_from}, seed {self.seed}"

    @property
    def slug(self) -> str:
        """What distinguishes it in the name of a folder."""
        shots = "all" if self.shots is None else self.shots
        split = "" if self.draw_from == "train" else f"-of-{self.draw_from}"
        return f"{self.name}-{shots}-shots{split}-seed-{self.seed}"


class HeadOutput(Record):
    """An output of a classifier's own head.

    Attributes
    ----------
    index : int
        Its place among the head's outputs, from 0.
    name : str or None
        Its name; None if the head has none.
    """

    index: Count
    name: Text | None

    @property
    def shown(self) -> str:
        """The output in words."""
        return f"output {self.index}" + (f" ({self.name})" if self.name is not None else ", by position")
