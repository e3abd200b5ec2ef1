"""Whether a dataset card can be published: its header is usable and loads exactly the shards there are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from medimeta_c.card.dataset_card import ASSETS, CARD_NAME
from medimeta_c.errors import PublishError, ResultError
from medimeta_c.format.manifest import Manifest
from medimeta_c.io.reading import Reader

__all__ = ["check_card", "pictures"]

_HEADER = re.compile(r"---\r?\n(.*?)\r?\n---\r?\n", re.DOTALL)
_PICTURE = re.compile(rf"(?<![\w./-]){ASSETS}/([A-Za-z0-9][\w.-]*\.\w+)", re.ASCII)
_AGAIN = "correct it, or run the same `medimeta-c build` command with --force to have it written again"


def check_card(root: Path, manifest: Manifest) -> str:
    """Return the text of the dataset card if a repository with it would load what was built.

    Parameters
    ----------
    root : Path
        The benchmark's directory.
    manifest : Manifest
        What was built.

    Raises
    ------
    PublishError
        If the card is missing, has no usable header, or its configurations leave out shards or find none.
    """
    path = root / CARD_NAME
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        raise PublishError(
            f"{path} is missing: run the same `medimeta-c build` command with --force"
        ) from None
    except UnicodeDecodeError as error:
        raise PublishError(f"{path} is not UTF-8 text ({error}): {_AGAIN}") from error
    problem = _problem(_header(text), [shard.path for one in manifest.sets for shard in one.shards])
    if problem:
        raise PublishError(f"{path} is no card of this benchmark, {problem}: {_AGAIN}")
    return text


def pictures(text: str) -> tuple[str, ...]:
    """Return the files of the assets folder that a card shows, relative to the root, each once."""
    return tuple(dict.fromkeys(f"{ASSETS}/{name}" for name in _PICTURE.findall(text)))


def _header(text: str) -> Any:
    """Return what a card's header holds; None if it has none that can be read."""
    found = _HEADER.match(text)
    if not found:
        return None
    try:
        return Reader(remedy=_AGAIN, aliases=True).parse(found[1].encode(), CARD_NAME, yaml=True)
    except ResultError:
        return None


def _problem(header: Any, shards: list[str]) -> str | None:
    """Return what is wrong with a card's header, if anything."""
    if not isinstance(header, Mapping):
        return "it does not start with a YAML header"
    configs = header.get("configs")
    if not isinstance(configs, list) or not all(
        isinstance(one, Mapping) and isinstance(one.get("config_name"), str) for one in configs
    ):
        return "its header lists no configurations with names"
    names = [one["config_name"] for one in configs]
    if len(set(names)) != len(names) or sum(bool(one.get("default")) for one in configs) > 1:
        return "its header gives a configuration's name, or the default one, twice"
    found: set[str] = set()
    for name, pattern in _patterns(configs):
        matching = [shard for shard in shards if fnmatchcase(shard, pattern)]
        if not matching:
            return f"its configuration {name!r} wants {pattern!r}, which no shard matches"
        found.update(matching)
    left_out = [shard for shard in shards if shard not in found]
    return f"no configuration of it loads {left_out[0]}" if left_out else None


def _patterns(configs: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield every file pattern of every configuration; `data_files` has the forms that `datasets` reads."""
    for config in configs:
        entries = config.get("data_files")
        for entry in entries if isinstance(entries, list) else [entries]:
            paths = entry.get("path") if isinstance(entry, Mapping) else entry
            for path in paths if isinstance(paths, list) else [paths]:
                yield config["config_name"], str(path)
