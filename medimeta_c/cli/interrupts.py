"""Handle signals: the command cleans up, prints one sentence and exits with 128 + signal."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

__all__ = ["Interrupted", "interruptible"]

_SIGNALS = [
    number
    for name in ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
    if (number := getattr(signal, name, None)) is not None
]


class Interrupted(KeyboardInterrupt):
    """Raised in the running command when a signal arrives.

    Parameters
    ----------
    number : int
        The signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    for other in _SIGNALS:  # a second signal ends the process at once, even during clean-up
        signal.signal(other, signal.SIG_DFL)
    raise Interrupted(number)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Raise `Interrupted` on signals in the block, except those that the caller ignores, as nohup does."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
