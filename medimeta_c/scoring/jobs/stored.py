"""A result in an object store: evaluated in a local copy of its folder, and put there cell by cell."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from medimeta_c.errors import Remedy, ResultError
from medimeta_c.io.stores.locks import store_lock
from medimeta_c.io.stores.mirror import Mirror
from medimeta_c.io.stores.naming import spoken_of_as
from medimeta_c.io.stores.stored import StoredPath
from medimeta_c.results.identity import RunIdentity
from medimeta_c.results.result import RESULT_NAME
from medimeta_c.scoring.jobs.progress import JobProgress

__all__ = ["StoredResult", "stored_result"]


class StoredResult:
    """The local copy of a result's folder, for the process that holds its lock in the store.

    Parameters
    ----------
    mirror : Mirror
        The copy.
    """

    def __init__(self, mirror: Mirror) -> None:
        self._mirror, self._cells = mirror, 0

    @property
    def out(self) -> Path:
        """Root of all results that the local copy is below."""
        return self._mirror.folder.parent.parent

    @property
    def place(self) -> StoredPath:
        """The result's folder in the store."""
        return self._mirror.root

    def after_each_cell(
        self, on_progress: Callable[[JobProgress], None] | None
    ) -> Callable[[JobProgress], None]:
        """Return what puts finished cells into the store, and then tells of the progress."""

        def tell(now: JobProgress) -> None:
            if now.cells_done != self._cells:
                self._cells = now.cells_done
                self._mirror.push()
            if on_progress is not None:
                on_progress(now)

        return tell


@contextlib.contextmanager
def stored_result(out: StoredPath, run: RunIdentity) -> Iterator[StoredResult]:
    """Lock a run's result in a store, fetch what is there of it, and in the end put what was written.

    Parameters
    ----------
    out : StoredPath
        Root of all results.
    run : RunIdentity
        Who answers.

    Raises
    ------
    ResultError
        If another process evaluates into it.
    StoreError
        If the store fails.
    """
    fingerprint = run.benchmark.fingerprint[:12]
    place = out / run.slug / fingerprint
    lock = out / run.slug / f".{fingerprint}.lock"

    def busy(holder: str) -> ResultError:
        return ResultError(
            f"another process is evaluating into {place} ({holder})",
            remedy=[
                Remedy("wait until it ends"),
                Remedy("if it was killed, remove {0} and run the same again", lock),
                Remedy("choose another {out}"),
            ],
        )

    with store_lock(lock, busy):
        mirror = Mirror(place, name=f"{run.slug}/{fingerprint}", last=RESULT_NAME)
        with spoken_of_as(mirror.folder, place):
            yield StoredResult(mirror)
            mirror.push()
