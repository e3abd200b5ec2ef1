"""The signature of a pushed benchmark: on the Hub it is what it is here, and gone when it is gone here."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hub_server import HubServer

pytest.importorskip("cryptography", reason="needs the 'sign' extra")

from medimeta_c.errors import VerificationError
from medimeta_c.format.manifest.file import MANIFEST_NAME
from medimeta_c.format.signing import benchmark as signing

REPO = "org/signed"


def test_a_signature_follows_its_benchmark(
    hub: HubServer, push: Callable[..., Any], small: Path, tmp_path: Path
) -> None:
    """Pushed, replaced and removed with it; what arrived is checked with the signer's key, by its bytes."""
    root, key = shutil.copytree(small, tmp_path / "benchmark"), tmp_path / "maker.key"
    _, public = signing.new_key(key)
    copy = tmp_path / "copy"
    copy.mkdir()

    def arrives() -> None:
        """Push, and take manifest and signature from the Hub."""
        done = push(root, "--repo", REPO)
        assert done.code == 0, done.stderr
        for name in (MANIFEST_NAME, signing.SIGNATURE_NAME):
            (copy / name).unlink(missing_ok=True)
            if name in hub.store.repo(REPO).paths("main"):
                (copy / name).write_bytes(hub.store.repo(REPO).read(name, "main"))

    for comment in ("first", "again"):
        signing.sign(root, key, comment=comment)
        arrives()
        assert signing.check_signature(copy, public.line).trusted_comment == comment
    signing.remove_signature(root)
    arrives()
    with pytest.raises(VerificationError, match="is not signed"):
        signing.check_signature(copy, public.line)
