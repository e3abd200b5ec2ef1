"""Keys and signatures are minisign's own files, in both directions."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("cryptography", reason="needs the 'sign' extra")

from medimeta_c.errors import ConfigError
from medimeta_c.format.signing import benchmark as signing
from medimeta_c.format.signing import keys
from medimeta_c.format.signing.keys import PublicKey, SecretKey, is_protected, read_public_key
from medimeta_c.format.signing.signatures import Signature

GOLDEN = Path(__file__).parents[2] / "golden" / "minisign"
SIGNED = (GOLDEN / "signed.txt").read_bytes()
CHEAP = {"operations": 1 << 15, "memory": 1 << 20}
MINISIGN = shutil.which("minisign")


@pytest.mark.parametrize(
    ("name", "key", "hashed"),
    [("hashed", "plain", True), ("legacy", "plain", False), ("locked", "locked", True)],
)
def test_what_minisign_signed(name: str, key: str, hashed: bool) -> None:
    """Prehashed or legacy, it is of this file, of this key, with its comment."""
    public, signature = read_public_key(GOLDEN / f"{key}.pub"), Signature.read(GOLDEN / f"{name}.minisig")
    assert signature.hashed is hashed
    assert signature.key_name == public.name
    assert signature.is_whole(public)
    assert signature.is_of(SIGNED, public)
    assert not signature.is_of(SIGNED + b"!", public)
    assert not signature.is_whole(SecretKey.new().public)


def test_a_secret_key_of_minisign_signs_as_minisign_does() -> None:
    """Ed25519 draws nothing at random: the same key, file and comment give the same signature."""
    key, theirs = SecretKey.read(GOLDEN / "plain.key"), Signature.read(GOLDEN / "hashed.minisig")
    assert not is_protected(GOLDEN / "plain.key")
    assert key.public == read_public_key(GOLDEN / "plain.pub")
    assert Signature.make(key, SIGNED, "by minisign 0.11") == theirs


@pytest.mark.slow
def test_a_protected_key_of_minisign_opens_with_its_password() -> None:
    """Minisign's scrypt takes 1 GB of memory and seconds."""
    assert is_protected(GOLDEN / "locked.key")
    assert SecretKey.read(GOLDEN / "locked.key", "pw").public == read_public_key(GOLDEN / "locked.pub")


def test_a_protected_key_of_ours_opens_with_its_password_alone(tmp_path: Path) -> None:
    key = SecretKey.new()
    key.write(tmp_path / "it.key", "pässword", **CHEAP)
    assert (tmp_path / "it.key").stat().st_mode & 0o77 == 0
    assert SecretKey.read(tmp_path / "it.key", "pässword") == key
    with pytest.raises(ConfigError, match="is wrong, or the file is damaged"):
        SecretKey.read(tmp_path / "it.key", "password")
    with pytest.raises(ConfigError, match="is protected by a password: give its password, too"):
        SecretKey.read(tmp_path / "it.key")


@pytest.mark.parametrize("letters", [10, 300, 5000])
def test_a_line_that_is_no_key_is_refused_at_any_length(letters: int) -> None:
    """Longer than a file's name may be, too: it is not looked for as a file."""
    with pytest.raises(ConfigError, match="neither a file nor a public key's line"):
        read_public_key("A" * letters)


def test_a_new_key_never_overwrites_another(tmp_path: Path) -> None:
    path, public = signing.new_key(tmp_path / "it.key")
    assert (path, read_public_key(path)) == (tmp_path / "it.pub", public)
    assert SecretKey.read(tmp_path / "it.key").public == public
    with pytest.raises(ConfigError, match="a key is never overwritten"):
        signing.new_key(tmp_path / "it.key")
    (tmp_path / "it.key").unlink()
    with pytest.raises(ConfigError, match=r"it\.pub exists, and a key is never overwritten"):
        signing.new_key(tmp_path / "it.key")


def test_a_signer_is_a_file_or_its_line(tmp_path: Path) -> None:
    public = read_public_key(GOLDEN / "plain.pub")
    assert read_public_key(public.line) == public
    (tmp_path / "line.pub").write_text(f"{public.line}\r\n")
    assert read_public_key(tmp_path / "line.pub") == public
    for wrong, reason in (
        (GOLDEN / "plain.key", "it is a secret key: give the public one"),
        (GOLDEN / "signed.txt", "not a public key in minisign's format"),
        (public.line[:-4], "neither a file nor a public key's line"),
        (public.line[:-1] + "!", "is damaged"),
    ):
        with pytest.raises(ConfigError, match=reason):
            read_public_key(wrong)


@given(st.binary(max_size=400) | st.text(max_size=80).map(str.encode))
def test_any_bytes_are_a_file_or_one_sentence(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """Untrusted files raise nothing but our error, or the reason a signature's reader gives."""
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(data)
    for read in (read_public_key, SecretKey.read):
        with pytest.raises(ConfigError):
            read(path)
    with pytest.raises(ValueError, match=r"^it |^its |^a line "):
        Signature.read(path)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_a_key_file_cannot_ask_for_more_memory_than_minisigns(operations: int, memory: int) -> None:
    """Whatever limits a file states, at most 1 GB is taken; nothing is derived beyond."""
    taken: list[int] = []

    def scrypt(*_: object, n: int, r: int, dklen: int, **__: object) -> bytes:
        taken.append(128 * n * r)
        return bytes(dklen)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("medimeta_c.format.signing.keys.hashlib.scrypt", scrypt)
        try:
            keys._covered(bytes(104), "pw", bytes(32), operations, memory)
        except ValueError as error:
            assert "more than 1 GB" in str(error)
    assert all(each <= 1 << 30 for each in taken)


@pytest.mark.skipif(MINISIGN is None, reason="needs minisign itself: apt install minisign")
def test_minisign_reads_ours(tmp_path: Path) -> None:
    """It checks our signature with our public key, and signs with our secret key."""
    path, public = signing.new_key(tmp_path / "it.key")
    (tmp_path / "f").write_bytes(SIGNED)
    ours = Signature.make(SecretKey.read(tmp_path / "it.key"), SIGNED, "a comment")
    (tmp_path / "f.minisig").write_text(ours.text)
    command = [str(MINISIGN), "-V", "-m", str(tmp_path / "f")]
    for key in (["-p", str(path)], ["-P", public.line]):
        done = subprocess.run([*command, *key], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "Trusted comment: a comment" in done.stdout
    again = [str(MINISIGN), "-S", "-m", str(tmp_path / "f"), "-s", str(tmp_path / "it.key"), "-t", "theirs"]
    subprocess.run(again, check=True, capture_output=True)
    assert Signature.read(tmp_path / "f.minisig").is_of(SIGNED, PublicKey.of_line(public.line))
