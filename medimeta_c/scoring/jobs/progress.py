"""How far a job is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from medimeta_c.format.keys import SetKey

__all__ = ["JobProgress", "Meter", "together"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """How far a job is, in cells that were not yet finished when it began, and images of them.

    Parameters
    ----------
    cells_done, cells_total, images_done, images_total : int
        Including those that other processes evaluate.
    waiting : int
        Cells that other processes have not finished yet, if no others are left.
    """

    cells_done: int
    cells_total: int
    images_done: int
    images_total: int
    waiting: int = 0

    @property
    def view(self) -> tuple[str, float, float]:
        """What a progress bar shows."""
        text = f"scoring {self.cells_done}/{self.cells_total} cells"
        if self.waiting:
            text += f", waiting for {self.waiting} that other processes score"
        return text, self.images_done, self.images_total


def together(each: Iterable[JobProgress]) -> JobProgress:
    """Return the progress of several processes that do one job."""
    all_of = list(each)
    cells, images = max(one.cells_total for one in all_of), max(one.images_total for one in all_of)
    return JobProgress(
        cells_done=min(cells, sum(one.cells_done for one in all_of)),
        cells_total=cells,
        images_done=min(images, sum(one.images_done for one in all_of)),
        images_total=images,
    )


class Meter:
    """Counts the images and cells of a job.

    Parameters
    ----------
    tell : callable
        Called with a `JobProgress` after each change.
    images : mapping of SetKey to int
        Images of each cell that is not finished.
    """

    def __init__(self, tell: Callable[[JobProgress], None], images: Mapping[SetKey, int]) -> None:
        self._tell, self._images = tell, images
        self._now = JobProgress(
            cells_done=0, cells_total=len(images), images_done=0, images_total=sum(images.values())
        )

    def left(self, todo: Collection[SetKey], *, waiting: bool = False) -> None:
        """Tell which cells are not finished, whoever finished the others."""
        images = sum(self._images[key] for key in todo)
        self._now = replace(
            self._now,
            cells_done=self._now.cells_total - len(todo),
            images_done=self._now.images_total - images,
            waiting=len(todo) if waiting else 0,
        )
        self._tell(self._now)

    def count(self, images: int = 0, cells: int = 0) -> None:
        """Count what this process has done."""
        now = self._now
        done = min(now.images_done + images, now.images_total)
        self._now = replace(now, cells_done=now.cells_done + cells, images_done=done)
        self._tell(self._now)
