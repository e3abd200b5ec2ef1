"""Evaluate on several devices of this machine: a process for each, all into one result."""

from __future__ import annotations

import logging
import multiprocessing
import signal
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Protocol, TypeVar

from medimeta_c.errors import MediMetaError, Remedy, WorkerError
from medimeta_c.io.processes.interrupts import without_interrupts
from medimeta_c.results.folder.saved import SavedResult, read_saved
from medimeta_c.results.result import RESULT_NAME
from medimeta_c.scoring.jobs.progress import JobProgress, together

__all__ = ["Evaluate", "in_processes"]

_END_S = 20

Config_contra = TypeVar("Config_contra", contravariant=True)


class Evaluate(Protocol[Config_contra]):
    """A function of a module that evaluates."""

    def __call__(
        self, config: Config_contra, *, on_progress: Callable[[JobProgress], None] | None = None
    ) -> SavedResult:
        """Return the result."""
        ...


def in_processes(
    evaluate: Evaluate[Config_contra],
    configs: Sequence[Config_contra],
    names: Sequence[str],
    tell: Callable[[JobProgress], None],
) -> SavedResult:
    """Call a function in a process of its own for each configuration; all write into one result.

    If one fails, the others are ended. Whatever happens, no process is left.

    Parameters
    ----------
    evaluate : callable
        Of a module, so that the processes can import it.
    configs : sequence
        They can be pickled.
    names : sequence of str
        What an error calls each process: its device.
    tell : callable
        Called with a `JobProgress` of all of them.

    Returns
    -------
    SavedResult
        What each of them returned.

    Raises
    ------
    WorkerError
        If a process died.
    MediMetaError
        Whatever the first of them to fail raised.
    """
    running: dict[Connection, tuple[str, BaseProcess]] = {}
    try:
        for config, name in zip(configs, names, strict=True):
            ours, process = _started(evaluate, config)
            running[ours] = (name, process)
        return _followed(running, tell)
    finally:
        _end([process for _, process in running.values()])


def _started(evaluate: Any, config: Any) -> tuple[Connection, BaseProcess]:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    level = logging.getLogger().getEffectiveLevel()
    process = spawn.Process(target=_evaluate, args=(evaluate, config, theirs, level))
    with without_interrupts():
        process.start()
    theirs.close()
    return ours, process


def _followed(
    running: dict[Connection, tuple[str, BaseProcess]], tell: Callable[[JobProgress], None]
) -> SavedResult:
    latest: dict[Connection, JobProgress] = {}
    found: Any = None
    open_ones = dict(running)
    while open_ones:
        for connection in wait(list(open_ones)):
            assert isinstance(connection, Connection)
            name, process = open_ones[connection]
            try:
                told = connection.recv()
            except EOFError:
                process.join(_END_S)
                raise _died(name, process) from None
            if isinstance(told, JobProgress):
                latest[connection] = told
                tell(together(latest.values()))
            elif isinstance(told, BaseException):
                raise told
            else:
                found = told
                del open_ones[connection]
    return read_saved(found) if isinstance(found, Path) else found


def _died(name: str, process: BaseProcess) -> WorkerError:
    code = process.exitcode
    return WorkerError(
        f"the process on {name} died"
        + (f" of signal {-code}" if code is not None and code < 0 else f" with exit code {code}"),
        remedy=Remedy("run the same again; finished cells are kept"),
    )


def _end(processes: Sequence[BaseProcess]) -> None:
    """End processes that still run, and wait for them: none may go on writing."""
    for process in processes:
        if process.is_alive():
            process.terminate()
    for process in processes:
        process.join(_END_S)
        if process.is_alive():
            process.kill()
            process.join()


def _evaluate(evaluate: Evaluate[Any], config: Any, connection: Connection, level: int) -> None:
    """Evaluate in a process of its own, and send what comes of it."""
    signal.signal(signal.SIGTERM, _stop)
    logging.basicConfig(level=level, format="%(name)s: %(message)s")
    try:
        saved = evaluate(config, on_progress=connection.send)
        is_whole = (saved.path / RESULT_NAME).is_file()
        connection.send(saved.path if is_whole else saved)  # predictions may be large
    except MediMetaError as error:
        connection.send(error)
    except BrokenPipeError:  # the process that started this one is gone
        raise SystemExit(1) from None


def _stop(number: int, frame: object) -> None:
    raise SystemExit(128 + number)
