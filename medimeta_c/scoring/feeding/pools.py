"""Workers that prepare images ahead of the model: threads, or processes where threads would not help."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import TerminatedWorkerError

from medimeta_c.errors import Remedy, WorkerError

__all__ = ["ahead"]

T = TypeVar("T")

_AHEAD = 3  # tasks in work for each worker: enough to hide a slow one, few enough to stay small


def ahead(tasks: Iterable[tuple[Callable[[], T], bool]], *, workers: int) -> Generator[T]:
    """Yield the results of tasks, in order, a bounded number ahead of the reader.

    Parameters
    ----------
    tasks : iterable of (callable, bool)
        What to do, and whether it holds the interpreter's lock: then it is done in a process, and both it and
        its result are pickled; otherwise in a thread.
    workers : int
        Threads, and processes if any are needed; 0 does everything here.

    Raises
    ------
    WorkerError
        If a process died.
    """
    if workers == 0:
        for task, _ in tasks:
            yield task()
        return
    waiting: deque[Future[T]] = deque()
    with ExitStack() as stack:
        pools: dict[bool, Executor] = {}
        try:
            for task, holds_lock in tasks:
                if holds_lock not in pools:
                    pools[holds_lock] = stack.enter_context(_pool(workers, processes=holds_lock))
                waiting.append(pools[holds_lock].submit(task))
                if len(waiting) > _AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except TerminatedWorkerError as error:
            raise WorkerError(
                "a decoding process died, most likely for lack of memory",
                remedy=Remedy("run the same again with fewer {workers}; finished cells are kept"),
            ) from error
        finally:
            for future in waiting:
                future.cancel()


@contextmanager
def _pool(workers: int, *, processes: bool) -> Iterator[Executor]:
    if not processes:
        with ThreadPoolExecutor(max_workers=workers) as threads:
            yield threads
        return
    # A pool of our own: the one that loky shares in a process is joblib's, which builds use. The timeout ends
    # idle workers of a run that was killed.
    pool = ProcessPoolExecutor(max_workers=workers, timeout=60)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, kill_workers=True)
