"""Send a result to a leaderboard: check it here first, then propose it as a pull request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from medimeta_c.errors import ConfigError, PublishError, Remedy, ResultError
from medimeta_c.hub.tree import LocalFile, RemoteFile
from medimeta_c.io.files import write_atomic
from medimeta_c.io.hub_client import REPO_ID, check_repo_id, token_or_none
from medimeta_c.io.hub_errors import explained, network_errors, unreachable
from medimeta_c.io.text import counted
from medimeta_c.leaderboard.accepted import ACCEPTED_NAME, Accepted, read_accepted
from medimeta_c.leaderboard.checks import Finding, check_submission
from medimeta_c.leaderboard.evalresults import MODEL_EVAL_PATH, model_eval_yaml
from medimeta_c.leaderboard.submission import (
    FILES,
    SUBMISSION_NAME,
    Submission,
    read_submission,
    renamed,
    write_submission,
)
from medimeta_c.results.result import read_result

if TYPE_CHECKING:
    from huggingface_hub import HfApi

__all__ = ["SubmitConfig", "SubmitReport", "fetch_accepted", "place_submission", "submit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitConfig:
    """What to send where.

    Parameters
    ----------
    folder : Path
        A result's folder.
    repo_id : str
        ORG/NAME of the leaderboard's dataset repository.
    submission : Path, optional
        A ``submission.yaml``; copied into the folder. By default the one that is there.
    name : str, optional
        Name of the model on the board, in place of the file's.
    model_repo : str, optional
        ORG/NAME of the model's repository, to which its numbers are proposed as well.
    benchmark_repo : str, optional
        ORG/NAME of the benchmark's repository; by default what the result says was scored.
    dry_run : bool
        Check only; nothing is sent, and nothing written but ``submission.yaml`` and the model's file.

    Raises
    ------
    ConfigError
        If a name is not valid.
    """

    folder: Path
    repo_id: str
    submission: Path | None = None
    name: str | None = None
    model_repo: str | None = None
    benchmark_repo: str | None = None
    dry_run: bool = False

    def __post_init__(self) -> None:
        for name in (self.repo_id, self.model_repo, self.benchmark_repo):
            if name is not None:
                check_repo_id(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitReport:
    """What was sent, or would be.

    Parameters
    ----------
    finding : Finding
        What the checks found: no problems, perhaps notes.
    files : mapping of str to Path
        By path in the leaderboard's repository.
    pull_request : str or None
        Its address, opened now or found open; None in a dry run.
    opened : bool
        Whether it was opened now.
    model_file : Path or None
        The model's ``.eval_results`` file, where it was written.
    model_pull_request : str or None
        Address of the pull request in the model's repository.
    notes : tuple of str
        What else the submitter should know.
    """

    finding: Finding
    files: Mapping[str, Path]
    pull_request: str | None = None
    opened: bool = False
    model_file: Path | None = None
    model_pull_request: str | None = None
    notes: tuple[str, ...] = ()


def submit(config: SubmitConfig) -> SubmitReport:
    """Check a result as the leaderboard will, and propose it in a pull request.

    Run again, it finds the pull request that is open and opens no second one.

    Parameters
    ----------
    config : SubmitConfig
        What to send where.

    Raises
    ------
    ResultError
        If the checks find a problem: the sentence names the first.
    PublishError
        If the Hub cannot be reached or refuses, or the board has this entry already.
    """
    submission = place_submission(config.folder, config.submission, config.name)
    token = token_or_none()
    if token is None and not config.dry_run:
        raise PublishError(
            "there is no Hub token: run `hf auth login` or set HF_TOKEN; any account may submit"
        )
    accepted, notes = fetch_accepted(config.repo_id, offline=config.dry_run)
    finding = check_submission(config.folder, accepted)
    if finding.problems:
        others = len(finding.problems) - 1
        more = f" (and {counted(others, 'more problem')})" if others else ""
        raise ResultError(f"{finding.problems[0]}{more}; nothing was sent")
    report = SubmitReport(
        finding=finding,
        files={f"{finding.place}/{name}": config.folder / name for name in FILES},
        notes=notes,
    )
    report = _write_model_file(config, report)
    if config.dry_run:
        return report
    return _send(config, submission, report)


def place_submission(folder: Path, given: Path | None = None, name: str | None = None) -> Submission:
    """Read a submission, and copy it into the result's folder if it is another file or gets another name."""
    target = folder / SUBMISSION_NAME
    if not folder.is_dir():
        raise ResultError(f"{folder} is not the folder of a result")
    if given is None and not target.is_file():
        raise ResultError(
            f"{target} is missing",
            remedy=[
                Remedy("write one to fill in with {init}", init=True),
                Remedy("give the file with {submission}"),
                Remedy("describe the model with {name}, {organisation} and so on; see the help"),
            ],
        )
    source = target if given is None else given
    submission = read_submission(source)
    wanted = submission if name is None else renamed(submission, name)
    if wanted != submission or source.resolve() != target.resolve():
        write_submission(target, wanted)
    return wanted


