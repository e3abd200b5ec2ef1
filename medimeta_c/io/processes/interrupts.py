"""Ctrl-C, where a process starts others."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

__all__ = ["without_interrupts"]


@contextlib.contextmanager
def without_interrupts() -> Iterator[None]:
    """Have processes that are started in the block ignore Ctrl-C.

    Ctrl-C reaches every process of the terminal; the one that started the others ends them, so they can
    ignore it.
    """
    if threading.current_thread() is not threading.main_thread():  # which may not change signals
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)  # None: a handler not of Python
