"""The YAML block of a README, and eval.yaml: reading them, and the checks that the Hub makes of them."""

from __future__ import annotations

import re
from typing import Any

import yaml

_LICENSES = """
apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd
bsd-2-clause bsd-3-clause c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0
cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0
cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0
wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1
lgpl-3.0 isc ms-pl mpl-2.0 odc-by odbl osl-3.0 pddl postgresql ncsa unlicense zlib unknown other
"""
LICENSES = frozenset(_LICENSES.split())
"""Licence ids the Hub knows (the general ones; those of single model families are left out)."""


def front_matter(readme: str) -> str | None:
    """The text between the two ``---`` lines a card starts with, or None if it has no such block."""
    found = re.match(r"\s*---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|$)", readme, re.DOTALL)
    return found[1] if found else None


def card_data(readme: str) -> dict[str, Any]:
    """The metadata of a card; empty when there is none or it does not parse."""
    try:
        data = yaml.safe_load(front_matter(readme) or "")
    except yaml.YAMLError:
        return {}
    return data if isinstance(data, dict) else {}


def validate_card(readme: str, kind: str) -> tuple[list[str], list[str]]:
    """Return errors and warnings on the metadata of a card."""
    block = front_matter(readme)
    if block is None:
        return [], ["empty or missing yaml metadata in repo card"]
    try:
        data = yaml.safe_load(block)
    except yaml.YAMLError as error:
        return [f"YAML Metadata Error: {error}"], []
    if not isinstance(data, dict):
        return ["YAML Metadata Error: the metadata is not a mapping"], []
    errors = [*_license_errors(data), *_language_errors(data)]
    if kind == "dataset":
        errors += _config_errors(data)
    return errors, []


def validate_eval(text: str) -> list[str]:
    """Return errors of a benchmark's eval.yaml, which the Hub checks when it is pushed."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        return [f"eval.yaml: {error}"]
    if not isinstance(data, dict):
        return ["eval.yaml is not a mapping"]
    fields = ("name", "description", "evaluation_framework")
    errors = [f"Invalid input at {name}" for name in fields if not isinstance(data.get(name), str)]
    tasks = _as_list(data.get("tasks"))
    if not tasks or not all(isinstance(one, dict) and isinstance(one.get("id"), str) for one in tasks):
        return [*errors, "Invalid input at tasks"]
    if len({one["id"] for one in tasks}) != len(tasks):
        errors.append("a task is there twice")
    for name in ("config", "split"):
        if not all(isinstance(one.get(name, ""), str) for one in tasks):
            errors.append(f"Invalid input at tasks.{name}")
    return errors


def _as_list(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _license_errors(data: dict[str, Any]) -> list[str]:
    return [
        f'"license" must be one of the known ids, not {v!r}'
        for v in _as_list(data.get("license"))
        if str(v) not in LICENSES
    ]


def _language_errors(data: dict[str, Any]) -> list[str]:
    codes = _as_list(data.get("language"))
    return [
        f'"language" must be an ISO 639 code, not {c!r}'
        for c in codes
        if not re.fullmatch(r"[a-z]{2,3}(-.+)?", str(c))
    ]


def _config_errors(data: dict[str, Any]) -> list[str]:
    configs = data.get("configs")
    if configs is None:
        return []
    if not isinstance(configs, list) or not all(isinstance(c, dict) for c in configs):
        return ['"configs" must be a list of mappings']
    errors = [
        f'"configs[{i}].config_name" is required' for i, c in enumerate(configs) if not c.get("config_name")
    ]
    names = [str(c.get("config_name") or "") for c in configs]
    errors += [
        f'"configs" has {name!r} twice' for name in sorted({n for n in names if n and names.count(n) > 1})
    ]
    if sum(bool(c.get("default")) for c in configs) > 1:
        errors.append('"configs" may have only one "default: true"')
    for i, config in enumerate(configs):
        files = _as_list(config.get("data_files"))
        if not all(isinstance(f, str) or (isinstance(f, dict) and f.get("path")) for f in files):
            errors.append(f'"configs[{i}].data_files" must be paths or mappings with "split" and "path"')
    return errors
