"""The registry of object stores: each scheme of a URL, what opens it, and what it can do.

A scheme is here only if `tests/stores` runs it against a server or an emulator of its own.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from medimeta_c.errors import MissingExtraError

__all__ = ["SCHEMES", "Scheme"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """A kind of object store.

    Parameters
    ----------
    name : str
        The scheme of its URLs, which is fsspec's name of it, too.
    title : str
        What it is called.
    library : str
        The module that opens it.
    extra : str or None
        The extra of this package that brings the module; None if the base install has it.
    bucket : str
        What the first part of a URL's path is called.
    writable : bool
        Whether benchmarks and results can be written to it.
    locks : bool
        Whether it can create an object only if there is none; without that, a lock protects nothing.
    version : str
        The field of an object's description that changes whenever the object does.
    credentials : str
        Where its library finds credentials, for messages.
    endpoint : str
        The variable that names another server, for messages.
    variables : tuple of str
        How the names of its library's variables begin: the library reads them when it connects.
    """

    name: str
    title: str
    library: str
    extra: str | None
    bucket: str
    writable: bool
    locks: bool
    version: str
    credentials: str
    endpoint: str
    variables: tuple[str, ...]

    def filesystem(self) -> Any:
        """Return fsspec's file system, with the credentials and the endpoint of the library's own variables.

        fsspec keeps one for each process, so that a worker process never uses its parent's connections. It
        is made anew when one of the variables has changed.

        Raises
        ------
        MissingExtraError
            If the library is not installed.
        """
        try:
            importlib.import_module(self.library)
        except ModuleNotFoundError as error:
            if self.extra is None:
                raise
            raise MissingExtraError(f"{self.name}://, {self.title},", self.extra) from error
        import fsspec  # noqa: PLC0415  (not needed for paths)

        now = {name: value for name, value in os.environ.items() if name.startswith(self.variables)}
        if _CONNECTED_WITH.setdefault(self.name, now) != now:
            # A notebook may correct an endpoint or a key: the old connection must not be used then.
            fsspec.get_filesystem_class(self.name).clear_instance_cache()
            _CONNECTED_WITH[self.name] = now
        # Without a cache, because other processes write too.
        return fsspec.filesystem(self.name, use_listings_cache=False)


_ALL = (
    Scheme(
        name="s3",
        title="Amazon S3 and stores with its interface",
        library="s3fs",
        extra="s3",
        bucket="bucket",
        writable=True,
        locks=True,
        version="ETag",
        credentials="AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        endpoint="AWS_ENDPOINT_URL",
        variables=("AWS_",),
    ),
    Scheme(
        name="az",
        title="Azure Blob Storage",
        library="adlfs",
        extra="az",
        bucket="container",
        writable=True,
        locks=True,
        version="etag",
        credentials="AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_NAME with a key",
        endpoint="AZURE_STORAGE_CONNECTION_STRING",
        variables=("AZURE_",),
    ),
    Scheme(
        name="gs",
        title="Google Cloud Storage",
        library="gcsfs",
        extra="gs",
        bucket="bucket",
        writable=True,
        locks=True,
        version="generation",
        credentials="GOOGLE_APPLICATION_CREDENTIALS, or `gcloud auth application-default login`",
        endpoint="STORAGE_EMULATOR_HOST",
        variables=("GOOGLE_", "STORAGE_"),
    ),
    Scheme(
        name="hf",
        title="the Hugging Face Hub",
        library="huggingface_hub",
        extra=None,
        bucket="kind of repository",
        writable=False,
        locks=False,
        version="blob_id",
        credentials="HF_TOKEN, or what `hf auth login` saved",
        endpoint="HF_ENDPOINT",
        variables=("HF_",),
    ),
)

SCHEMES: Mapping[str, Scheme] = MappingProxyType({one.name: one for one in _ALL})
"""Every scheme, by name."""

_CONNECTED_WITH: dict[str, dict[str, str]] = {}
"""The variables with which this process last made the file system of a scheme."""
