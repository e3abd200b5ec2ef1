"""Keys of signatures, in minisign's files: a public key to check with, a secret key to sign with.

A secret key may be protected by a password, with scrypt as minisign has it.

References
----------
F. Denis, minisign, https://jedisct1.github.io/minisign/ (the layout of the files).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from medimeta_c.errors import ConfigError, MissingExtraError, Remedy
from medimeta_c.io.files import write_atomic
from medimeta_c.io.settings import StrPath, as_path
from medimeta_c.io.stores.stored import Place

__all__ = ["PublicKey", "SecretKey", "decoded", "ed25519", "is_protected", "read_lines", "read_public_key"]

_ALGORITHM, _SCRYPT, _PLAIN, _CHECKSUM = b"Ed", b"Sc", b"\0\0", b"B2"
_SECRET = struct.Struct("<2s2s2s32sQQ104s")
"""Algorithm, key derivation, checksum's algorithm, salt, scrypt's two limits, and the key itself."""

_PUBLIC_BYTES = 42
_LINE_LETTERS = 56
_MAX_FILE_BYTES = 16 << 10
_MAX_MEMORY = 1 << 30
_MAX_PASSES = 16
OPERATIONS, MEMORY = 1 << 25, _MAX_MEMORY
"""Scrypt's limits in a new file, those of minisign: about four seconds and 1 GB of memory."""


