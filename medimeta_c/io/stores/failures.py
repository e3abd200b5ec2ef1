"""Turn what a store's library raises into one sentence: what is wrong, where, and what to do next.

Each library has its own exceptions, and fsspec turns some of them into those of the operating system. Their
messages are text of the store: they are shortened, and what may be a secret is removed.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from medimeta_c.errors import MediMetaError, Remedy, StoreError, short
from medimeta_c.io.causes import chain
from medimeta_c.io.stores.schemes import Scheme

__all__ = ["explained", "no_bucket"]

_DENIED = {"PermissionError", "ClientAuthenticationError", "NoCredentialsError", "RefreshError"}
_DENIED_TEXT = re.compile(
    r"access ?denied|forbidden|\b40[13]\b|unable to locate credentials|not authori[sz]ed|"
    r"failed to authenticate|authenticationfailed|invalid credentials|anonymous caller|"
    r"signature ?does ?not ?match|invalidaccesskey|gated|must provide either a connection_string|"
    r"default credentials were not found",
    re.IGNORECASE,
)
_NO_BUCKET = re.compile(
    r"NoSuchBucket|bucket does not exist|container does not exist|No such container", re.I
)
_NETWORK = {
    "ClientConnectorError",
    "ConnectError",
    "ConnectTimeoutError",
    "ConnectionError",
    "EndpointConnectionError",
    "FSTimeoutError",
    "OfflineModeIsEnabled",
    "ReadTimeoutError",
    "ServerDisconnectedError",
    "ServiceRequestError",
    "TransportError",
}
_SECRET = re.compile(
    r"(?i)(AccountKey|SharedAccessSignature|sig|X-Amz-[\w-]+|access_token|token|secret\w*|password)\s*[=:]\s*\S+|"
    r"\bAKIA\w{12,}|\bhf_\w{8,}|\bBearer\s+\S+|(?<=://)[^/\s@]+@"
)


@contextlib.contextmanager
def explained(scheme: Scheme, url: str) -> Iterator[None]:
    """Turn a failure of the store inside the block into a StoreError that names the URL.

    FileNotFoundError and FileExistsError are raised as they are, for the caller to handle.
    """
    try:
        yield
    except (MediMetaError, FileExistsError):
        raise
    except FileNotFoundError as error:
        if _NO_BUCKET.search(_whole(error)):
            raise no_bucket(scheme, url) from error
        raise
    except Exception as error:
        raise _error(error, scheme, url) from error


def no_bucket(scheme: Scheme, url: str) -> StoreError:
    """Return the error for a bucket that does not exist."""
    name = url.partition("://")[2].partition("/")[0]
    return StoreError(
        f"there is no {scheme.bucket} {name!r} in {scheme.title} ({url})",
        remedy=[Remedy("check its name"), Remedy("create it first, with the store's own tools")],
    )


def _error(error: BaseException, scheme: Scheme, url: str) -> StoreError:
    names = {kind.__name__ for link in chain(error) for kind in type(link).__mro__}
    text = _whole(error)
    shown = short(_SECRET.sub("***", text))
    if _NO_BUCKET.search(text):
        return no_bucket(scheme, url)
    if names & _DENIED or _DENIED_TEXT.search(text):
        return StoreError(
            f"{scheme.title} does not let you use {url} ({shown})",
            remedy=Remedy("check the credentials ({0}) and their permissions", scheme.credentials),
        )
    if names & _NETWORK:
        return StoreError(
            f"{scheme.title} cannot be reached for {url} ({shown})",
            remedy=Remedy("check the network, the proxy and {0}, then run the same again", scheme.endpoint),
        )
    return StoreError(f"{scheme.title} failed for {url} ({shown})", remedy=Remedy("run the same again"))


def _whole(error: BaseException) -> str:
    return " ".join(str(link) or type(link).__name__ for link in chain(error))
