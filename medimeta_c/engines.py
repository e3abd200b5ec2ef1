"""Run render tasks in parallel: joblib, over processes here or over a Dask cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Sequence
from typing import Any

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError

from medimeta_c.errors import BuildError, ConfigError, MissingExtraError
from medimeta_c.manifest import SetRecord
from medimeta_c.render import RenderTask, render_set

__all__ = ["ENGINES", "render_all"]

ENGINES = ("loky", "dask")


def render_all(
    tasks: Sequence[RenderTask], *, jobs: int, engine: str = "loky", scheduler: str | None = None
) -> Generator[SetRecord]:
    """Render sets in parallel and yield their records as they finish, in any order.

    Parameters
    ----------
    tasks : sequence of RenderTask
        One per set, started in this order.
    jobs : int
        Worker processes; -1 is one per core. With 1, everything happens in this process.
    engine : {"loky", "dask"}
        Worker processes of this machine, or of a Dask cluster that sees the same files.
    scheduler : str, optional
        Address of a running Dask scheduler; without it a local cluster is started.

    Yields
    ------
    SetRecord
        A finished set.

    Raises
    ------
    MissingExtraError
        If the engine is not installed.
    BuildError
        If a worker process died.
    MediMetaError
        Whatever a task raised; tasks not yet started are dropped.
    """
    if not tasks:
        return
    with _backend(engine, scheduler, jobs):
        parallel = Parallel(
            n_jobs=jobs, return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs"
        )
        results = parallel(delayed(render_set)(task) for task in tasks)
        try:
            yield from results
        except TerminatedWorkerError as error:
            raise BuildError(
                "a worker process died, most likely for lack of memory: run the same command again with "
                "fewer --jobs; finished sets are kept"
            ) from error
        finally:
            # After an error or Ctrl-C this kills the workers and waits for them: none may go on writing into
            # a directory whose lock is about to be released.
            results.close()


@contextlib.contextmanager
def _backend(engine: str, scheduler: str | None, jobs: int) -> Iterator[None]:
    if engine == "loky":
        with parallel_config(backend="loky", inner_max_num_threads=1):
            yield
    elif engine == "dask":
        with _dask_client(scheduler, jobs), parallel_config(backend="dask"):
            yield
    else:
        raise ConfigError(f"unknown engine {engine!r}: use one of {', '.join(ENGINES)}")


def _dask_client(scheduler: str | None, jobs: int) -> Any:
    try:
        from distributed import Client, LocalCluster  # noqa: PLC0415  (an optional engine)
    except ImportError:
        raise MissingExtraError("--engine dask", "dask") from None
    if scheduler is None:
        workers = None if jobs < 0 else jobs
        return Client(LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None))
    try:
        return Client(scheduler, timeout=5)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"no Dask scheduler answers at {scheduler!r} ({error}): start one, or leave --scheduler out"
        ) from error
