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
    repo: Annotated[str, typer.Option(help="Dataset repository, ORG/NAME; created if it does not exist.")],
    where: FolderArgument = None,
    benchmark: BenchmarkOption = None,
    private: Annotated[bool, typer.Option("--private", help="Create the repository as private.")] = False,
    pr: Annotated[
        bool, typer.Option("--pr", help="Open a pull request instead; needs no write access, sets no tag.")
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Also push a benchmark that lacks sets of its suite.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would be sent and removed; change nothing.")
    ] = False,
    tag: Annotated[
        str | None,
        typer.Option(
            help="Tag of this version; default: v followed by the benchmark's version.", show_default=False
        ),
    ] = None,
    jobs: JobsOption = -1,
    json: JsonOption = False,
) -> None:
    """Publish a built benchmark as a dataset repository on the Hugging Face Hub.

    Verifies the benchmark, sends files that are new or changed in one commit, and tags it. After an
    interruption, run the same command again to resume. The token comes from HF_TOKEN or `hf auth login`.

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
                stack.close()  # from here on, huggingface_hub shows its own progress bars

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
    state = {True: "", False: " (would be created)", None: " (not reached: every file is listed as new)"}
    console.say(
        f"would send {len(report.plan.send)} files, {_size(report.plan.bytes)}, and remove "
        f"{len(report.plan.remove)}; {len(report.plan.unchanged)} are already there"
    )
    console.say(f"to {report.url}{state[report.exists]}{f', tag {report.tag}' if report.tag else ''}")


def _say_done(report: PushReport) -> None:
    plan = report.plan
    if plan.empty:
        holder = (
            "an open pull request already proposes" if report.pull_request else "the repository already holds"
        )
        console.say(f"nothing to send: {holder} all {len(plan.unchanged)} files")
    else:
        console.say(
            f"sent {len(plan.send)} files, {_size(plan.bytes)}, and removed {len(plan.remove)}; "
            f"{len(plan.unchanged)} were already there"
        )
    others = [path for path in plan.other if path != ".gitattributes"]  # every repository has it
    if others:
        console.say(f"other files, not changed: {', '.join(others)}")
    console.say(f"fingerprint {report.manifest.fingerprint}")
    if report.pull_request:
        console.say(f"pull request {report.pull_request}")
        console.say("after it is merged, run the same command without --pr to tag the version")
        return
    if report.tag:
        console.say(f"tag {report.tag} at commit {str(report.tagged)[:12]}")
    console.say(report.url)


def _size(count: int) -> str:
    from rich.filesize import decimal

    return decimal(count)
