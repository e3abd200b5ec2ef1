"""Run tasks in parallel: in processes of this machine (joblib), or on a Dask cluster."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

from joblib import Parallel, delayed, effective_n_jobs, parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError

from medimeta_c.errors import ConfigError, MissingExtraError, Remedy, WorkerError, unknown_name

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["ENGINES", "check_jobs", "require", "run_all"]

ENGINES = ("loky", "dask")
_END: Any = object()

_WATCH_S = 0.2
_DASK_S = 10  # for a worker to answer

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")


def check_jobs(jobs: int) -> None:
    """Raise ConfigError if the number of worker processes is 0."""
    if jobs == 0:
        raise ConfigError("jobs must be at least 1, or -1 for one per core; got 0", value=jobs)


def require(engine: str, scheduler: str | None = None) -> None:
    """Check that an engine is available before any work is given to it.

    Raises
    ------
    ConfigError
        If the engine is unknown, no Dask scheduler answers at that address, or none of its workers can
        run tasks of this package.
    MissingExtraError
        If the engine is not installed.
    """
    if engine not in ENGINES:
        raise unknown_name("engine", engine, ENGINES)
    if engine == "dask" and find_spec("distributed") is None:
        raise MissingExtraError("the engine dask", "dask")
    if scheduler is not None:
        with _dask_client(scheduler, jobs=1) as client:
            _check_workers(client, scheduler)


def run_all(
    function: Callable[[Task], Outcome],
    tasks: Sequence[Task],
    *,
    jobs: int,
    engine: str = "loky",
    scheduler: str | None = None,
) -> Generator[Outcome]:
    """Call a function on every task in parallel and yield what it returns, in any order.

    Parameters
    ----------
    function : callable
        Of a module, so that workers can import it.
    tasks : sequence
        Its arguments, started in this order; they can be pickled.
    jobs : int
        Worker processes; -1 is one per core. With 1, everything happens in this process.
    engine : {"loky", "dask"}, optional
        Worker processes of this machine, or of a Dask cluster that sees the same files.
    scheduler : str, optional
        Address of a running Dask scheduler; without it a local cluster is started.

    Raises
    ------
    ConfigError
        If `jobs` is 0, or the engine is unknown.
    MissingExtraError
        If the engine is not installed.
    WorkerError
        If a worker process died.
    MediMetaError
        Whatever a task raised; tasks not yet started are dropped.

    Notes
    -----
    Worker processes that are started here end with this process, even if it is killed. Workers of a given
    scheduler are never stopped: after an error they still finish the tasks that they are running.
    """
    check_jobs(jobs)
    require(engine)
    if tasks:
        over = _over_processes(function, tasks, jobs)
        if engine == "dask":
            over = _over_dask(function, tasks, jobs, scheduler)
        # Close the generator at once after an error: until it is collected, its workers would continue.
        with contextlib.closing(over):
            yield from over


def _over_processes(
    function: Callable[[Task], Outcome], tasks: Sequence[Task], jobs: int
) -> Generator[Outcome]:
    called = functools.partial(_in_worker, os.getpid(), function)
    # Processes are started at once, whether there is work for them or not.
    jobs = min(effective_n_jobs(jobs), len(tasks))
    with parallel_config(backend="loky", inner_max_num_threads=1):
        parallel = Parallel(
            n_jobs=jobs,
            return_as="generator_unordered",
            batch_size=1,
            pre_dispatch="2*n_jobs",
        )
        with _without_interrupts():
            results = parallel(delayed(called)(task) for task in tasks)
        try:
            while True:
                with _without_warnings():
                    outcome = next(results, _END)
                if outcome is _END:
                    break
                yield outcome
        except TerminatedWorkerError as error:
            raise _died() from error
        finally:
            # After an error or Ctrl-C this kills the workers and waits for them: none may go on writing into
            # a directory whose lock is about to be released.
            with _without_warnings():
                results.close()


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Keep joblib from warning, on an error or Ctrl-C, that it cancelled tasks: the error is enough."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Have processes that are started in the block ignore Ctrl-C.

    Ctrl-C reaches every process of the terminal; this process stops the workers, so they can ignore it.
    """
    if threading.current_thread() is not threading.main_thread():  # which may not change signals
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)  # None: a handler not of Python


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


def _died() -> WorkerError:
    return WorkerError(
        "a worker process died, most likely for lack of memory",
        remedy=Remedy("run the same again with fewer {jobs}; finished sets are kept"),
    )


def _over_dask(
    function: Callable[[Task], Outcome], tasks: Sequence[Task], jobs: int, scheduler: str | None
) -> Generator[Outcome]:
    # Not through joblib, whose Dask backend waits for ever for a task that Dask itself gives up.
    from concurrent.futures import CancelledError  # noqa: PLC0415

    from distributed import KilledWorker, as_completed  # noqa: PLC0415  (an optional engine)

    with _dask_client(scheduler, jobs) as client:
        try:
            for future in as_completed(client.map(function, tasks, pure=False)):
                yield future.result()
        except KilledWorker as error:
            raise _died() from error
        except CancelledError as error:
            raise WorkerError(
                "the connection to the Dask scheduler was lost",
                remedy=Remedy("start it again, then run the same again; finished sets are kept"),
            ) from error


def _ready() -> bool:
    """Return True; run by a worker, it shows that there is one, and that it has this package."""
    return True


def _check_workers(client: Client, scheduler: str) -> None:
    try:
        client.submit(_ready, pure=False).result(timeout=_DASK_S)
    except Exception as error:  # whatever the other side could not import or unpickle
        raise ConfigError(
            f"no worker of the Dask scheduler at {scheduler!r} can run this package's tasks "
            f"({type(error).__name__}: {error}): start workers, and run scheduler and workers in the "
            "same environment as this process"
        ) from error


@contextlib.contextmanager
def _dask_client(scheduler: str | None, jobs: int) -> Iterator[Client]:
    from distributed import Client, LocalCluster  # noqa: PLC0415  (an optional engine)

    if scheduler is None:
        workers = None if jobs < 0 else jobs
        # Both are left in turn: a client does not close a cluster that it was given.
        with (
            LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
            Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = Client(scheduler, timeout=5)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"no Dask scheduler answers at {scheduler!r} ({error})",
            remedy=[Remedy("start one"), Remedy("leave {scheduler} out")],
        ) from error
    with client:
        yield client
