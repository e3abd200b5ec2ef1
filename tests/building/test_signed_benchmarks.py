"""A signed benchmark: who signed what, and every way in which a signature is not one."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

pytest.importorskip("cryptography", reason="needs the 'sign' extra")

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.building.verification import verify
from medimeta_c.cli import app
from medimeta_c.errors import MissingExtraError, VerificationError
from medimeta_c.format.manifest.file import MANIFEST_NAME, read_manifest, write_manifest
from medimeta_c.format.signing import benchmark as signing
from medimeta_c.format.signing.keys import SecretKey
from medimeta_c.format.signing.signatures import Signature
from medimeta_c.hub.tree import OWNED, local_files

RUNNER = CliRunner()


@pytest.fixture
def key(tmp_path: Path) -> Path:
    signing.new_key(tmp_path / "maker.key")
    return tmp_path / "maker.key"


@pytest.fixture
def signed(small: Path, key: Path, tmp_path: Path) -> Path:
    """A copy of a small build, signed."""
    root = shutil.copytree(small, tmp_path / "benchmark")
    signing.sign(root, key)
    return root


def test_verify_says_who_signed_what(signed: Path, key: Path) -> None:
    """From the key's file or its line; the comment has the fingerprint."""
    public = key.with_suffix(".pub")
    manifest = read_manifest(signed / MANIFEST_NAME)
    for signer in (public, public.read_text().splitlines()[1]):
        report = verify(signed, signer=signer, jobs=1)
        assert report.ok
        assert report.signed is not None
        assert report.signed.key == SecretKey.read(key).public
        assert f"fingerprint:{manifest.fingerprint}" in report.signed.trusted_comment
    assert verify(signed, jobs=1).signed is None


def test_the_command_line_makes_a_key_signs_and_verifies(small: Path, tmp_path: Path) -> None:
    root, key = shutil.copytree(small, tmp_path / "b"), tmp_path / "it.key"

    def call(*words: object) -> str:
        done = RUNNER.invoke(app, [*map(str, words)])
        assert done.exit_code == 0, done.stderr
        return done.stdout

    call("sign", "--new-key", key, "--no-password")
    name = SecretKey.read(key).public.name
    assert f"signed by the key {name} (for reviewers)" in call(
        "sign", root, "--key", key, "--comment", "for reviewers"
    )
    assert f"a signature of the key {name} was not checked" in call("verify", root, "--jobs", 1)
    public = key.with_suffix(".pub")
    assert f"signed by the key {name} (for reviewers)" in call(
        "verify", root, "--signer", public, "--jobs", 1
    )
    found = json.loads(call("verify", root, "--signer", public, "--json", "--jobs", 1))
    assert found["signed"] == {
        "key": SecretKey.read(key).public.line,
        "key_id": name,
        "trusted_comment": "for reviewers",
    }


