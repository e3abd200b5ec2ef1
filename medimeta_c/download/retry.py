"""Retry policy of downloads: when to try again, and after how long."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

__all__ = ["Interrupted", "RetryPolicy", "retry_after_s"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When and how often a download is tried again.

    Parameters
    ----------
    retries : int
        Failures in a row, without progress between them, before it gives up.
    first_delay_s, longest_delay_s : float
        The wait before the first retry, doubled for each further one up to the longest. A server that
        asks for a wait (``Retry-After``) gets it, up to the longest.
    timeout_s : float
        How long a connection may stay silent.
    """

    retries: int = 5
    first_delay_s: float = 1.0
    longest_delay_s: float = 120.0
    timeout_s: float = 60.0


class Interrupted(Exception):
    """A failure that may pass, and the wait that the server asks for; `Http.persist` catches it."""

    def __init__(self, why: str, retry_after_s: float = 0.0) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s


def retry_after_s(value: str) -> float:
    """Return the seconds of ``Retry-After``, given as a number or as a date (RFC 9110, 10.2.3)."""
    if value.isdecimal():
        return float(value)
    try:
        return parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, OverflowError):
        return 0.0
