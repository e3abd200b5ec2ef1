"""HTTP client with retries and a redirect policy."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import httpx
from pydantic import AnyHttpUrl, TypeAdapter, ValidationError

from medimeta_c._version import __version__
from medimeta_c.download.retry import Interrupted, RetryPolicy, retry_after_s
from medimeta_c.errors import ConfigError, DownloadError

__all__ = ["Http"]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_HTTP_URL: TypeAdapter[AnyHttpUrl] = TypeAdapter(AnyHttpUrl)
_MAX_REDIRECTS = 5
_RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
_HINTS = {404: "the record or file is not there", 403: "access is refused", 410: "it was withdrawn"}
_NOT_REACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)
_PROGRESS_BYTES = 1 << 20
"""A transfer that gained this much since its first failure starts to count its failures anew."""


class Http(httpx.Client):
    """A client of one server, e.g. ``https://zenodo.org``.

    Addresses that the server hands out are followed only on its own host and never from https down to
    http; a file may be redirected further, to any https address, since its bytes are checked against
    the checksum that the server itself stated.

    Raises
    ------
    ConfigError
        If `base` is not an http or https address, or the environment's proxy settings are not valid.
    """

    def __init__(self, base: str, retry: RetryPolicy) -> None:
        self.base = _http_url(base)
        self._retry = retry
        self._reached = False
        # Zenodo asks programs to say who they are. Identity, because offsets count raw bytes.
        headers = {"User-Agent": f"medimeta-c/{__version__}", "Accept-Encoding": "identity"}
        timeout = httpx.Timeout(retry.timeout_s, connect=min(15.0, retry.timeout_s))
        try:
            super().__init__(headers=headers, timeout=timeout)
        except (httpx.InvalidURL, ValueError, ImportError, OSError) as error:
            raise ConfigError(
                "the network settings of the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE) "
                f"cannot be used: {error}; correct or unset them"
            ) from error

    @contextmanager
    def answer(
        self, url: str, headers: dict[str, str], *, elsewhere: bool = False
    ) -> Iterator[httpx.Response]:
        """Open a streaming GET and follow its redirects, to other https hosts only if `elsewhere`.

        Raises
        ------
        DownloadError
            If the address or a redirect is not allowed, or the answer is final and not usable.
        """
        try:
            target = httpx.URL(url)
            self._check_allowed(target, url, elsewhere=False)
            for _ in range(_MAX_REDIRECTS + 1):
                with self.stream("GET", target, headers=headers) as response:
                    self._reached = True
                    if response.next_request is None:
                        _raise_for_status(response, url)
                        yield response
                        return
                    target = response.next_request.url
                    self._check_allowed(target, url, elsewhere)
        except httpx.InvalidURL as error:
            raise DownloadError(f"{url} is an invalid URL: {error}") from error
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            if not isinstance(error, _NOT_REACHED):
                raise Interrupted(f"the connection for {target} broke ({reason})") from error
            # Offline, most likely, if nothing was ever reached: waiting would only delay the message.
            kind = Interrupted if self._reached else DownloadError
            raise kind(
                f"cannot reach {target} ({reason}): check the network and the proxy settings"
            ) from error
        raise DownloadError(f"{url} redirects more than {_MAX_REDIRECTS} times; try again later")

    def persist(self, attempt: Callable[[], _T], *, position: Callable[[], int] = lambda: 0) -> _T:
        """Call `attempt` until it returns, waiting after each `Interrupted`.

        `position` counts the bytes that are there, to tell a transfer that advances from one that does not.

        Raises
        ------
        DownloadError
            When the retries are used up, or the server asks for a longer wait than the policy allows.
        """
        retry, failures, mark = self._retry, 0, position()
        while True:
            try:
                return attempt()
            except Interrupted as error:
                if position() - mark >= _PROGRESS_BYTES:
                    failures, mark = 0, position()
                failures += 1
                asked_s = error.retry_after_s
                if asked_s > retry.longest_delay_s:
                    raise DownloadError(f"{error}: run the same command again in {asked_s:.0f} s") from error
                if failures > retry.retries:
                    raise DownloadError(
                        f"{error}, {failures} times in a row; run the same command again later to resume "
                        "from here"
                    ) from error
                backoff_s = retry.first_delay_s * 2.0 ** (failures - 1)
                delay_s = max(asked_s, min(backoff_s, retry.longest_delay_s))
                _log.info("%s; trying again in %.1f s", error, delay_s)
                time.sleep(delay_s)

    def _check_allowed(self, target: httpx.URL, origin: str, elsewhere: bool) -> None:
        base = self.base
        same_server = (target.scheme, target.host, target.port) == (base.scheme, base.host, base.port)
        if same_server or (target.scheme == "https" and (target.host == base.host or elsewhere)):
            return
        via = "" if target == origin else f", to which {origin} redirects,"
        raise DownloadError(
            f"{target}{via} was not followed: it is not on {base.host}; if that is a mirror, it has to serve "
            "its own addresses"
        )


def _http_url(text: str) -> httpx.URL:
    try:
        return httpx.URL(str(_HTTP_URL.validate_python(text)).rstrip("/"))
    except ValidationError as error:
        raise ConfigError(
            f"{text!r} is not an address of a server ({error.errors()[0]['msg']}): use https://host"
        ) from error


def _raise_for_status(response: httpx.Response, url: str) -> None:
    code = response.status_code
    if code in (200, 206, 416):
        return
    said = f"{url} answered {code} {response.reason_phrase}".rstrip()
    if code in _RETRIED_STATUSES:
        raise Interrupted(said, retry_after_s(response.headers.get("Retry-After", "")))
    hint = _HINTS.get(code, "the request was refused")
    raise DownloadError(f"{said}: {hint}; open the address in a browser to see")
