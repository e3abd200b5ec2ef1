"""``medimeta-c demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medimeta_c.cli import console
from medimeta_c.cli.options import JobsOption

__all__ = ["demo"]


def demo(
    out: Annotated[Path, typer.Option(help="Folder of the demo.")] = Path("medimeta-c-demo"),
    jobs: JobsOption = -1,
) -> None:
    """Build and verify the benchmark on synthetic images: no data, no network, under two minutes.

    [b]Examples[/b]

      medimeta-c demo --out demo
    """
    from medimeta_c.building.build import BuildConfig
    from medimeta_c.building.build import build as run_build
    from medimeta_c.building.verification import verify as run_verify
    from medimeta_c.errors import VerificationError

    root, data = out.expanduser() / "phantoms", out.expanduser() / "data"
    config = BuildConfig(datasets=("all",), source="phantoms", out=root, data_dir=data, jobs=jobs)
    with console.counting("images") as show:
        report = run_build(config, on_progress=console.by_sets("building", show))
    with console.counting("images") as show:
        check = run_verify(
            root,
            rebuild=2,
            data_dir=data,
            jobs=jobs,
            on_progress=lambda done, total: show("verifying", done, total),
        )
    if not check.ok:
        raise VerificationError(f"{root} does not verify: {check.problems[0]}")
    console.say(
        f"built and verified {check.sets} sets with {check.images} synthetic images (phantoms) in {root}"
    )
    console.say(f"fingerprint {report.manifest.fingerprint}")
    console.say(f"dataset card: {root / 'README.md'}")
    for figure in sorted((root / "assets").glob("*.png")):
        console.say(f"figure: {figure}")
