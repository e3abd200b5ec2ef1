"""Run tasks on this machine: in this process, and in worker processes (loky's) beside it.

This process takes tasks as each worker does. A worker needs about half a second to start; meanwhile this
process already runs tasks. A single task, or one job, starts no worker.
"""

from __future__ import annotations

import contextlib
import functools
import os
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from pickle import PicklingError
from typing import Any, TypeVar

from medimeta_c.errors import Remedy, WorkerError
from medimeta_c.io.processes.interrupts import without_interrupts

__all__ = ["died", "over_processes", "pause", "processes"]

_WATCH_S = 0.2
_IDLE_S = 300  # a worker without tasks ends after so many seconds
_THREADS = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMBA", "NUMEXPR")
_ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in _THREADS} | {"VECLIB_MAXIMUM_THREADS": "1"}

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")

_here = threading.local()


class _Stopped(BaseException):
    """Ends a task in this process whose outcome nobody waits for any more."""


def pause() -> None:
    """End the running task if the others were given up; a task calls it between two images."""
    stop: threading.Event | None = getattr(_here, "stop", None)
    if stop is not None and stop.is_set():
        raise _Stopped


def processes(jobs: int, tasks: int) -> int:
    """Return how many processes run so many tasks, this one included; `jobs` -1 is one per core."""
    if jobs == 1 or tasks < 2:
        return 1
    from joblib import effective_n_jobs  # noqa: PLC0415  (slow to import, and one process does without)

    return min(int(effective_n_jobs(jobs)), tasks)


def died() -> WorkerError:
    """Return the error for a worker process that ended unexpectedly."""
    return WorkerError(
        "a worker process died, most likely for lack of memory",
        remedy=Remedy("run the same again with fewer {jobs}; finished sets are kept"),
    )


def over_processes(
    function: Callable[[Task], Outcome], tasks: Sequence[Task], jobs: int
) -> Generator[Outcome]:
    """Call a function on every task, as `medimeta_c.building.engines.run_all` does with processes."""
    count = processes(jobs, len(tasks))
    return _shared(function, tasks, count - 1) if count > 1 else _one_by_one(function, tasks)


def _one_by_one(function: Callable[[Task], Outcome], tasks: Sequence[Task]) -> Generator[Outcome]:
    """Call a function on every task in this process, one after the other."""
    for task in tasks:
        yield function(task)


def _shared(function: Callable[[Task], Outcome], tasks: Sequence[Task], workers: int) -> Generator[Outcome]:
    """Share tasks between this process and workers; each takes the next task when it is done with one."""
    from joblib.executor import get_memmapping_executor  # noqa: PLC0415  (slow to import)
    from joblib.externals.loky.process_executor import TerminatedWorkerError  # noqa: PLC0415

    called = functools.partial(_in_worker, os.getpid(), function)
    waiting, stop = _Waiting(tasks), threading.Event()
    sent: dict[Future[Outcome], Task] = {}
    ended: queue.SimpleQueue[Future[Outcome]] = queue.SimpleQueue()
    # Large arrays that tasks hold are mapped into the workers, not copied.
    executor = get_memmapping_executor(workers, timeout=_IDLE_S, env=_ONE_THREAD)

    def send() -> None:
        for task in waiting.take():
            future = executor.submit(called, task)
            sent[future] = task
            future.add_done_callback(ended.put)

    own = threading.Thread(target=_work, args=(function, waiting, ended, stop), name="tasks", daemon=True)
    complete = False
    try:
        with without_interrupts():
            for _ in range(workers):
                send()
        own.start()
        for _ in tasks:
            future = _next(ended)
            theirs = [sent.pop(future)] if future in sent else []
            try:
                outcomes = [future.result()]
            except PicklingError:  # the task cannot be sent to a worker
                if not theirs:
                    raise
                outcomes = []
            if theirs:
                send()  # now: the worker waits
            yield from outcomes or map(function, theirs)
        complete = True
    except TerminatedWorkerError as error:
        raise died() from error
    finally:
        # After an error or Ctrl-C nothing may go on writing into a directory that is about to be unlocked.
        stop.set()
        if not complete:
            executor.terminate(kill_workers=True)
        if own.ident is not None:
            own.join()


class _Waiting:
    """Tasks that nobody has taken yet; several threads take them."""

    def __init__(self, tasks: Sequence[Any]) -> None:
        self._tasks, self._lock = iter(tasks), threading.Lock()

    def take(self) -> Iterator[Any]:
        """Yield the next task, if there is one."""
        with self._lock:
            task = next(self._tasks, self)
        if task is not self:
            yield task


def _work(
    function: Callable[[Task], Outcome],
    waiting: _Waiting,
    ended: queue.SimpleQueue[Future[Outcome]],
    stop: threading.Event,
) -> None:
    """Run tasks in this thread until none is left, one fails, or all are given up."""
    _here.stop = stop
    while not stop.is_set():
        future: Future[Outcome] = Future()
        try:
            for task in waiting.take():
                future.set_result(function(task))
        except _Stopped:
            return
        except BaseException as error:  # raised where the outcome is awaited
            future.set_exception(error)
        if not future.done():
            return
        ended.put(future)


def _next(ended: queue.SimpleQueue[Future[Outcome]]) -> Future[Outcome]:
    """Return the next task that ended; Ctrl-C gets through on every system, as the wait is short."""
    while True:
        with contextlib.suppress(queue.Empty):
            return ended.get(timeout=_WATCH_S)


def _in_worker(parent: int, function: Callable[[Task], Outcome], task: Task) -> Outcome:
    if os.getpid() != parent:
        _end_with(parent)
    return function(task)


@functools.cache
def _end_with(parent: int) -> None:
    """End this process soon after its parent does.

    An orphan would go on with the tasks it was handed, and write into a directory that the next build has
    locked.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH_S)
        os._exit(1)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