def test_a_protected_key_reads_its_password_from_standard_input(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that no password is in a shell's history, and a script can still sign."""
    key = SecretKey.new()
    key.write(tmp_path / "it.key", "secret", operations=1 << 15, memory=1 << 20)
    root = shutil.copytree(small, tmp_path / "b")
    done = RUNNER.invoke(app, ["sign", str(root), "--key", str(tmp_path / "it.key")], input="secret\n")
    assert done.exit_code == 0, done.stderr
    assert signing.check_signature(root, key.public.line).key == key.public
    done = RUNNER.invoke(app, ["sign", str(root), "--key", str(tmp_path / "it.key")], input="other\n")
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert "is wrong, or the file is damaged" in done.stderr


def _other_key(root: Path, key: Path) -> None:
    signing.new_key(key.with_name("other.key"))
    signing.sign(root, key.with_name("other.key"))


def _same_name_other_key(root: Path, key: Path) -> None:
    other = SecretKey(SecretKey.read(key).key_id, bytes(range(32)))
    text = Signature.make(other, (root / MANIFEST_NAME).read_bytes(), "feigned").text
    (root / signing.SIGNATURE_NAME).write_text(text)


def _changed_manifest(root: Path, key: Path) -> None:
    """An edit whose author also computed the manifest's own digest again."""
    manifest = read_manifest(root / MANIFEST_NAME)
    write_manifest(root, manifest.model_copy(update={"package_version": "0.0.1"}))


def _other_file(root: Path, key: Path) -> None:
    text = Signature.make(SecretKey.read(key), b"something else", "file:other").text
    (root / signing.SIGNATURE_NAME).write_text(text)


def _comment_edited(root: Path, key: Path) -> None:
    path = root / signing.SIGNATURE_NAME
    path.write_text(path.read_text().replace("timestamp:", "timestamp:9"))


def _cut(lines: int) -> Callable[[Path, Path], None]:
    def cut(root: Path, key: Path) -> None:
        path = root / signing.SIGNATURE_NAME
        path.write_text("\n".join(path.read_text().splitlines()[:lines]))

    return cut


def _half_a_line(root: Path, key: Path) -> None:
    path = root / signing.SIGNATURE_NAME
    path.write_text(path.read_text()[:-20] + "\n")


def _absent(root: Path, key: Path) -> None:
    (root / signing.SIGNATURE_NAME).unlink()


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (_other_key, "is of another key than the signer's"),
        (_same_name_other_key, "was edited, or is of another key named"),
        (_changed_manifest, "not of this manifest.json: the manifest was changed or built again"),
        (_other_file, "or another file was signed (comment: file:other)"),
        (_comment_edited, "was edited, or is of another key named"),
        (_cut(0), "is not a signature (it is empty)"),
        (_cut(2), "is not a signature (it has 2 lines, not 4: it is cut short or edited)"),
        (_half_a_line, "is not a signature (a line"),
        (_absent, "is not signed: manifest.json.minisig is missing: verify without --signer"),
    ],
    ids=lambda each: each.__name__ if callable(each) else "",
)
def test_what_is_not_signed_is_one_sentence(
    signed: Path, key: Path, damage: Callable[[Path, Path], None], sentence: str
) -> None:
    """Told before any image is read; exit code 1."""
    damage(signed, key)
    done = RUNNER.invoke(
        app, ["verify", str(signed), "--signer", str(key.with_suffix(".pub")), "--jobs", "1"]
    )
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert sentence in done.stderr


def test_a_damaged_signature_is_a_problem_also_if_nobody_asks_for_a_signer(signed: Path) -> None:
    (signed / signing.SIGNATURE_NAME).write_text("nothing\n")
    problems = verify(signed, jobs=1).problems
    assert [one.path for one in problems] == [signing.SIGNATURE_NAME]


def test_a_build_that_changes_the_manifest_removes_the_signature(
    clean_dir: Path, key: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A build that keeps everything keeps it; an old signature that is put back is refused."""
    root = tmp_path / "grown"
    values: dict[str, Any] = {
        "datasets": "rays",
        "source": "imagefolder",
        "data_dir": clean_dir,
        "out": root,
        "jobs": 1,
    }
    build(BuildConfig(**values, corruptions="contrast", severities=3))
    signing.sign(root, key)
    old = (root / signing.SIGNATURE_NAME).read_bytes()
    build(BuildConfig(**values, corruptions="contrast", severities=3))
    assert (root / signing.SIGNATURE_NAME).read_bytes() == old
    assert not caplog.messages
    build(BuildConfig(**values, corruptions="contrast", severities=4))
    assert not (root / signing.SIGNATURE_NAME).exists()
    assert caplog.messages == [
        f"the signature of {root} is removed, because its manifest will change: sign it again"
    ]
    (root / signing.SIGNATURE_NAME).write_bytes(old)
    with pytest.raises(VerificationError, match="was changed or built again after it was signed"):
        verify(root, signer=key.with_suffix(".pub"), jobs=1)


def test_a_push_sends_the_signature_and_removes_a_stale_one(signed: Path) -> None:
    """It is one of the build's files if it is there; where it is not, the repository's goes."""
    manifest = read_manifest(signed / MANIFEST_NAME)
    paths = [file.path for file in local_files(signed, manifest, "")]
    assert signing.SIGNATURE_NAME in paths
    assert signing.SIGNATURE_NAME.startswith(OWNED)


def test_without_the_extra(signed: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exact line that installs it; nothing is written or believed."""
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric", None)
    line = "a signature needs the 'sign' extra: in a clone of the repository, "
    line += "pip install ./corruptions '.[sign]'"
    for call in (
        lambda: signing.sign(signed, key),
        lambda: signing.new_key(key.with_name("new.key")),
        lambda: verify(signed, signer=key.with_suffix(".pub"), jobs=1),
    ):
        with pytest.raises(MissingExtraError) as caught:
            call()
        assert str(caught.value) == line
    assert not key.with_name("new.key").exists()
    assert verify(signed, jobs=1).ok
