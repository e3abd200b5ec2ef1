"""Sign a benchmark's manifest, and check who signed it.

The manifest has the digests of all shards and statistics, so its signature covers the whole benchmark, except
the card, its pictures and ``eval.yaml``, which may be edited.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from medimeta_c.errors import ConfigError, ManifestError, Remedy, VerificationError, printable, short
from medimeta_c.format.manifest.file import MANIFEST_NAME, read_manifest
from medimeta_c.format.signing.keys import PublicKey, SecretKey, ed25519, read_public_key
from medimeta_c.format.signing.signatures import Signature
from medimeta_c.io.files import write_atomic, writing
from medimeta_c.io.settings import StrPath, as_path
from medimeta_c.io.stores.stored import Place

__all__ = [
    "SIGNATURE_NAME",
    "Signed",
    "check_new_key",
    "check_signature",
    "new_key",
    "remove_signature",
    "sign",
    "stored_signature",
]

SIGNATURE_NAME = f"{MANIFEST_NAME}.minisig"
"""The signature's file, at the name where minisign looks for it."""

_MOST_LETTERS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A checked signature: who signed, and what they said.

    Parameters
    ----------
    path : Path
        The signature's file.
    key : PublicKey
        The signer's.
    trusted_comment : str
        The comment that was signed with the manifest, as one line.
    """

    path: Path
    key: PublicKey
    trusted_comment: str


def new_key(path: StrPath, password: str | None = None) -> tuple[Path, PublicKey]:
    """Write a new secret key, and its public key beside it with the suffix ``.pub``.

    Parameters
    ----------
    path : str or path
        Where the secret key goes; neither file may exist.
    password : str, optional
        Protects the secret key, as minisign does; without one, whoever has the file can sign.

    Returns
    -------
    Path, PublicKey
        The public key's file, and the key.

    Raises
    ------
    ConfigError
        If a file is in the way, or the password is empty.
    MissingExtraError
        If `cryptography` is not installed.
    """
    path, public_path = check_new_key(path)
    if password == "":
        raise ConfigError("the password is empty", remedy=Remedy("leave the key without one: {no_password}"))
    key = SecretKey.new()
    public = key.public
    key.write(path, password)
    public.write(public_path)
    return public_path, public


def check_new_key(where: StrPath) -> tuple[Path, Path]:
    """Return the files of a new secret key and its public key; raises as `new_key` does, before any work."""
    ed25519()
    path = as_path(where, "key")
    if path.suffix == ".pub":
        raise ConfigError(f"{path} is the name of a public key: give the secret key another name")
    public_path = path.with_suffix(".pub")
    for each in (path, public_path):
        if each.exists() or each.is_symlink():
            raise ConfigError(f"{each} exists, and a key is never overwritten: choose another name")
    return path, public_path


def sign(root: StrPath, key: StrPath, *, password: str | None = None, comment: str | None = None) -> Signed:
    """Sign a finished benchmark: one more file in its directory, ``manifest.json.minisig``.

    Parameters
    ----------
    root : str or path
        The benchmark's directory. Verify it first: a signature says nothing of damage.
    key : str or path
        The secret key's file, in minisign's format.
    password : str, optional
        The key's, if it has one.
    comment : str, optional
        One line that is signed with the manifest; by default the time and the fingerprint.

    Raises
    ------
    ManifestError
        If there is no finished build.
    ConfigError
        If the key cannot be used, or the comment is not one line.
    MissingExtraError
        If `cryptography` is not installed.
    WriteError
        If the file cannot be written.
    """
    ed25519()
    root = as_path(root, "root")
    manifest = read_manifest(root / MANIFEST_NAME)
    if comment is None:
        comment = f"timestamp:{int(time.time())}\tfile:{MANIFEST_NAME}\tfingerprint:{manifest.fingerprint}"
    elif comment != printable(comment) or len(comment) > _MOST_LETTERS:
        raise ConfigError(
            f"the comment is not one line of at most {_MOST_LETTERS} printable letters",
            remedy=Remedy("give another {comment}"),
        )
    secret = SecretKey.read(key, password)
    content = (root / MANIFEST_NAME).read_bytes()
    made = Signature.make(secret, content, comment)
    write_atomic(root / SIGNATURE_NAME, made.text.encode())
    return Signed(path=root / SIGNATURE_NAME, key=secret.public, trusted_comment=printable(comment))


def stored_signature(root: Place) -> Signature | None:
    """Return a benchmark's signature, unchecked; None if it has none.

    Raises
    ------
    VerificationError
        If the file is not a signature.
    """
    path = root / SIGNATURE_NAME
    try:
        if not path.exists():
            return None
        return Signature.read(path)
    except ValueError as error:
        raise VerificationError(
            f"{path} is not a signature ({error}): restore it, or sign the benchmark again"
        ) from error


def check_signature(root: StrPath, signer: StrPath) -> Signed:
    """Check that a benchmark's manifest is signed by a key.

    Parameters
    ----------
    root : str or path
        The benchmark's directory.
    signer : str or path
        The signer's public key: its file or its line of base64.

    Raises
    ------
    VerificationError
        If there is no signature, or it is cut short, of another key, or of other bytes than the manifest's.
    ConfigError
        If `signer` is not a public key.
    MissingExtraError
        If `cryptography` is not installed.
    """
    ed25519()
    root, key = as_path(root, "root"), read_public_key(signer)
    path = root / SIGNATURE_NAME
    signature = stored_signature(root)
    if signature is None:
        raise VerificationError(
            f"{root} is not signed: {path.name} is missing", remedy=Remedy("verify without {signer}")
        )
    if signature.key_id != key.key_id:
        raise VerificationError(
            f"{path} is of another key than the signer's: {signature.key_name}, not {key.name}"
        )
    said = printable(signature.trusted_comment)
    if not signature.is_whole(key):
        raise VerificationError(
            f"{path} was edited, or is of another key named {key.name}: get it again from the signer"
        )
    try:
        content = (root / MANIFEST_NAME).read_bytes()
    except OSError as error:
        raise ManifestError(f"{root / MANIFEST_NAME} cannot be read ({short(error)})") from error
    if not signature.is_of(content, key):
        raise VerificationError(
            f"{path} is of {key.name} but not of this {MANIFEST_NAME}: the manifest was changed or built "
            f"again after it was signed, or another file was signed (comment: {short(said)})"
        )
    return Signed(path=path, key=key, trusted_comment=said)


def remove_signature(root: Path) -> bool:
    """Remove the signature of a manifest that is about to change; return whether there was one."""
    path = root / SIGNATURE_NAME
    with writing(path):
        found = path.exists() or path.is_symlink()
        path.unlink(missing_ok=True)
    return found