def fetch_accepted(repo_id: str, *, offline: bool) -> tuple[Accepted | None, tuple[str, ...]]:
    """Fetch what a board accepts; without it the board's own checks decide.

    Parameters
    ----------
    repo_id : str
        ORG/NAME of the board's repository.
    offline : bool
        Whether a Hub that cannot be reached is a note rather than an error.

    Returns
    -------
    (Accepted or None, tuple of str)
        What is accepted, and notes on what could not be checked.
    """
    from huggingface_hub import hf_hub_download  # noqa: PLC0415  (slow to import)
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError  # noqa: PLC0415

    unknown = f"fingerprints were not checked: {repo_id} has no {ACCEPTED_NAME}"
    try:
        with explained(repo_id, PublishError):
            try:
                path = hf_hub_download(repo_id, ACCEPTED_NAME, repo_type="dataset")
            except LocalEntryNotFoundError:
                raise
            except EntryNotFoundError:
                return None, (unknown,)
    except PublishError as error:
        cause = error.__cause__
        if offline and cause is not None and unreachable(cause):
            return None, (f"fingerprints were not checked: {error}",)
        raise
    return read_accepted(Path(path)), ()


def _write_model_file(config: SubmitConfig, report: SubmitReport) -> SubmitReport:
    """Write the model's own evaluation file beside the result."""
    from huggingface_hub import HfApi  # noqa: PLC0415

    result = read_result(config.folder)
    name = config.benchmark_repo or result.run.benchmark.name.partition("@")[0]
    if not REPO_ID.fullmatch(name):
        if config.model_repo is not None:
            raise ConfigError(
                f"the result was scored on {name!r}, which is not a repository",
                remedy=Remedy("name the repository with {benchmark_repo}, for the model's file"),
            )
        note = f"{MODEL_EVAL_PATH} was not written, because the scored benchmark is not a repository"
        return replace(report, notes=(*report.notes, note))
    url = f"{HfApi().endpoint}/datasets/{config.repo_id}/tree/main/{report.finding.place}"
    target = config.folder / MODEL_EVAL_PATH
    write_atomic(target, model_eval_yaml(result, name, url).encode())
    return replace(report, model_file=target)


def _send(config: SubmitConfig, submission: Submission, report: SubmitReport) -> SubmitReport:
    from huggingface_hub import HfApi  # noqa: PLC0415

    api = HfApi(token=True)
    fingerprint = str(report.finding.place).rsplit("/", 1)[1]
    title = f"{submission.name[:80]} ({submission.organisation[:80]}), {fingerprint}"
    said = [f"Checked with medimeta-c before it was sent: {len(FILES)} files at {report.finding.place}."]
    said += [f"Note: {note}." for note in report.finding.notes]
    with explained(config.repo_id, PublishError):
        url, opened = _propose(api, config.repo_id, "dataset", report.files, title, "\n".join(said))
    report = replace(report, pull_request=url, opened=opened)
    if config.model_repo is not None and report.model_file is not None:
        files = {MODEL_EVAL_PATH: report.model_file}
        with explained(config.model_repo, PublishError):
            url, _ = _propose(
                api, config.model_repo, "model", files, "Add MediMeta-C results", f"Full result: {url}"
            )
        report = replace(report, model_pull_request=url)
    return report


def _propose(  # noqa: PLR0913, PLR0917  (what a pull request is made of)
    api: HfApi, repo_id: str, kind: str, files: Mapping[str, Path], title: str, text: str
) -> tuple[str, bool]:
    """Open a pull request that adds files, unless one is open; return its address and whether it is new."""
    from huggingface_hub import CommitOperationAdd  # noqa: PLC0415

    if _holds(api, repo_id, kind, files, None):
        raise PublishError(f"{repo_id} holds exactly these files already: there is nothing to submit")
    found = _open(api, repo_id, kind, files, title)
    if found is not None:
        return found, False
    operations = [CommitOperationAdd(path, source) for path, source in files.items()]
    try:
        made = api.create_commit(
            repo_id,
            operations=operations,
            commit_message=title,
            commit_description=text,
            repo_type=kind,
            create_pr=True,
        )
    except network_errors():
        found = _open(api, repo_id, kind, files, title)  # the answer may have been lost after the commit
        if found is None:
            raise
        return found, True
    return str(made.pr_url), True


def _open(api: HfApi, repo_id: str, kind: str, files: Mapping[str, Path], title: str) -> str | None:
    """Return the address of the open pull request that proposes exactly these files."""
    for one in api.get_repo_discussions(
        repo_id, repo_type=kind, discussion_type="pull_request", discussion_status="open"
    ):
        if one.title == title and _holds(api, repo_id, kind, files, str(one.git_reference)):
            return str(one.url)
    return None


def _holds(api: HfApi, repo_id: str, kind: str, files: Mapping[str, Path], revision: str | None) -> bool:
    """Return whether a revision has all of the files, with the same bytes."""
    from huggingface_hub.hf_api import RepoFile  # noqa: PLC0415

    entries = api.get_paths_info(repo_id, list(files), repo_type=kind, revision=revision)
    there = {entry.path: RemoteFile.of(entry) for entry in entries if isinstance(entry, RepoFile)}
    return all(
        path in there and there[path].holds(LocalFile.of(path, source)) for path, source in files.items()
    )
