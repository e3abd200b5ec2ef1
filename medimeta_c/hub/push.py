"""Push a built benchmark to a dataset repository: verify, compare, send in one commit, check, tag.

All files go in one commit, the manifest with them, so that no revision of the repository is ever part of a
build. Large files are sent to the Hub's storage first, under their digests: an interrupted push, run again,
sends those that had not arrived. (The client's own folder upload may commit in several steps, in an order of
its own, so that a manifest would stand there without its shards.)
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medimeta_c.building.verification import verify
from medimeta_c.card.card_check import check_card
from medimeta_c.card.coverage import require_complete
from medimeta_c.card.evalfile import benchmark_name
from medimeta_c.errors import ManifestError, PublishError, Remedy, VerificationError
from medimeta_c.format.manifest.file import MANIFEST_NAME, read_manifest
from medimeta_c.format.manifest.records import Manifest
from medimeta_c.format.repository import Repository, open_repository
from medimeta_c.hub.request import PushConfig, PushReport
from medimeta_c.hub.tree import LocalFile, Plan, compare, local_files, remote_files
from medimeta_c.io.hub_client import token_or_none, transfer_bars
from medimeta_c.io.hub_errors import explained, network_errors, unreachable
from medimeta_c.io.settings import require_kind
from medimeta_c.io.text import counted

if TYPE_CHECKING:
    from huggingface_hub import HfApi

__all__ = ["push"]


@dataclass(frozen=True, slots=True)
class _Landed:
    """Location of the build on the Hub: a commit, and the pull request it belongs to, if any."""

    commit: str
    pull_request: str | None = None


def push(
    config: PushConfig,
    *,
    on_verified: Callable[[int, int], None] | None = None,
    show_transfer: bool = False,
) -> PushReport:
    """Verify a built benchmark and make a dataset repository on the Hub hold exactly it.

    Parameters
    ----------
    config : PushConfig
        What to push where.
    on_verified : callable, optional
        Called with images verified and images in all.
    show_transfer : bool, optional
        Let the Hub's client show its progress bars on stderr.

    Returns
    -------
    PushReport
        What was sent, removed and tagged.

    Raises
    ------
    ManifestError, VerificationError
        If the directory holds no finished build, or the build is damaged, or incomplete and not `partial`.
    PublishError
        If the card cannot be published, the Hub cannot be reached or refuses, the tag marks another build, or
        the repository is public and was to be private.
    """
    require_kind(config, PushConfig, "push")
    manifest = read_manifest(config.root / MANIFEST_NAME)
    if token_or_none() is None and not config.dry_run:
        raise PublishError(
            "there is no Hub token: run `hf auth login`, or set HF_TOKEN to a token with write access to "
            f"{config.repo_id.split('/')[0]!r}"
        )
    files, card = _verified_files(config, manifest, on_verified)
    with explained(config.repo_id, PublishError), transfer_bars(show_transfer):
        return _Push(config, manifest, files, card).run()


def _verified_files(
    config: PushConfig, manifest: Manifest, on_verified: Callable[[int, int], None] | None
) -> tuple[tuple[LocalFile, ...], str]:
    """Return the files to publish and the card's text, everything checked."""
    card = check_card(config.root, manifest)
    if not config.partial:
        require_complete(str(config.root), manifest, Remedy("push it with {partial}", partial=True))
    report = verify(config.root, jobs=config.jobs, on_progress=on_verified)
    if not report.ok:
        raise VerificationError(
            f"{config.root} is not what its manifest says ({counted(len(report.problems), 'problem')}, "
            f"first {report.problems[0]}): nothing was sent; restore what `medimeta-c verify` names, "
            "or move it away and run the build again"
        )
    if report.manifest != manifest:
        raise VerificationError(
            f"{config.root} was built again meanwhile: nothing was sent; run the same command again"
        )
    return local_files(config.root, manifest, card), card


