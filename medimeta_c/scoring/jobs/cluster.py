"""Evaluate on the workers of a Dask cluster, each with the device it has, all into one result."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medimeta_c.errors import ConfigError, MediMetaError, Remedy, WorkerError, short
from medimeta_c.io.processes.dask import connected, require_dask
from medimeta_c.results.folder.saved import SavedResult, read_saved
from medimeta_c.results.result import RESULT_NAME
from medimeta_c.scoring.jobs.progress import JobProgress, together

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["on_workers"]

_POLL_S = 0.5
_ASK_S = 1.0


def on_workers(
    evaluate: Callable[..., SavedResult],
    config: object,
    scheduler: str,
    tell: Callable[[JobProgress], None],
) -> SavedResult:
    """Call a function once on each worker of a Dask scheduler; all write into one result.

    Workers that are lost leave their cells to the others. After an error, or Ctrl-C, the workers stop at
    their next batch.

    Parameters
    ----------
    evaluate : callable
        Of a module, so that workers can import it: takes `config` and ``on_progress``.
    config : object
        With paths that are the same for all workers; it can be pickled.
    scheduler : str
        The scheduler's address.
    tell : callable
        Called with a `JobProgress` of all of them.

    Raises
    ------
    ConfigError
        If no scheduler answers, or no worker is connected to it.
    MissingExtraError
        If Dask is not installed.
    WorkerError
        If all workers are lost, or do not write to the same disk as this process reads.
    MediMetaError
        Whatever a worker raised first.
    """
    require_dask()
    from distributed import Event, as_completed  # noqa: PLC0415  (an optional engine)

    with connected(scheduler) as client:
        workers = _workers(client)
        if not workers:
            raise ConfigError(
                f"no worker is connected to the Dask scheduler at {scheduler!r}",
                remedy=Remedy("start a worker for each device"),
            )
        topic = f"medimeta-c-{uuid.uuid4().hex}"
        latest: dict[str, JobProgress] = {}

        def hear(event: tuple[float, Mapping[str, Any]]) -> None:
            _, told = event
            latest[told["from"]] = JobProgress(**told["progress"])
            tell(together(latest.values()))

        client.subscribe_topic(topic, hear)
        try:
            futures = [
                client.submit(_evaluate, evaluate, config, topic, workers=[each], pure=False)
                for each in workers
            ]
            done = as_completed(futures)
            while done.is_empty():
                if not {*workers} & _workers(client):
                    raise WorkerError(
                        f"all workers of the Dask scheduler at {scheduler!r} are lost",
                        remedy=Remedy("start workers, then run the same again; finished cells are kept"),
                    )
                time.sleep(_POLL_S)
            return _result_of(next(done))  # one ends when all cells are there
        finally:
            with contextlib.suppress(OSError):  # the scheduler is gone
                Event(topic, client=client).set()
                client.unsubscribe_topic(topic)


def _result_of(future: Any) -> SavedResult:
    try:
        found = future.result()
    except MediMetaError:
        raise
    except Exception as error:  # whatever the other side could not import, or what killed it
        raise WorkerError(
            f"a Dask worker failed ({type(error).__name__}: {short(error)})",
            remedy=Remedy(
                "run scheduler and workers in the environment of this process, then run the same again"
            ),
        ) from error
    if isinstance(found, SavedResult):
        return found
    if not (Path(found) / RESULT_NAME).is_file():
        raise WorkerError(
            f"the workers wrote {found}, which this machine does not see",
            remedy=Remedy("choose an {out} that has the same path on all machines"),
        )
    return read_saved(found)


def _workers(client: Client) -> set[str]:
    return {*client.run_on_scheduler(_addresses)}


def _addresses(dask_scheduler: Any) -> list[str]:
    return list(dask_scheduler.workers)


def _evaluate(evaluate: Callable[..., SavedResult], config: object, topic: str) -> SavedResult | str:
    """Evaluate in a worker, and return the result's folder; of an unfinished result, the result."""
    from distributed import Event, get_client, get_worker  # noqa: PLC0415  (an optional engine)

    worker, stop, asked = get_worker(), Event(topic, client=get_client()), time.monotonic()

    def on_progress(now: JobProgress) -> None:
        nonlocal asked
        worker.log_event(topic, {"from": worker.address, "progress": asdict(now)})
        if time.monotonic() - asked > _ASK_S:
            asked = time.monotonic()
            if stop.is_set():
                raise WorkerError("the evaluation was stopped where it was started")

    saved = evaluate(config, on_progress=on_progress)
    return str(saved.path) if (saved.path / RESULT_NAME).is_file() else saved
