"""Change texts: JSON, YAML, CSV, lines."""

from __future__ import annotations

import base64
import contextlib
import csv
import io
import json
import random
import re
from typing import Any

import yaml

from fuzz_mutators.values import any_value, changed_tree, flip, nudged

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""The safe ones of libyaml, where PyYAML was built with it."""

_BOMB = "a: &a [0,0,0,0,0,0,0,0,0]\n" + "".join(
    f"{two}: &{two} [{','.join([f'*{one}'] * 9)}]\n" for one, two in zip("abcde", "bcdef", strict=True)
)
"""A text of YAML whose aliases stand for half a million values."""


def json_values(data: bytes, draw: random.Random) -> bytes:
    """Change the values of a JSON text."""
    changed = changed_tree(json.loads(data), draw)
    text = json.dumps(changed, ensure_ascii=draw.random() < 0.5)
    if draw.random() < 0.06:
        text = draw.choice(
            (
                text.replace("{", '{"a":1,"a":2,', 1),
                text.replace("[", "[" * 70, 1).replace("]", "]" * 70, 1),
                text.replace(": ", ": [" + "[" * 20_000, 1),
                re.sub(r": -?[0-9][^,}]*", draw.choice((": NaN", ": -Infinity", ": 1e999")), text, count=1),
            )
        )
    return text.encode("utf-8", "surrogatepass")


def yaml_values(data: bytes, draw: random.Random) -> bytes:
    """Change the values of a YAML text; of a Markdown file with such a head, those of the head."""
    text = data.decode()
    if _BOMB in text:  # which would be written out
        return flip(data, draw)
    head, mark, rest = ("", "", text) if not text.startswith("---\n") else text.partition("---\n")
    body, end, tail = rest.partition("\n---\n") if mark else (rest, "", "")
    # Through JSON, which refuses an alias of its own holder.
    plain = json.loads(json.dumps(yaml.load(body, Loader), default=str))
    changed = changed_tree(plain, draw)
    with contextlib.suppress(yaml.YAMLError):
        body = yaml.dump(changed, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    if draw.random() < 0.1:
        body += draw.choice(
            (
                *("a: &a [*a]\n", "<<: {a: 1}\n", "? [a]\n: b\n", "!!python/name:os.system a\n"),
                *("a: b: c\n", "a: 1\na: 2\n", "a: 2026-01-01\n", "a: .nan\n", 'a: "\\ud800"\n'),
                *("a: &a [0, 0]\nb: *a\n", f"a: {'[' * 70}{']' * 70}\n", _BOMB),
            )
        )
    return (head + mark + body + end + tail).encode()


def table_text(data: bytes, draw: random.Random) -> bytes:
    """Change cells, rows or columns of a CSV text."""
    rows = list(csv.reader(io.StringIO(data.decode())))
    row = draw.randrange(len(rows))
    match draw.randrange(6):
        case 0:
            rows.insert(row, list(rows[row]))
        case 1:
            del rows[row]
        case 2:
            column = draw.randrange(len(rows[0]))
            rows = [[*line[:column], *line[column + 1 :]] for line in rows]
        case 3:
            rows = [[*line, line[0] if line else ""] for line in rows]
        case _ if rows[row]:
            column = draw.randrange(len(rows[row]))
            rows[row][column] = str(draw.choice((nudged(rows[row][column], draw), any_value(draw))))
    stream = io.StringIO()
    csv.writer(stream, lineterminator=draw.choice(("\n", "\r\n"))).writerows(rows)
    return stream.getvalue().encode()


def lines(data: bytes, draw: random.Random) -> bytes:
    """Change, drop, repeat or swap the lines of a text."""
    texts = data.decode().split("\n")
    place = draw.randrange(len(texts))
    if draw.random() < 0.3:
        with contextlib.suppress(ValueError):
            texts[place] = base64.b64encode(
                flip(base64.b64decode(texts[place], validate=True), draw)
            ).decode()
            return "\n".join(texts).encode()
    texts[place : place + 1] = draw.choice(
        (
            [],
            [texts[place]] * 2,
            [nudged(texts[place], draw)],
            [draw.choice(texts)],
            [str(any_value(draw))],
        )
    )
    return "\n".join(texts).encode()
