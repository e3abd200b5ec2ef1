"""Tell URLs of object stores from paths, and refuse those that name no place in a known store."""

from __future__ import annotations

import os
import re

from medimeta_c.errors import ConfigError, Remedy, printable
from medimeta_c.io.stores.schemes import SCHEMES

__all__ = ["REPOSITORY", "local_only", "looks_like_url", "parts_of"]

# One letter alone is a drive of Windows. `s3:x` without a slash is a path only if no store is called so.
_URL = re.compile(
    rf"\s*(?:[A-Za-z][A-Za-z0-9+.-]+:[/\\]|(?:{'|'.join(SCHEMES)}):).*", re.DOTALL | re.IGNORECASE
)
# pathlib makes one slash of several, so that a URL in a Path has one. It is the same URL.
_FORM = re.compile(r"[a-z0-9]+://?([^/].*)", re.DOTALL)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")
REPOSITORY = re.compile(r"datasets/([\w.-]+/[\w.-]+)(?:@([\w.-]+))?(/.*)?", re.ASCII)
"""The path of a URL on the Hub: repository, revision, and the rest."""

_UNSAFE = re.compile(r'[\x00-\x1f\x7f\\?#*\[\]{}%"<>|^`:]')
"""Refused in paths: other programs read these as a query, a pattern or an escape."""

# A password before a host, and the signature in a query.
_SECRET = re.compile(r"(?<=//)[^/@]*:[^/@]*(?=@)|(?<=\?).+", re.DOTALL)
_SHOWN = 120


def looks_like_url(value: object) -> bool:
    r"""Return whether a text or path is meant as a URL: a scheme of two letters or more, and a slash.

    Examples
    --------
    >>> [looks_like_url(one) for one in ("s3://b/x", "ftp://host/x", "s3:x", "S3:/b")]
    [True, True, True, True]
    >>> [looks_like_url(one) for one in ("C:\\data", "C:/data", "data/x", "./s3://b", "a:b")]
    [False, False, False, False, False]
    """
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    return isinstance(text, str) and _URL.fullmatch(text) is not None


def local_only(value: object, name: str) -> ConfigError:
    """Return the error for a URL where a local path is needed; for an invalid URL, the error about that."""
    try:
        scheme, path = parts_of(value, name)
    except ConfigError as error:
        return error
    return ConfigError(
        f"{name} {scheme}://{path} is in an object store, and must be a local path",
        value=value,
        remedy=Remedy("copy it to this machine, and give its path"),
    )


def parts_of(value: object, name: str) -> tuple[str, str]:
    """Return the scheme and the path, from the bucket on, of a URL.

    Parameters
    ----------
    value : str or path
        Of which `looks_like_url` is true.
    name : str
        What it is, for messages.

    Raises
    ------
    ConfigError
        If the scheme is not supported, or the rest names no place in a store.
    """
    text = os.fspath(value) if isinstance(value, os.PathLike) else str(value)
    shown = _SECRET.sub("***", printable(text))
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
    scheme = text.strip().partition(":")[0]
    if scheme == "file":
        raise ConfigError(
            f"{name} {shown!r} is the URL of a file on this machine", remedy=Remedy("give its path instead")
        )
    if scheme not in SCHEMES:
        known = ", ".join(f"{one}://" for one in SCHEMES)
        raise ConfigError(
            f"{name} {shown!r} has the scheme {scheme!r}, which is not supported (supported: {known})"
        )
    found = _FORM.fullmatch(text)
    path = found[1] if found else ""
    path = path.removesuffix("/")
    if flaw := _flaw(scheme, path):
        example = (
            "hf://datasets/ORG/NAME" if scheme == "hf" else f"{scheme}://{SCHEMES[scheme].bucket}/folder"
        )
        raise ConfigError(
            f"{name} {shown!r} is not a valid URL ({flaw})", remedy=Remedy("write it as {0}", example)
        )
    return scheme, path


def _flaw(scheme: str, path: str) -> str:
    """Return what is wrong with the path of a URL, or nothing."""
    parts = path.split("/")
    if not path:
        return f"it names no {SCHEMES[scheme].bucket}"
    if "" in parts or {".", ".."} & {*parts}:
        return "it has an empty part, '.' or '..'"
    if unsafe := _UNSAFE.search(path):
        return f"it contains {unsafe[0]!r}"
    if scheme == "hf":
        return "" if REPOSITORY.fullmatch(path) else "it does not name a dataset repository"
    return (
        ""
        if _BUCKET.fullmatch(parts[0])
        else f"{parts[0]!r} is not a valid name of a {SCHEMES[scheme].bucket}"
    )
