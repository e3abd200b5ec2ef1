"""Every code block of the README and the docs is run, or says why not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from blocks import PAGES, REPO, RUN, SHOWN, Block, Reader, blocks_of, indented_code

RUNNING = [page for page in PAGES if any(one.language in RUN and not one.skip for one in blocks_of(page))]
SKIPPED = [one for page in PAGES for one in blocks_of(page) if one.skip]


def name(page: Path) -> str:
    return str(page.relative_to(REPO))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_is_fenced_and_of_a_known_language(page: Path) -> None:
    """Nothing that looks like code escapes the tests; YAML and JSON parse."""
    assert not indented_code(page), f"{name(page)}: lines {indented_code(page)} are code without a fence"
    for block in blocks_of(page):
        assert block.language in (*RUN, *SHOWN), f"{block.place}: language {block.language!r}"
        if block.language == "yaml":
            yaml.safe_load(block.code)
        if block.language == "json":
            json.loads(block.code)
        if block.skip or block.file:
            assert block.language in (*RUN, "toml", "yaml"), (
                f"{block.place}: a note on a block that is not run"
            )


@pytest.mark.slow
@pytest.mark.parametrize("page", RUNNING, ids=name)
def test_the_code_of_a_page_runs(page: Path, reader: Reader) -> None:
    """Block after block, in one folder, as a reader would."""
    blocks = blocks_of(page)
    for block in blocks:
        if block.file:
            path = reader.folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.code, encoding="utf-8")
    todo = [
        (one.place, one.language, one.code)
        for one in blocks
        if one.language in RUN and not one.skip and not one.file
    ]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("driver.py"))],
        input=json.dumps(todo),
        cwd=reader.folder,
        env=reader.environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    missing = [block.place for block in blocks if block.output and block.code not in done.stdout]
    assert not missing, done.stdout[-3000:]


def test_the_plain_classifier_of_the_docs_reads_grey_sets(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The readers' folder above has colour alone; here one dataset of two is grey."""
    (tmp_path / "MediMeta-C").symlink_to(built)
    monkeypatch.chdir(tmp_path)
    (block,) = (one for one in blocks_of(REPO / "docs" / "evaluation.md") if "def errors" in one.code)
    names: dict[str, Any] = {}
    exec(block.code, names)
    bench = names["bench"]
    assert {next(bench.batches(key)).images[0].ndim for key in bench.sets} == {2, 3}
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(bench.datasets)
    assert all(float(line.split("mCE ")[1]) > 0 for line in lines)


@pytest.mark.parametrize("block", SKIPPED, ids=[one.place for one in SKIPPED])
def test_blocks_that_are_not_run(block: Block) -> None:
    """Reported as skipped, with the reason the page gives."""
    pytest.skip(block.skip)
