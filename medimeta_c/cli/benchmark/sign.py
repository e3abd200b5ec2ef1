"""``medimeta-c sign``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from medimeta_c.cli import console
from medimeta_c.cli.options import BenchmarkOption, FolderArgument, JsonOption, benchmark_of

__all__ = ["sign"]


def sign(
    where: FolderArgument = None,
    benchmark: BenchmarkOption = None,
    key: Annotated[
        Path | None,
        typer.Option(help="Secret key to sign with, in minisign's format.", show_default=False),
    ] = None,
    comment: Annotated[
        str | None,
        typer.Option(
            help="One line that is signed with the manifest; default: the time and the fingerprint.",
            show_default=False,
        ),
    ] = None,
    new_key: Annotated[
        Path | None,
        typer.Option(
            "--new-key",
            metavar="FILE",
            help="Make a new secret key, and its public key beside it (FILE with the suffix .pub).",
            show_default=False,
        ),
    ] = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Do not protect the new key with a password.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Sign a built benchmark, so that others can check who made it; or make a key.

    Passwords are asked for on a terminal, and otherwise read from a line of standard input.

    [b]Examples[/b]

      medimeta-c sign --new-key ~/.minisign/maker.key

      medimeta-c sign MediMeta-C --key ~/.minisign/maker.key

      medimeta-c verify MediMeta-C --signer ~/.minisign/maker.pub
    """
    from medimeta_c.errors import ConfigError
    from medimeta_c.format.signing import benchmark as signing
    from medimeta_c.format.signing.keys import is_protected
    from medimeta_c.io.settings import as_path

    if new_key is not None:
        if where is not None or benchmark is not None or key is not None or comment is not None:
            raise ConfigError("--new-key makes a key and signs nothing: give it alone")
        signing.check_new_key(new_key.expanduser())
        password = None if no_password else _password(f"Password for {new_key}", confirm=True)
        path, public = signing.new_key(new_key.expanduser(), password)
        if json:
            console.say_json(
                {"secret": str(new_key), "public": str(path), "key": public.line, "key_id": public.name}
            )
        else:
            console.say(f"secret key {new_key}: keep it, and show it to nobody")
            console.say(f"public key {path}: publish it, or this line of it")
            console.say(public.line)
        return
    if no_password:
        raise ConfigError("--no-password is for --new-key: leave it out")
    directory = as_path(benchmark_of(where, benchmark), "benchmark")
    if key is None:
        raise ConfigError("no key is given: give its file with --key, or make one with --new-key")
    key = key.expanduser()
    password = _password(f"Password of {key}") if is_protected(key) else None
    signed = signing.sign(directory, key, password=password, comment=comment)
    if json:
        console.say_json(
            {
                "signature": str(signed.path),
                "key": signed.key.line,
                "key_id": signed.key.name,
                "trusted_comment": signed.trusted_comment,
            }
        )
    else:
        console.say(f"{signed.path}: signed by the key {signed.key.name} ({signed.trusted_comment})")
        console.say(f"next: medimeta-c verify {directory} --signer {signed.key.line}")


def _password(prompt: str, *, confirm: bool = False) -> str:
    """Return a password from the terminal, or a line of standard input where that is not one."""
    if sys.stdin is not None and sys.stdin.isatty():
        return str(typer.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True))
    return (sys.stdin.readline() if sys.stdin is not None else "").rstrip("\r\n")
