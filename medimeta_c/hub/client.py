"""How the Hub's client behaves in a command: how long it waits, how it tells a retry, when it draws bars."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from typing import Any

__all__ = ["settle_client", "transfer_bars"]


def settle_client(silence_s: float = 120) -> None:
    """Have the Hub's client give up on a silent connection, and tell each retry in one line.

    By itself it waits for an answer for ever, and says with each retry the address it asks, which may carry a
    signature that lets its reader write. It is one for the whole process, so this is for commands to call.

    Parameters
    ----------
    silence_s : float
        Seconds without a byte after which a request has failed. The Hub's own gateway gives up after 60.
    """
    from huggingface_hub import get_session, set_client_factory  # noqa: PLC0415  (slow to import)

    def bound(request: Any) -> None:
        # Not as the client's own default: it asks most requests to have no limit.
        limits = request.extensions["timeout"].items()
        bounded = {what: silence_s if limit is None else limit for what, limit in limits}
        request.extensions = {**request.extensions, "timeout": bounded}

    try:
        client = get_session()
    except (ImportError, ValueError):  # a proxy it cannot use: the first request says so
        return
    hooks = {"request": [*client.event_hooks["request"], bound]}
    set_client_factory(lambda: type(client)(event_hooks=hooks, follow_redirects=True, timeout=silence_s))
    for handler in logging.getLogger("huggingface_hub").handlers:
        handler.addFilter(_Retries())


class _Retries(logging.Filter):
    """Joins the two records of a retry to one without the address; threads that retry alike are told once."""

    def __init__(self) -> None:
        super().__init__()
        self._reason = self._said = ""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is said, changed in place."""
        text = record.getMessage()
        reason, thrown, _ = text.partition(" thrown while requesting ")
        if thrown:
            self._reason = reason.strip("'")
            return False
        if "[Retry " in text:
            text = f"{self._reason}: {text}"
            record.msg, record.args = text, None
        repeated, self._said = text == self._said, text
        return not repeated


@contextlib.contextmanager
def transfer_bars(wanted: bool) -> Iterator[None]:
    """Keep the Hub's client from drawing progress bars inside the block, unless they are wanted."""
    from huggingface_hub.utils import (  # type: ignore[attr-defined]  # noqa: PLC0415
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    if wanted or are_progress_bars_disabled():
        yield
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the environment asks for bars: then there are bars
        disable_progress_bars()
    try:
        yield
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            enable_progress_bars()