def ed25519() -> ModuleType:
    """Return the module of Ed25519 keys; raises MissingExtraError if `cryptography` is not installed."""
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519 as module  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("a signature", "sign") from error
    return module  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key: 32 bytes, and the 8 random bytes that identify the pair."""

    key_id: bytes
    key: bytes

    @classmethod
    def of_line(cls, line: str) -> PublicKey:
        """Return the key of a line of base64; raises ValueError if it is not one."""
        data = decoded(line, _PUBLIC_BYTES)
        if data[:2] != _ALGORITHM:
            raise ValueError("it is not an Ed25519 key")
        return cls(data[2:10], data[10:])

    @property
    def line(self) -> str:
        """The key as one line of base64, as minisign's ``-P`` takes it."""
        return base64.b64encode(_ALGORITHM + self.key_id + self.key).decode()

    @property
    def name(self) -> str:
        """The identity of the pair, in minisign's 16 hexadecimal digits."""
        return key_name(self.key_id)

    def signed(self, signature: bytes, message: bytes) -> bool:
        """Return whether the signature is of the message, by this key."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  (after `ed25519` found it)

        try:
            ed25519().Ed25519PublicKey.from_public_bytes(self.key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def write(self, path: Path) -> None:
        """Write the key's file."""
        write_atomic(path, f"untrusted comment: minisign public key {self.name}\n{self.line}\n".encode())


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A secret key: the 32 bytes that everything follows from, and the pair's identity."""

    key_id: bytes
    seed: bytes

    def __repr__(self) -> str:
        return f"SecretKey({self.public.name})"

    @classmethod
    def new(cls) -> SecretKey:
        """Return a new key, from the system's random numbers."""
        return cls(os.urandom(8), os.urandom(32))

    @property
    def public(self) -> PublicKey:
        """The public key of the pair."""
        return PublicKey(self.key_id, self._private().public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message, 64 bytes."""
        signature: bytes = self._private().sign(message)
        return signature

    def write(
        self, path: Path, password: str | None = None, *, operations: int = OPERATIONS, memory: int = MEMORY
    ) -> None:
        """Write the key's file, for this user alone; with a password, protected by scrypt in these limits."""
        whole = self.seed + self.public.key
        checksum = hashlib.blake2b(_ALGORITHM + self.key_id + whole, digest_size=32).digest()
        if password is None:  # minisign leaves the checksum out here, and reads either
            fields = (_ALGORITHM, _PLAIN, _CHECKSUM, bytes(32), 0, 0, self.key_id + whole + checksum)
        else:
            salt = os.urandom(32)
            covered = _covered(self.key_id + whole + checksum, password, salt, operations, memory)
            fields = (_ALGORITHM, _SCRYPT, _CHECKSUM, salt, operations, memory, covered)
        line = base64.b64encode(_SECRET.pack(*fields)).decode()
        comment = f"minisign {'encrypted ' if password is not None else ''}secret key {self.public.name}"
        write_atomic(path, f"untrusted comment: {comment}\n{line}\n".encode(), private=True)

    @classmethod
    def read(cls, path: StrPath, password: str | None = None) -> SecretKey:
        """Read a secret key's file.

        Raises
        ------
        ConfigError
            If it is missing or not such a file, or the password is missing or wrong.
        MissingExtraError
            If `cryptography` is not installed.
        """
        path, fields = _secret_fields(path)
        _, derivation, _, salt, operations, memory, content = fields
        if derivation == _SCRYPT:
            if password is None:
                raise ConfigError(
                    f"the secret key {path} is protected by a password",
                    remedy=Remedy("give its password, too"),
                )
            try:
                content = _covered(content, password, salt, operations, memory)
            except ValueError as error:
                raise _not_a_key(path, str(error)) from error
        key = cls(content[:8], content[8:40])
        checksum = hashlib.blake2b(_ALGORITHM + content[:72], digest_size=32).digest()
        if derivation == _SCRYPT and checksum != content[72:]:
            raise ConfigError(f"the password of the secret key {path} is wrong, or the file is damaged")
        if key.public.key != content[40:72]:
            raise _not_a_key(path, "its two halves are of different keys")
        return key

    def _private(self) -> Any:
        return ed25519().Ed25519PrivateKey.from_private_bytes(self.seed)


def key_name(key_id: bytes) -> str:
    """Return the identity of a pair as minisign prints it."""
    return key_id[::-1].hex().upper()


def is_protected(path: StrPath) -> bool:
    """Return whether reading a secret key needs a password; raises ConfigError if it is not a secret key."""
    _, fields = _secret_fields(path)
    return bool(fields[1] == _SCRYPT)


def read_public_key(signer: StrPath) -> PublicKey:
    """Return a public key.

    Parameters
    ----------
    signer : str or path
        The key's file, or its line of base64.

    Raises
    ------
    ConfigError
        If it is neither.
    """
    path = as_path(signer, "signer")
    try:
        is_file = path.is_file()
    except OSError:  # a line that is too long for a file's name
        is_file = False
    if not is_file:
        try:
            return PublicKey.of_line(str(signer))
        except ValueError:
            looks = len(str(signer)) == _LINE_LETTERS and str(signer).startswith("RW")
            what = "is damaged" if looks else "is neither a file nor a public key's line of base64"
            raise ConfigError(
                f"the signer {str(signer)!r} {what}: give the file or the line that the signer published",
                value=str(signer),
            ) from None
    try:
        lines = read_lines(path)
        if len(lines[-1]) == -(-_SECRET.size // 3) * 4:
            raise ValueError("it is a secret key: give the public one")
        return PublicKey.of_line(lines[-1])
    except ValueError as error:
        raise ConfigError(f"{path} is not a public key in minisign's format ({error})") from error


def decoded(line: str, size: int) -> bytes:
    """Return a line of base64 as bytes; raises ValueError if it is not exactly `size` of them."""
    try:
        data = base64.b64decode(line.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError("a line is not base64") from None
    if len(data) != size:
        raise ValueError(f"a line holds {len(data)} bytes, not {size}")
    return data


def read_lines(path: Place) -> list[str]:
    """Return the lines of a small text, at least one; raises ValueError if it is none."""
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ValueError(f"it cannot be read: {error.strerror or error}") from error
    if len(data) > _MAX_FILE_BYTES:
        raise ValueError(f"it is larger than {_MAX_FILE_BYTES >> 10} kB")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise ValueError("it is not text") from None
    lines = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]
    if lines == [""]:
        raise ValueError("it is empty")
    return lines


def _secret_fields(where: StrPath) -> tuple[Path, tuple[Any, ...]]:
    path = as_path(where, "key")
    try:
        fields = _SECRET.unpack(decoded(read_lines(path)[-1], _SECRET.size))
        if fields[0] != _ALGORITHM or fields[1] not in (_PLAIN, _SCRYPT) or fields[2] != _CHECKSUM:
            raise ValueError("it is of another kind")
    except ValueError as error:
        raise _not_a_key(path, str(error)) from error
    return path, fields


def _not_a_key(path: Path, reason: str) -> ConfigError:
    return ConfigError(f"{path} is not a secret key in minisign's format ({reason})")


def _covered(content: bytes, password: str, salt: bytes, operations: int, memory: int) -> bytes:
    """Return a key's content combined with a stream that follows from a password: each undoes the other.

    The limits are those of libsodium's scrypt, which chooses its cost from them; raises ValueError if they
    are too high for a file that others may have written.
    """
    operations = max(operations, 1 << 15)
    few = operations < memory // 32
    largest = operations // 32 if few else memory // 1024
    cost = 1 << max(1, (largest // 2).bit_length())
    passes = 1 if few else operations // 4 // cost // 8
    if cost * 1024 > _MAX_MEMORY or not 1 <= passes <= _MAX_PASSES:
        raise ValueError("its password needs more than 1 GB of memory, or too many passes")
    stream = hashlib.scrypt(
        password.encode(),
        salt=salt,
        n=cost,
        r=8,
        p=passes,
        maxmem=cost * 1024 + (1 << 20) + passes * 1024,
        dklen=len(content),
    )
    return bytes(one ^ other for one, other in zip(content, stream, strict=True))
