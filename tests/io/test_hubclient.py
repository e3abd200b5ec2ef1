"""The Hub client's errors as sentences, and the user's token."""

from __future__ import annotations

from pathlib import Path

import pytest

from medimeta_c.errors import ConfigError, PublishError, ShardError
from medimeta_c.io.hub_client import check_repo_id, token_or_none
from medimeta_c.io.hub_errors import explained


@pytest.mark.parametrize("token", ["hf_secret part", "hf_s\u00e9cret", "hf_sec\x01ret"])
def test_an_unusable_token_is_refused_unseen(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    """A token that an HTTP library would complain about, repeating it, is refused before."""
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(ConfigError, match="contains invalid characters") as caught:
        token_or_none()
    assert "hf_s" not in str(caught.value)


def test_a_token_with_a_line_end_is_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a shell or an editor adds to a token is no part of it."""
    monkeypatch.setenv("HF_TOKEN", " hf_abc\n")
    assert token_or_none() == "hf_abc"


@pytest.mark.parametrize("name", ["org/MediMeta-C", "o/n", "my-org/a_b.c-1"])
def test_repository_ids(name: str) -> None:
    """ORG/NAME as the Hub takes it."""
    assert check_repo_id(name) == name


@pytest.mark.parametrize(
    "name", ["name", "a/b/c", "/a", "a/", "../a", "a/..", "a/b.git", "a /b", "datasets/a/b", ""]
)
def test_wrong_repository_ids(name: str) -> None:
    """Anything else is refused with the form to use."""
    with pytest.raises(ConfigError, match="write it as ORG/NAME"):
        check_repo_id(name)


def test_local_trouble_is_not_blamed_on_the_connection(tmp_path: Path) -> None:
    """A file that cannot be read, a refusal, a package a proxy needs and our own errors are told apart."""
    with (
        pytest.raises(PublishError, match=r"cannot use .*gone \(No such file or directory\): check the disk"),
        explained("org/x", PublishError),
    ):
        (tmp_path / "gone").read_bytes()
    with (
        pytest.raises(PublishError, match="the Hub or its client refused: no quota left"),
        explained("org/x", PublishError),
    ):
        raise ValueError("no quota\n left")
    with (
        pytest.raises(PublishError, match=r"failed for org/x \(no 'socksio' package\): check it, the proxy"),
        explained("org/x", PublishError),
    ):
        raise ImportError("no 'socksio' package")
    with pytest.raises(ShardError, match="mine"), explained("org/x", PublishError):
        raise ShardError("mine")
    with pytest.raises(KeyError), explained("org/x", PublishError):
        raise KeyError("a bug stays a bug")
