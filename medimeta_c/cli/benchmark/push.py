"""``medimeta-c push``."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medimeta_c.cli import console
from medimeta_c.cli.options import BenchmarkOption, FolderArgument, JobsOption, JsonOption, benchmark_of

if TYPE_CHECKING:
    from medimeta_c.hub import PushReport

__all__ = ["push"]


def push(
    repo: Annotated[str, typer.Option(help="Dataset repository, ORG/NAME; created if it is not there.")],
    where: FolderArgument = None,
    benchmark: BenchmarkOption = None,
    private: Annotated[bool, typer.Option("--private", help="Create the repository private.")] = False,
    pr: Annotated[
        bool, typer.Option("--pr", help="Open a pull request instead; needs no write access, tags nothing.")
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Push also a benchmark that lacks sets of its suite.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would be sent and removed; change nothing.")
    ] = False,
    tag: Annotated[
        str | None,
        typer.Option(help="Tag of this version; default: v and the benchmark's version.", show_default=False),
    ] = None,
    jobs: JobsOption = -1,
    json: JsonOption = False,
) -> None:
    """Publish a built benchmark as a dataset repository on the Hugging Face Hub.

    Verifies first, sends what the repository lacks in one commit, and tags it. Interrupted, the same command
    goes on where it stopped; finished, it sends nothing. The token is that of HF_TOKEN or `hf auth login`.

    [b]Examples[/b]

      medimeta-c push MediMeta-C --repo my-org/MediMeta-C --dry-run

      medimeta-c push MediMeta-C --repo my-org/MediMeta-C --private

      medimeta-c push MediMeta-C --repo their-org/MediMeta-C --pr
    """
    from medimeta_c.hub import PushConfig
    from medimeta_c.hub import push as run
    from medimeta_c.io.hub_client import settle_client

    config = PushConfig(
        root=Path(benchmark_of(where, benchmark)),
        repo_id=repo,
        private=private,
        pull_request=pr,
        partial=partial,
        dry_run=dry_run,
        tag=tag,
        jobs=jobs,
    )
    settle_client()
    with contextlib.ExitStack() as stack:
        show = stack.enter_context(console.counting("images"))

        def on_verified(done: int, total: int) -> None:
            show("verifying", done, total)
            if done >= total:
                stack.close()  # the Hub's client draws its own bars from here on

        report = run(config, on_verified=on_verified, show_transfer=sys.stderr.isatty())
    if json:
        console.say_json(_values(report))
    elif dry_run:
        _say_plan(report)
    else:
        _say_done(report)


def _values(report: PushReport) -> dict[str, Any]:
    return {
        "url": report.url,
        "dry_run": report.dry_run,
        "fingerprint": report.manifest.fingerprint,
        "repository_existed": report.exists,
        "commit": report.commit,
        "tag": report.tag,
        "tagged_commit": report.tagged,
        "pull_request": report.pull_request,
        "sent": [{"path": file.path, "bytes": file.bytes} for file in report.plan.send],
        "sent_bytes": report.plan.bytes,
        "removed": list(report.plan.remove),
        "unchanged": len(report.plan.unchanged),
        "left_alone": list(report.plan.other),
    }


def _say_plan(report: PushReport) -> None:
    for file in report.plan.send:
        console.say(f"send    {_size(file.bytes):>10}  {file.path}")
    for path in report.plan.remove:
        console.say(f"remove              {path}")
    state = {True: "", False: " (would be created)", None: " (not reached, so compared with nothing)"}
    console.say(
        f"would send {len(report.plan.send)} files, {_size(report.plan.bytes)}, and remove "
        f"{len(report.plan.remove)}; {len(report.plan.unchanged)} are there already"
    )
    console.say(f"to {report.url}{state[report.exists]}{f', tag {report.tag}' if report.tag else ''}")


def _say_done(report: PushReport) -> None:
    plan = report.plan
    if plan.empty:
        holder = "an open pull request proposes" if report.pull_request else "the repository holds"
        console.say(f"nothing to send: {holder} this build already, all {len(plan.unchanged)} files")
    else:
        console.say(
            f"sent {len(plan.send)} files, {_size(plan.bytes)}, and removed {len(plan.remove)}; "
            f"{len(plan.unchanged)} were there already"
        )
    others = [path for path in plan.other if path != ".gitattributes"]  # every repository has it
    if others:
        console.say(f"left alone: {', '.join(others)}")
    console.say(f"fingerprint {report.manifest.fingerprint}")
    if report.pull_request:
        console.say(f"pull request {report.pull_request}")
        console.say("once it is merged, the same command without --pr tags the version")
        return
    if report.tag:
        console.say(f"tag {report.tag} at commit {str(report.tagged)[:12]}")
    console.say(report.url)


def _size(count: int) -> str:
    from rich.filesize import decimal

    return decimal(count)
