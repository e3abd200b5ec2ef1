"""Share a result between processes: each cell is evaluated by one of them, and all wait for the last cell."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from medimeta_c.errors import Remedy, ResultError
from medimeta_c.format.keys import SetKey
from medimeta_c.results.folder.adding import ResultFolder, locked_result, open_result_folder
from medimeta_c.results.folder.places import result_path
from medimeta_c.results.identity import RunIdentity
from medimeta_c.results.sharing.claims import Claims

__all__ = ["SharedResult", "share_result"]

_WAIT_S = 3600  # longer than any process takes to write a result with its reports
_POLL_S = 0.5

_guard = threading.Lock()
_open: set[Path] = set()


@contextlib.contextmanager
def share_result(out: Path, run: RunIdentity) -> Iterator[SharedResult]:
    """Evaluate a run together with other processes; the claims of this one end with the block.

    Parameters
    ----------
    out : Path
        Root of all results.
    run : RunIdentity
        Who answers.

    Raises
    ------
    ResultError
        If this process is in such a block already: it would wait for itself.
    """
    path = result_path(out, run)
    place = path.absolute()
    with _guard:
        if place in _open:
            raise ResultError(
                f"this process is already evaluating into {path}",
                remedy=[Remedy("wait until it ends"), Remedy("choose another {out}")],
            )
        _open.add(place)
    claims = Claims(path)
    try:
        yield SharedResult(out, run, path, claims)
    finally:
        claims.release_all()
        with _guard:
            _open.discard(place)


class SharedResult:
    """A result that several processes evaluate.

    Parameters
    ----------
    out, run : Path, RunIdentity
        As `share_result` takes them.
    path : Path
        The result's folder.
    claims : Claims
        Of this process.
    """

    def __init__(self, out: Path, run: RunIdentity, path: Path, claims: Claims) -> None:
        self._out, self._run, self._path, self.claims = out, run, path, claims

    @contextlib.contextmanager
    def opened(self) -> Iterator[ResultFolder]:
        """Lock the result's folder and read what is there; other processes wait meanwhile."""
        with open_result_folder(self._out, self._run, wait_s=_WAIT_S) as folder:
            yield folder

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the result's folder for a moment."""
        with locked_result(self._path, wait_s=_WAIT_S):
            yield

    def free(self, wanted: Sequence[SetKey], is_done: Callable[[SetKey], bool]) -> Iterator[SetKey]:
        """Yield the cells that are not done and that no other process has; each is claimed as it comes up."""
        for key in wanted:
            with self.locked():
                taken = not is_done(key) and self.claims.take(key)
            if taken:
                yield key

    def save(self, key: SetKey, write: Callable[[], None]) -> None:
        """Call `write`, which saves a cell, under the folder's lock; then give back the claim to the cell."""
        with self.locked():
            write()
            self.claims.release(key)

    def wait(
        self,
        wanted: Sequence[SetKey],
        is_done: Callable[[SetKey], bool],
        *,
        on_wait: Callable[[], None] = lambda: None,
    ) -> None:
        """Return as soon as one of some cells is done, or is claimed by no process.

        `on_wait` is called once if that is not so at once.
        """
        waits = False
        while True:
            with self.locked():
                if any(is_done(key) or self.claims.is_free(key) for key in wanted):
                    return
            if not waits:
                on_wait()
            waits = True
            time.sleep(_POLL_S)
