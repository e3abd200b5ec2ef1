"""Client of the Hugging Face Hub: repository ids, tokens, timeouts and progress bars."""

from __future__ import annotations

import contextlib
import logging
import re
import warnings
from collections.abc import Iterator
from typing import Any

from medimeta_c.errors import ConfigError

__all__ = ["REPO_ID", "check_repo_id", "settle_client", "token_or_none", "transfer_bars"]

REPO_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
"""A repository id, ORG/NAME."""

_TOKEN = re.compile(r"[!-~]+")


def check_repo_id(repo_id: str) -> str:
    """Return `repo_id` if it is of the form ORG/NAME.

    Raises
    ------
    ConfigError
        If it is not.
    """
    if not REPO_ID.fullmatch(repo_id) or ".." in repo_id or repo_id.endswith((".git", "-", ".")):
        raise ConfigError(
            f"{repo_id!r} is not a repository id: write it as ORG/NAME, in letters, digits, '-', '_' and '.'"
        )
    return repo_id


def token_or_none() -> str | None:
    """Return the user's token from the usual places (HF_TOKEN, ``hf auth login``), or None.

    Raises
    ------
    ConfigError
        If it contains invalid characters. An HTTP library would repeat it in its error message.
    """
    from huggingface_hub import get_token  # noqa: PLC0415  (slow to import)

    token: str | None = get_token()
    if token is not None and not _TOKEN.fullmatch(token):
        raise ConfigError(
            "the Hub token (HF_TOKEN, or what `hf auth login` saved) contains invalid characters: "
            "copy it again"
        )
    return token


def settle_client(silence_s: float = 120) -> None:
    """Make the Hub's client give up on a silent connection, and log each retry in one line.

    By default it waits for an answer for ever, and logs with each retry the address, which may carry a
    signature that allows writing. The setting is for the whole process, so only commands call this.

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
    """Joins the two log records of a retry into one without the address; equal retries are logged once."""

    def __init__(self) -> None:
        super().__init__()
        self._reason = self._said = ""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is logged; the record is changed in place."""
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
        warnings.simplefilter("ignore")  # the environment requests bars, and the client insists on it
        disable_progress_bars()
    try:
        yield
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            enable_progress_bars()
