"""What goes wrong with a store is one sentence with the URL, and never with a secret."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medimeta_c.errors import ConfigError, MissingExtraError, StoreError
from medimeta_c.io.settings import as_path
from medimeta_c.io.stores.failures import explained
from medimeta_c.io.stores.schemes import SCHEMES
from medimeta_c.io.stores.stored import StoredPath, as_place
from medimeta_c.io.stores.urls import looks_like_url

WRONG_KEY = "d3Jvbmcga2V5IHRoYXQgbm9ib2R5IG1heSBzZWU="


def test_a_key_that_is_not_accepted(
    bucket: Callable[[str], StoredPath], monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    root = bucket("az")
    before = os.environ["AZURE_STORAGE_CONNECTION_STRING"]
    parts = [
        one if not one.startswith("AccountKey") else f"AccountKey={WRONG_KEY}" for one in before.split(";")
    ]
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", ";".join(parts))
    with pytest.raises(
        StoreError, match=r"does not let you use az://.*AZURE_STORAGE_CONNECTION_STRING"
    ) as found:
        (root / "x").write_bytes(b"1")
    assert WRONG_KEY not in str(found.value)


def test_no_credentials(
    s3: StoredPath, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    nowhere = str(tmp_path_factory.mktemp("aws") / "none")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", nowhere)
    monkeypatch.setenv("AWS_CONFIG_FILE", nowhere)
    with pytest.raises(StoreError, match=r"does not let you use s3://.*AWS_ACCESS_KEY_ID"):
        (s3 / "x").write_bytes(b"1")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("AccessDenied when calling PutObject", "does not let you use"),
        ("The specified bucket does not exist", "there is no bucket"),
        ("something else AccountKey=c2VjcmV0 and AKIAABCDEFGHIJKLMNOP", "failed for"),
    ],
)
def test_what_a_library_says_is_explained_without_secrets(said: str, meant: str) -> None:
    with pytest.raises(StoreError, match=meant) as found, explained(SCHEMES["s3"], "s3://bucket/x"):
        raise OSError(said)
    assert "s3://bucket/x" in str(found.value)
    assert not any(secret in str(found.value) for secret in ("c2VjcmV0", "AKIAABCDEFGHIJKLMNOP"))


@pytest.mark.parametrize("scheme", [name for name, one in SCHEMES.items() if one.extra])
def test_a_missing_extra_is_named_with_its_line(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, SCHEMES[scheme].library, None)
    with pytest.raises(MissingExtraError, match=rf"{scheme}://.*needs the '{scheme}' extra.*pip install"):
        StoredPath(scheme, "bucket/x").find()


def test_no_library_of_a_store_is_imported_before_a_url_is_opened() -> None:
    libraries = ["fsspec", "s3fs", "adlfs", "gcsfs", "botocore", "azure", "google.cloud"]
    script = (
        "import sys\nfrom medimeta_c.io.stores.stored import as_place\nas_place('s3://bucket/x', 'out')\n"
        f"found = [name for name in {libraries!r} if name in sys.modules]\nassert not found, found\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


@pytest.mark.parametrize(
    "text",
    [
        "s3://",
        "s3:///x",
        "s3:bucket",
        "S3://bucket/x",
        "s3://bucket//x",
        "s3://bucket/../x",
        "s3://bucket/./x",
        "s3://bucket/x?versionId=1",
        "s3://bucket/x#part",
        "s3://bucket/*",
        "s3://user:password@bucket/x",
        "s3://bucket:9000/x",
        "s3:\\bucket\\x",
        "s3://B/x",
        "s3://bucket/a\nb",
        "hf://org/name",
        "hf://models/org/name",
        "file:///tmp/x",
        "https://host/x",
        "ftp:/host/x",
    ],
)
def test_other_urls_are_refused_in_one_line_without_a_password(text: str) -> None:
    for function in (as_place, as_path):
        with pytest.raises(ConfigError) as found:
            function(text, "out")
        assert len(str(found.value).splitlines()) == 1
        assert "password" not in str(found.value)


@pytest.mark.parametrize("text", ["C:\\data", "C:/data", "c:data", "./s3:/x", "a/s3://b", "~/x", "a:b", "x"])
def test_paths_stay_paths(text: str) -> None:
    assert not looks_like_url(text)


@given(st.text(max_size=40), st.sampled_from(["s3://bucket/", "s3:", "az:/", "ftp://", ""]))
def test_any_text_is_a_path_a_place_or_one_sentence(rest: str, start: str) -> None:
    """A place in a store has the path of its URL; a path is never one of a folder called like a scheme."""
    try:
        found = as_place(start + rest, "out")
    except ConfigError as error:
        assert len(str(error).splitlines()) == 1
        return
    if isinstance(found, StoredPath):
        assert not {"", ".", ".."} & {*found.path.split("/")}
        assert str(found).rstrip("/") == (start + rest).strip().replace("az:/", "az://").replace(
            "///", "//"
        ).rstrip("/")
    else:
        assert not found.parts or not any(found.parts[0] == f"{name}:" for name in SCHEMES)
