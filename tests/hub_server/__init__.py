"""A Hugging Face Hub on the loopback interface, for tests with the real, unmodified clients.

It speaks the Hub's own protocol as huggingface_hub and datasets use it: repositories, commits with LFS,
trees, downloads with ranges and redirects to a storage host, tags, branches, pull requests, errors. ::

    with HubServer() as hub:
        hub.store.add_repo("dataset", "org/name", folder)
        answer = run_client(script, hub_environment(hub, tmp_path))

Modules: `web` (HTTP), `objects` and `store` (repositories), `discussions` and `cards` (what they say),
`endpoints` (one function per endpoint), `faults` and `server` (the listener), `client` (running clients).

Left out: Xet transfer (clients must set HF_HUB_DISABLE_XET, as `hub_environment` does), multipart LFS
uploads, search, buckets, and the web pages.
"""

from .client import hub_environment, run_client
from .server import READER_TOKEN, TOKEN, HubServer
from .store import Repo, Store, User

__all__ = ["READER_TOKEN", "TOKEN", "HubServer", "Repo", "Store", "User", "hub_environment", "run_client"]