class _Push:
    """One push: the build, and the client it talks to the Hub with."""

    def __init__(
        self, config: PushConfig, manifest: Manifest, files: tuple[LocalFile, ...], card: str
    ) -> None:
        from huggingface_hub import HfApi  # noqa: PLC0415  (slow to import)

        self.config, self.manifest, self.files, self.card = config, manifest, files, card
        # True: the token is sent also where the environment forbids sending it without being asked.
        self.api: HfApi = HfApi(token=token_or_none() is not None)
        self.repo_id = config.repo_id
        self.tag = config.tag or f"v{manifest.protocol.benchmark_version}"
        self.name = benchmark_name(manifest)
        self.title = f"{self.name}, build {manifest.fingerprint[:12]}"

    def run(self) -> PushReport:
        """Do what the configuration asks for."""
        try:
            head, report = self._look()
        except network_errors() as error:
            if not (self.config.dry_run and unreachable(error)):
                raise
            return self._report(compare(self.files, {}), exists=None)
        if self.config.dry_run:
            return report
        if head is None:
            head = self._create()
        landed = _Landed(head)
        if not report.plan.empty:
            found = self._open_pull_request() if self.config.pull_request else None
            landed = found or self._send(report.plan, head)
            self._check_arrival(landed)
            if found:
                report = replace(report, plan=replace(report.plan, send=(), remove=(), unchanged=self.files))
        if self.config.pull_request:
            return replace(report, commit=landed.commit, pull_request=landed.pull_request)
        return replace(report, commit=landed.commit, tagged=report.tagged or self._set_tag(landed.commit))

    def _look(self) -> tuple[str | None, PushReport]:
        """Return the newest commit of the repository, if it is there, and what a push would do."""
        from huggingface_hub.errors import RepositoryNotFoundError  # noqa: PLC0415

        self._ask_about_card()
        try:
            info = self.api.dataset_info(self.repo_id)
        except RepositoryNotFoundError:
            if self.config.pull_request:
                raise PublishError(
                    f"cannot open a pull request: the Hub has no dataset {self.repo_id!r} that you may see",
                    remedy=[Remedy("check the name"), Remedy("push without {pull_request} to create it")],
                ) from None
            return None, self._report(compare(self.files, {}), exists=False)
        self._check_privacy(bool(info.private))
        plan = compare(self.files, remote_files(self.api, self.repo_id, str(info.sha)))
        tagged = None if self.config.pull_request else self._tagged()
        if tagged and any(file.path == MANIFEST_NAME for file in plan.send):
            self._check_head(str(info.sha))
        return str(info.sha), replace(self._report(plan, exists=True), tagged=tagged)

    def _report(self, plan: Plan, *, exists: bool | None) -> PushReport:
        return PushReport(
            url=f"{self.api.endpoint}/datasets/{self.repo_id}",
            manifest=self.manifest,
            plan=plan,
            exists=exists,
            tag=None if self.config.pull_request else self.tag,
            dry_run=self.config.dry_run,
        )

    def _ask_about_card(self) -> None:
        """Have the Hub check the card's header before anything is created or sent."""
        from huggingface_hub.utils import get_session  # type: ignore[attr-defined]  # noqa: PLC0415

        # The client's own `DatasetCard.validate` asks huggingface.co whatever the endpoint is.
        asked = {"content": self.card, "repoType": "dataset"}
        answer = get_session().post(f"{self.api.endpoint}/api/validate-yaml", json=asked)
        if answer.status_code == 400:
            reasons = "; ".join(str(one.get("message")) for one in answer.json().get("errors", []))
            raise ValueError(f"README.md, whose header it finds invalid ({reasons})")

    def _tagged(self) -> str | None:
        """Return the commit the tag marks, None if there is no such tag; raise if it marks another build."""
        refs = self.api.list_repo_refs(self.repo_id, repo_type="dataset")
        if self.tag in {branch.name for branch in refs.branches}:
            raise PublishError(
                f"{self.repo_id} has a branch named {self.tag}", remedy=Remedy("choose another {tag}")
            )
        if self.tag not in {tag.name for tag in refs.tags}:
            return None
        there = self._build_at(self.tag)
        if there and there.manifest.fingerprint == self.manifest.fingerprint:
            return there.commit
        found = there.manifest.fingerprint[:12] if there else "it cannot be read"
        raise PublishError(
            f"the tag {self.tag} of {self.repo_id} marks another build ({found}; this one is "
            f"{self.manifest.fingerprint[:12]}), and a published version never changes",
            remedy=[Remedy("choose another {tag}"), Remedy("delete that tag on the Hub first")],
        )

    def _check_head(self, head: str) -> None:
        """Raise if a newer build replaced this tagged one, because this push would undo the newer one."""
        there = self._build_at(head)
        if there and there.manifest.fingerprint != self.manifest.fingerprint:
            raise PublishError(
                f"{self.repo_id} already has this build as {self.tag}, and a newer one "
                f"({there.manifest.fingerprint[:12]}), which this push would undo: read this build as "
                f"revision {self.tag!r}, or delete that tag on the Hub to publish this build again"
            )

    def _build_at(self, revision: str) -> Repository | None:
        """Return the build at a revision, None if there is no readable one."""
        try:
            return open_repository(self.repo_id, revision, token=bool(self.api.token))
        except ManifestError as error:
            if isinstance(error.__cause__, network_errors()):
                raise PublishError(str(error)) from error
            return None

    def _create(self) -> str:
        self.api.create_repo(self.repo_id, repo_type="dataset", private=self.config.private or None)
        info = self.api.dataset_info(self.repo_id)
        self._check_privacy(bool(info.private))
        return str(info.sha)

    def _check_privacy(self, private: bool) -> None:
        if self.config.private and not private:
            raise PublishError(
                f"{self.repo_id} exists and is public; only a new repository can be created private",
                remedy=[Remedy("make it private in its settings"), Remedy("push without {private}")],
            )

    def _send(self, plan: Plan, head: str) -> _Landed:
        """Send the files the repository lacks and remove those it should not have, in one commit."""
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete  # noqa: PLC0415

        additions = [CommitOperationAdd(file.path, file.source) for file in plan.send]
        deletions = [CommitOperationDelete(path, is_folder=False) for path in plan.remove]
        try:
            made = self.api.create_commit(
                self.repo_id,
                operations=[*additions, *deletions],
                commit_message=self.title,
                commit_description=f"Fingerprint {self.manifest.fingerprint}",
                repo_type="dataset",
                create_pr=self.config.pull_request,
                parent_commit=head,
            )
        except network_errors():
            # The answer may have been lost after the commit was made.
            landed = None
            with contextlib.suppress(*network_errors(), RuntimeError):
                landed = self._found()
            if landed is None:
                raise
            return landed
        return _Landed(made.oid, made.pr_url)

    def _found(self) -> _Landed | None:
        """Return where the build is already, if it is."""
        if self.config.pull_request:
            return self._open_pull_request()
        commit = str(self.api.dataset_info(self.repo_id).sha)
        return _Landed(commit) if self._is_at(commit) else None

    def _open_pull_request(self) -> _Landed | None:
        """Return the open pull request that proposes exactly this build, if there is one."""
        for one in self.api.get_repo_discussions(
            self.repo_id, repo_type="dataset", discussion_type="pull_request", discussion_status="open"
        ):
            reference = str(one.git_reference)
            # Whatever the benchmark was called then, its build has the fingerprint.
            if str(one.title).endswith(self.title.removeprefix(self.name)) and self._is_at(reference):
                commit = self.api.dataset_info(self.repo_id, revision=reference).sha
                return _Landed(str(commit), one.url)
        return None

    def _is_at(self, revision: str) -> bool:
        return compare(self.files, remote_files(self.api, self.repo_id, revision)).empty

    def _check_arrival(self, landed: _Landed) -> None:
        """Raise unless the commit holds exactly the build."""
        plan = compare(self.files, remote_files(self.api, self.repo_id, landed.commit))
        if not plan.empty:
            names = [*(file.path for file in plan.send), *plan.remove]
            raise PublishError(
                f"{len(names)} files of {self.repo_id} differ from what was pushed ({', '.join(names[:3])}): "
                "look for a .gitignore in the repository that excludes them, remove it, and run the same "
                "command again"
            )

    def _set_tag(self, commit: str) -> str:
        with explained(self.repo_id, PublishError, self.tag):
            self.api.create_tag(
                self.repo_id,
                tag=self.tag,
                tag_message=f"{self.name}, fingerprint {self.manifest.fingerprint}",
                revision=commit,
                repo_type="dataset",
            )
        return commit
