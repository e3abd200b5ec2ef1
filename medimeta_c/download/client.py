"""HTTP with manners: which addresses are followed, and when a failure is tried again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TypeVar

import httpx

from medimeta_c._version import __version__
from medimeta_c.errors import ConfigError, DownloadError

__all__ = ["Http", "Interrupted", "RetryPolicy"]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_MAX_REDIRECTS = 5
_RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
_NOT_REACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)
_PROGRESS_BYTES = 1 << 20
"""A transfer that gained this much since its first failure starts to count its failures anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How patient a download is.

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
    """A failure that may pass. `Http.persist` catches it, so no caller of this package sees it.

    Parameters
    ----------
    why : str
        What happened.
    retry_after_s : float, optional
        The wait that the server asks for.
    """

    def __init__(self, why: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s


class Http:
    """A client of one server.

    Addresses that the server hands out are followed only on its own host and never from https down to
    http; a file may be redirected further, to any https address, since its bytes are checked against
    the checksum that the server itself stated.

    Parameters
    ----------
    base_url : str
        The server, e.g. ``https://zenodo.org``.
    retry : RetryPolicy
        How patient to be.

    Raises
    ------
    ConfigError
        If `base_url` is not an http or https address, or the environment's proxy settings are not valid.
    """

    def __init__(self, base_url: str, retry: RetryPolicy) -> None:
        self.base = _http_url(base_url)
        self._retry = retry
        self._reached = False
        # Zenodo asks programs to say who they are. Identity, because offsets count raw bytes.
        headers = {"User-Agent": f"medimeta-c/{__version__}", "Accept-Encoding": "identity"}
        timeout = httpx.Timeout(retry.timeout_s, connect=min(15.0, retry.timeout_s))
        try:
            self._client = httpx.Client(headers=headers, timeout=timeout)
        except (httpx.InvalidURL, ValueError, ImportError, OSError) as error:
            raise ConfigError(
                "the network settings of the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE) "
                f"cannot be used: {error}; correct or unset them"
            ) from error

    def __enter__(self) -> Http:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def on_host(self, url: httpx.URL) -> bool:
        """Whether `url` is at the server itself: same scheme, host and port, or its host through https."""
        same_origin = (url.scheme, url.host, url.port) == (self.base.scheme, self.base.host, self.base.port)
        return same_origin or (url.scheme == "https" and url.host == self.base.host)

    @contextmanager
    def get(
        self, url: str, *, headers: dict[str, str] | None = None, elsewhere: bool = False
    ) -> Iterator[httpx.Response]:
        """Open a streaming GET and follow its redirects; on leaving the block the connection is closed.

        Parameters
        ----------
        url : str
            An address on the server's host.
        headers : dict of str, optional
            Further request headers.
        elsewhere : bool
            Whether a redirect may lead to another host (https only).

        Raises
        ------
        DownloadError
            If the address or a redirect is not allowed, or the answer is final and not usable.
        """
        try:
            target = self._checked(url, url)
            for _ in range(_MAX_REDIRECTS + 1):
                with self._client.stream("GET", target, headers=headers) as response:
                    self._reached = True
                    if not response.has_redirect_location:
                        _raise_for_status(response, url)
                        yield response
                        return
                    target = self._checked(
                        str(response.url.join(response.headers["Location"])), url, elsewhere
                    )
        except httpx.InvalidURL as error:
            raise DownloadError(f"{url} is, or redirects to, an address that is none: {error}") from error
        except _NOT_REACHED as error:
            if not self._reached:  # offline, most likely: waiting would only delay the message
                raise DownloadError(_unreachable(target, error)) from error
            raise Interrupted(_unreachable(target, error)) from error
        except httpx.TransportError as error:
            raise Interrupted(f"the connection for {target} broke ({_reason(error)})") from error
        raise DownloadError(f"{url} redirects more than {_MAX_REDIRECTS} times; try again later")

    def persist(self, attempt: Callable[[], _T], *, position: Callable[[], int] = lambda: 0) -> _T:
        """Call `attempt` until it returns, waiting between failures that may pass.

        Parameters
        ----------
        attempt : callable
            What to do; it is called again after an interruption.
        position : callable
            How many bytes are there, to tell a transfer that gets on from one that does not.

        Raises
        ------
        DownloadError
            When the retries are used up, or the server asks for a longer wait than the policy allows.
        """
        failures, mark = 0, position()
        while True:
            try:
                return attempt()
            except Interrupted as error:
                if position() - mark >= _PROGRESS_BYTES:
                    failures, mark = 0, position()
                failures += 1
                self._wait(error, failures)

    def _wait(self, error: Interrupted, failures: int) -> None:
        retry = self._retry
        asked_s = error.retry_after_s or 0.0
        if asked_s > retry.longest_delay_s:
            raise DownloadError(f"{error}: run the same command again in {asked_s:.0f} s") from error
        if failures > retry.retries:
            raise DownloadError(
                f"{error}, {failures} times in a row; run the same command again later, it goes on from here"
            ) from error
        backoff_s = min(retry.first_delay_s * 2.0 ** (failures - 1), retry.longest_delay_s)
        delay_s = max(backoff_s, asked_s)
        _log.info("%s; trying again in %.1f s", error, delay_s)
        time.sleep(delay_s)

    def _checked(self, url: str, origin: str, elsewhere: bool = False) -> httpx.URL:
        target = httpx.URL(url)
        if self.on_host(target) or (elsewhere and target.scheme == "https" and target.host):
            return target
        via = "" if url == origin else f", to which {origin} redirects,"
        raise DownloadError(
            f"{url}{via} was not followed: it is not on {self.base.host}; if that is a mirror, it has to "
            "serve its own addresses"
        )


def _http_url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text.rstrip("/"))
    except httpx.InvalidURL as error:
        raise ConfigError(f"{text!r} is not an address: {error}") from error
    # A "%" in a host is what the parser made of a character that no host name has.
    if url.scheme not in ("http", "https") or not url.host or "%" in url.host:
        raise ConfigError(f"{text!r} is not an address of a server: use https://host")
    return url


def _raise_for_status(response: httpx.Response, url: str) -> None:
    code = response.status_code
    if code in (200, 206, 416):
        return
    said = f"{url} answered {code} {response.reason_phrase}".rstrip()
    if code in _RETRIED_STATUSES:
        raise Interrupted(said, retry_after_s=_retry_after_s(response))
    hint = {404: "the record or file is not there", 403: "access is refused", 410: "it was withdrawn"}
    raise DownloadError(
        f"{said}: {hint.get(code, 'the request was refused')}; open the address in a browser to see"
    )


def _retry_after_s(response: httpx.Response) -> float | None:
    """Seconds of ``Retry-After``, given as a number or as a date (RFC 9110, 10.2.3)."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())


def _unreachable(url: httpx.URL, error: httpx.TransportError) -> str:
    return f"cannot reach {url} ({_reason(error)}): check the network and the proxy settings"


def _reason(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__
