"""A signature's file: of a file's bytes, and of a comment that is trusted with them."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from medimeta_c.format.signing.keys import PublicKey, SecretKey, decoded, key_name, read_lines
from medimeta_c.io.stores.stored import Place

__all__ = ["Signature"]

_HASHED, _LEGACY = b"ED", b"Ed"
_UNTRUSTED, _TRUSTED = "untrusted comment: ", "trusted comment: "
_LINES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A signature with its comment.

    Parameters
    ----------
    key_id : bytes
        Identity of the pair that signed, as the file states it.
    hashed : bool
        Whether the BLAKE2b-512 digest of the file was signed, as is usual now, or the file itself.
    of_file : bytes
        The signature of that.
    trusted_comment : str
        One line, signed too.
    of_comment : bytes
        The signature of the first one and the comment.
    """

    key_id: bytes
    hashed: bool
    of_file: bytes
    trusted_comment: str
    of_comment: bytes

    @classmethod
    def make(cls, key: SecretKey, content: bytes, trusted_comment: str) -> Signature:
        """Sign a file's bytes and a comment."""
        of_file = key.sign(hashlib.blake2b(content).digest())
        return cls(
            key_id=key.key_id,
            hashed=True,
            of_file=of_file,
            trusted_comment=trusted_comment,
            of_comment=key.sign(of_file + trusted_comment.encode()),
        )

    @classmethod
    def read(cls, path: Place) -> Signature:
        """Read a signature's file; raises ValueError, with the reason, if it is not one."""
        lines = read_lines(path)
        if len(lines) != _LINES:
            raise ValueError(f"it has {len(lines)} lines, not {_LINES}: it is cut short or edited")
        if not lines[0].startswith(_UNTRUSTED) or not lines[2].startswith(_TRUSTED):
            raise ValueError("its first and third lines are not comments")
        data = decoded(lines[1], 74)
        if data[:2] not in (_HASHED, _LEGACY):
            raise ValueError("it is of another algorithm")
        return cls(
            key_id=data[2:10],
            hashed=data[:2] == _HASHED,
            of_file=data[10:],
            trusted_comment=lines[2].removeprefix(_TRUSTED),
            of_comment=decoded(lines[3], 64),
        )

    @property
    def key_name(self) -> str:
        """The identity of the pair, in hexadecimal, as the file states it."""
        return key_name(self.key_id)

    @property
    def text(self) -> str:
        """The signature's file."""
        line = (_HASHED if self.hashed else _LEGACY) + self.key_id + self.of_file
        return (
            f"{_UNTRUSTED}signature by the key {self.key_name}\n{base64.b64encode(line).decode()}\n"
            f"{_TRUSTED}{self.trusted_comment}\n{base64.b64encode(self.of_comment).decode()}\n"
        )

    def is_whole(self, key: PublicKey) -> bool:
        """Return whether the key made the signature and its comment, whatever file it is of."""
        return key.signed(self.of_comment, self.of_file + self.trusted_comment.encode())

    def is_of(self, content: bytes, key: PublicKey) -> bool:
        """Return whether the key signed these bytes."""
        return key.signed(self.of_file, hashlib.blake2b(content).digest() if self.hashed else content)
