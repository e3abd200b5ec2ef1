"""The dataset viewer, a service beside the Hub that `datasets` asks for a dataset's counts.

`load_dataset` believes its answer on split sizes over the files themselves, so a card that is right can
still fail there: `Repo.viewer_info` lets a test say what the viewer would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..web import HubError, Request, Response, json_response, route

if TYPE_CHECKING:
    from ..server import HubServer


@route("GET", "/info", "anyone")
def info(hub: HubServer, request: Request) -> Response:
    repo = hub.store.get("dataset", request.get("dataset"))
    if repo is None or repo.viewer_info is None:
        raise HubError(404, "The dataset does not exist, or is not processed yet")
    body = {"dataset_info": repo.viewer_info, "pending": [], "failed": [], "partial": False}
    return json_response(body, headers={"X-Revision": repo.head.oid})


@route("GET", "/parquet", "anyone")
def parquet(hub: HubServer, request: Request) -> Response:
    raise HubError(404, "No Parquet export")
