"""Run tasks in parallel: in processes of this machine, or on a Dask cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from medimeta_c.building.engines.local import died, over_processes, pause, processes
from medimeta_c.errors import ConfigError, Remedy, WorkerError, unknown_name
from medimeta_c.io.processes.dask import connected, require_dask

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["ENGINES", "check_jobs", "pause", "processes", "require", "run_all"]

ENGINES = ("loky", "dask")
_DASK_S = 10  # for a worker to answer

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")


def check_jobs(jobs: int) -> None:
    """Raise ConfigError if the number of processes is 0."""
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
    if engine == "dask":
        require_dask()
    if scheduler is not None:
        with connected(scheduler) as client:
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
        Processes, this one included; -1 is one per core. With 1, everything happens in this process.
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
    This process runs some of the tasks in a thread, while others are pickled for the workers.

    Worker processes that are started here end with this process, even if it is killed. Workers of a given
    scheduler are never stopped: after an error they still finish the tasks that they are running.
    """
    check_jobs(jobs)
    require(engine)
    if tasks:
        over = over_processes(function, tasks, jobs)
        if engine == "dask":
            over = _over_dask(function, tasks, jobs, scheduler)
        # Close the generator at once after an error: until it is collected, its workers would continue.
        with contextlib.closing(over):
            yield from over


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
            raise died() from error
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
    if scheduler is not None:
        with connected(scheduler) as client:
            yield client
        return
    from distributed import Client, LocalCluster  # noqa: PLC0415  (an optional engine)

    workers = None if jobs < 0 else jobs
    # Both are left in turn: a client does not close a cluster that it was given.
    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client
