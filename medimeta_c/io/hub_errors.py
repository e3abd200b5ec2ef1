"""Turn errors of the Hugging Face Hub's client into one sentence: what is wrong, and what to do next.

The client uses another HTTP library in each major version (requests, httpx, httpx2), so nothing here
names one.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from medimeta_c.errors import MediMetaError, short
from medimeta_c.io.causes import chain
from medimeta_c.io.hub_client import token_or_none

__all__ = ["explained", "network_errors", "sentence", "unreachable"]

_BUSY = {408, 500, 502, 503, 504}
_AGAIN = "run the same command again"
_KEPT = "what has arrived is not sent again"


def network_errors() -> tuple[type[Exception], ...]:
    """Return the exception classes of a request that failed, whatever HTTP library the client uses."""
    from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415

    bases: tuple[type[Exception], ...] = HfHubHTTPError.__bases__
    return (HfHubHTTPError, *bases, OSError)


@contextlib.contextmanager
def explained(repo_id: str, kind: type[MediMetaError], revision: str | None = None) -> Iterator[None]:
    """Turn what the Hub's client raises inside the block into one sentence, raised as `kind`."""
    try:
        yield
    except MediMetaError:
        raise
    # RuntimeError: how the client wraps a transfer that failed in a worker thread. ValueError: how it reports
    # a card or an object that the Hub refused. ImportError: what a SOCKS proxy needs is not installed.
    except Exception as error:
        if not isinstance(error, (*network_errors(), RuntimeError, ValueError, ImportError)):
            raise
        raise kind(sentence(error, repo_id, revision)) from error


def unreachable(error: BaseException) -> bool:
    """Return whether the Hub was not reached at all: no answer, of any status, came back."""
    if _refusal(error) is not None or _local_file(error) is not None:
        return False
    if isinstance(error, RuntimeError | ValueError) and not _closed(error):
        return any(isinstance(link, network_errors()) for link in chain(error) if link is not error)
    return True


def sentence(error: BaseException, repo_id: str, revision: str | None = None) -> str:
    """Return what an error of the Hub's client means and what to do next; no token is ever in it.

    Parameters
    ----------
    error : BaseException
        What the client raised.
    repo_id : str
        The repository the request was about.
    revision : str, optional
        The branch, tag or commit it was about.
    """
    refusal = _refusal(error)
    if refusal is not None:
        return _of_refusal(refusal, repo_id, revision)
    if _local_file(error) is not None:
        return f"cannot use {_local_file(error)} ({_reason(error)}): check the disk and your permissions"
    if not unreachable(error):
        return f"the Hub or its client refused: {_clean(str(error)) or type(error).__name__}"
    if any(type(link).__name__ == "OfflineModeIsEnabled" for link in chain(error)):
        return f"{repo_id} needs the Hub, and HF_HUB_OFFLINE is set: unset it and {_AGAIN}"
    return (
        f"the connection to the Hub at {_endpoint()} failed for {repo_id} ({_reason(error)}): check it, the "
        f"proxy and HF_ENDPOINT, then {_AGAIN}; {_KEPT}"
    )


def _of_refusal(error: Any, repo_id: str, revision: str | None) -> str:
    """Return the sentence for an error status that the Hub returned."""
    status = int(error.response.status_code)
    names = {cls.__name__ for cls in type(error).__mro__}
    said = _said(error)
    if "GatedRepoError" in names:
        return (
            f"{repo_id} is gated: accept its terms at {_endpoint()}/datasets/{repo_id}, then `hf auth login` "
            "or set HF_TOKEN"
        )
    if "RevisionNotFoundError" in names:
        return f"{repo_id} on the Hub has no revision {revision!r}: use a branch, tag or commit"
    if "RepositoryNotFoundError" in names:
        return (
            f"the Hub has no dataset {repo_id!r} that you may see: check the name; if it is private, "
            "`hf auth login` or set HF_TOKEN"
        )
    if status in _BUSY or status > 504:
        return f"the Hub has an internal problem ({status}{said}): {_AGAIN} in a few minutes; {_KEPT}"
    owner = repo_id.partition("/")[0]
    meaning = {
        401: f"the Hub does not accept the token (401{said}): it is expired, revoked or mistyped; make one "
        f"at {_endpoint()}/settings/tokens, then `hf auth login` or set HF_TOKEN",
        403: f"the token may not do this to {repo_id} (403{said}): use a token with that permission for "
        f"{owner!r}, or ask its owners for it; without it, a push can still be proposed as a pull request",
        404: f"the Hub did not find what was requested from {repo_id} (404{said}): is it still there?",
        409: f"the Hub reports a conflict in {repo_id} (409{said}): somebody else is changing it; look at "
        f"it, then {_AGAIN}",
        412: f"{repo_id} was changed by somebody else meanwhile (412{said}): look at what was pushed, then "
        f"{_AGAIN}; {_KEPT}",
        429: f"the Hub asks to slow down (429{said}): wait {_wait(error.response)}, then {_AGAIN}; {_KEPT}",
    }
    return meaning.get(status, f"the Hub refused the request for {repo_id} ({status}{said})")


def _refusal(error: BaseException) -> Any | None:
    """Return the error of the chain that has an HTTP response, if there is one."""
    links = (link for link in chain(error) if hasattr(getattr(link, "response", None), "status_code"))
    return next(links, None)


def _local_file(error: BaseException) -> str | None:
    """Return the file of this machine that an operating-system error is about, if it is about one."""
    names = (link.filename for link in chain(error) if isinstance(link, OSError))
    return next((str(name) for name in names if name), None)


def _reason(error: BaseException) -> str:
    """Return the text of an error's last cause."""
    last = list(chain(error))[-1]
    return _clean(str(getattr(last, "strerror", None) or last)) or type(last).__name__


def _closed(error: BaseException) -> bool:
    # huggingface_hub 1.x, when a request follows one whose connection failed.
    return isinstance(error, RuntimeError) and "client has been closed" in str(error)


def _said(error: Any) -> str:
    """Return what the server itself said, short and printable, as the end of a parenthesis."""
    text = _clean(
        str(getattr(error, "server_message", None) or error.response.headers.get("X-Error-Message") or "")
    )
    return f": {text}" if text else ""


def _clean(text: str) -> str:
    """Return one short printable line of untrusted text, without the user's token."""
    with contextlib.suppress(
        Exception
    ):  # whatever keeps the token from being read also keeps it from being here
        token = token_or_none()
        text = text.replace(token, "***") if token else text
    return short(text)


def _wait(response: Any) -> str:
    """Return how long a rate limit lasts, as the server says it."""
    after = str(response.headers.get("Retry-After") or "")
    limited = re.search(r"t=(\d+)", str(response.headers.get("RateLimit") or ""))
    seconds = after if after.isdecimal() else limited[1] if limited else ""
    return f"{seconds} seconds" if seconds else "some minutes"


def _endpoint() -> str:
    from huggingface_hub import HfApi  # noqa: PLC0415

    return str(HfApi().endpoint)
