"""One handler function per endpoint; importing this package fills the route table.

A handler takes the hub, the request, and the placeholders of its route by name.
"""

from . import discussions, files, repos, uploads, viewer

__all__ = ["discussions", "files", "repos", "uploads", "viewer"]
