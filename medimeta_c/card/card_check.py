"""Check that a dataset card can be published: its header is valid and loads exactly the build's shards."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from medimeta_c.card.dataset_card import ASSETS, CARD_NAME
from medimeta_c.card.evalfile import EVAL_NAME, benchmark_eval_yaml
from medimeta_c.card.metadata import configs as default_configs
from medimeta_c.errors import PublishError, ResultError
from medimeta_c.format.manifest.records import Manifest
from medimeta_c.io.reading import Reader

__all__ = ["card_problems", "check_card", "pictures"]

_HEADER = re.compile(r"---\r?\n(.*?)\r?\n---\r?\n", re.DOTALL)
_PICTURE = re.compile(rf"(?<![\w./-]){ASSETS}/([A-Za-z0-9][\w.-]*\.\w+)", re.ASCII)
_AGAIN = "correct it, or build the benchmark again with force to write it again"

_READER = Reader(remedy=_AGAIN, aliases=True)


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
        If the card is missing, has no usable header, or its configurations are not those of the build.
    """
    text, problem = _card(root, manifest)
    if problem:
        raise PublishError(f"{root / CARD_NAME} {problem}")
    return text


def card_problems(root: Path, manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Yield path and fault of the card, and of ``eval.yaml`` if it is there, if it is not the build's."""
    problem = _card(root, manifest)[1]
    if problem:
        yield CARD_NAME, problem
    if not (root / EVAL_NAME).exists():  # a benchmark may be published without it
        return
    wanted = benchmark_eval_yaml(manifest)
    try:
        same = wanted is not None and _unnamed(_READER.values(root / EVAL_NAME)) == _unnamed(
            yaml.safe_load(wanted)
        )
    except ResultError as error:
        yield EVAL_NAME, str(error)
        return
    if not same:
        yield EVAL_NAME, f"its tasks differ from the build's: {_AGAIN}"


def _unnamed(values: Any) -> Any:
    """Return what ``eval.yaml`` holds but for the name, which is text: titles were others once."""
    named = isinstance(values, Mapping) and isinstance(values.get("name"), str)
    return {**values, "name": ""} if named else values


def _card(root: Path, manifest: Manifest) -> tuple[str, str | None]:
    """Return a card's text, and what is wrong with it, if anything."""
    path = root / CARD_NAME
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        return "", "is missing: build the benchmark again with force to write it again"
    except UnicodeDecodeError as error:
        return "", f"is not UTF-8 text ({error}): {_AGAIN}"
    problem = _problem(_header(text), manifest)
    return text, f"does not match this benchmark ({problem}): {_AGAIN}" if problem else None


def pictures(text: str) -> tuple[str, ...]:
    """Return the files of the assets folder that a card shows, relative to the root, each once."""
    return tuple(dict.fromkeys(f"{ASSETS}/{name}" for name in _PICTURE.findall(text)))


def _header(text: str) -> Any:
    """Return what a card's header holds; None if it has none that can be read."""
    found = _HEADER.match(text)
    if not found:
        return None
    try:
        return _READER.parse(found[1].encode(), CARD_NAME, yaml=True)
    except ResultError:
        return None


def _problem(header: Any, manifest: Manifest) -> str | None:
    """Return what is wrong with a card's header, if anything."""
    if not isinstance(header, Mapping):
        return "it does not start with a YAML header"
    configs = header.get("configs")
    if not isinstance(configs, list) or not all(
        isinstance(one, Mapping) and isinstance(one.get("config_name"), str) for one in configs
    ):
        return "its header lists no configurations with names"
    if "dataset_info" in header:  # by which a client would name classes and columns otherwise
        return "its header has a `dataset_info`, which overrides what the shards say"
    shards = [shard.path for one in manifest.sets for shard in one.shards]
    return _left_out(configs, shards) or _difference(configs, default_configs(manifest), shards)


def _left_out(configs: list[Mapping[str, Any]], shards: list[str]) -> str | None:
    """Return which name is given twice, which pattern finds nothing, or which shard nothing loads."""
    names = [one["config_name"] for one in configs]
    if len(set(names)) != len(names) or sum(bool(one.get("default")) for one in configs) > 1:
        return "its header has a duplicate configuration, or two default ones"
    found: set[str] = set()
    for name, pattern in _patterns(configs):
        matching = _matching(shards, pattern)
        if not matching:
            return f"the pattern {pattern!r} of its configuration {name!r} matches no shard"
        found.update(matching)
    left_out = [shard for shard in shards if shard not in found]
    return f"none of its configurations loads {left_out[0]}" if left_out else None


def _difference(
    configs: list[Mapping[str, Any]], wanted: list[dict[str, Any]], shards: list[str]
) -> str | None:
    """Return how the configurations of a card differ from those of the build; None if they agree."""
    given = {one["config_name"]: one for one in configs}
    implied = {one["config_name"]: one for one in wanted}
    if other := sorted(given.keys() ^ implied.keys()):
        return f"only its header or only the build has a configuration {other[0]!r}"
    for name, own in implied.items():
        if _loads(given[name], shards) != _loads(own, shards) or given[name].keys() - own.keys() - {
            "default"
        }:
            return f"its configuration {name!r} loads other files or has other settings than the build's"
        if bool(given[name].get("default")) != bool(own.get("default")):
            return f"its default configuration differs from the build's (see {name!r})"
    return None


def _loads(config: Mapping[str, Any], shards: list[str]) -> dict[str, set[str]]:
    """Return the shards that a configuration loads, by split."""
    loaded: dict[str, set[str]] = {}
    entries = config.get("data_files")
    for entry in entries if isinstance(entries, list) else [entries]:
        split = str(entry.get("split", "")) if isinstance(entry, Mapping) else ""
        for _, pattern in _patterns([{"config_name": "", "data_files": [entry]}]):
            loaded.setdefault(split, set()).update(_matching(shards, pattern))
    return loaded


def _matching(shards: list[str], pattern: str) -> list[str]:
    """Return the shards that a pattern matches; as for a client, no `*` crosses a slash."""
    parts = pattern.split("/")
    return [
        shard
        for shard in shards
        if len(own := shard.split("/")) == len(parts) and all(map(fnmatchcase, own, parts))
    ]


def _patterns(configs: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield every file pattern of every configuration; `data_files` has the forms that `datasets` reads."""
    for config in configs:
        entries = config.get("data_files")
        for entry in entries if isinstance(entries, list) else [entries]:
            paths = entry.get("path") if isinstance(entry, Mapping) else entry
            for path in paths if isinstance(paths, list) else [paths]:
                yield config["config_name"], str(path)
