"""``medimeta-c corruptions``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medimeta_c.cli import console
from medimeta_c.cli.common import prints_tables
from medimeta_c.cli.options import ALL, JsonOption, ProfileOption, SuiteOption, several
from medimeta_c.format.suite import CORE

if TYPE_CHECKING:
    from medimeta_c.format.suites import Suite
    from medimeta_corruptions import Corruption

__all__ = ["corruptions"]


@prints_tables
def corruptions(
    suite: SuiteOption = CORE.name,
    profile: ProfileOption = None,
    corruption: Annotated[
        list[str],
        several("[b]all[/b] of the suite or profile, or some, comma-separated.", completed="corruption"),
    ] = ALL,
    strip: Annotated[
        Path | None,
        typer.Option(
            help="Image file; draw it clean and under each corruption and severity, instead of a table.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="The PNG file that --strip draws.")] = Path("strip.png"),
    seed: Annotated[int, typer.Option(help="Root seed of what --strip draws.")] = 0,
    window: Annotated[
        str | None,
        typer.Option(
            help="How an image of more than 8 bits is reduced to 8 bits: LOW,HIGH, percentiles or full.",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """List a suite's corruptions: parameters, sources and assumptions; or draw what they do to an image.

    [b]Examples[/b]

      medimeta-c corruptions

      medimeta-c corruptions --suite clinical --profile radiograph

      medimeta-c corruptions --suite clinical --profile radiograph --strip thorax.png --out strip.png
    """
    from medimeta_c.format.suites import SUITES

    chosen = SUITES.find(suite)
    shown = _shown(chosen, profile, corruption)
    if strip is not None:
        _draw(strip.expanduser(), out.expanduser(), shown, chosen, seed=seed, window=window)
        console.say_json({"strip": str(out)}) if json else console.say(str(out))
        return
    if json:
        console.say_json(
            {
                "suite": chosen.name,
                "version": chosen.version,
                "digest": chosen.digest,
                "profiles": {name: list(names) for name, names in chosen.profiles.items()},
                "corruptions": [_values(one, chosen) for one in shown],
            }
        )
        return
    _tables(shown, chosen)


def _shown(suite: Suite, profile: str | None, asked: list[str]) -> list[Corruption]:
    """Return the corruptions asked for, in the suite's order."""
    from medimeta_c.errors import unknown_name
    from medimeta_c.format.keys import check_distinct
    from medimeta_corruptions import get

    names = suite.corruptions if profile is None else suite.corruptions_of("these images", profile)
    if asked != ALL:
        check_distinct("corruption", asked)
        if strange := [name for name in asked if name not in names]:
            raise unknown_name("corruption", strange[0], names)
        names = tuple(name for name in names if name in asked)
    return [get(name) for name in names]


def _profiles(one: Corruption, suite: Suite) -> list[str]:
    return [name for name, names in suite.profiles.items() if one.name in names]


def _values(one: Corruption, suite: Suite) -> dict[str, object]:
    return {
        "corruption": one.name,
        "category": one.category,
        "profiles": _profiles(one, suite),
        "channels": one.channels,
        "description": one.description,
        "parameter": one.parameter,
        "parameters": list(one.parameters),
        "stochastic": one.stochastic,
        "domain": one.domain,
        "assumptions": one.assumptions,
        "source": one.source,
        "version": one.version,
    }


def _tables(shown: list[Corruption], suite: Suite) -> None:
    from medimeta_c.io.tables.table import UNDEFINED, Column, Table, texts

    console.show(
        Table(
            name=f"Corruptions of the suite {suite.name} {suite.version}",
            columns=(
                Column("corruption", "label"),
                *(Column(name, "text") for name in ("what", "parameter")),
            ),
            rows=tuple(
                texts(one.name, one.description, f"{one.parameter}: {'; '.join(one.labels)}") for one in shown
            ),
        )
    )
    if any(one.source for one in shown):
        console.show(
            Table(
                name="Where they come from, and what they take for granted",
                columns=(
                    Column("corruption", "label"),
                    *(Column(name, "text") for name in ("profiles", "source", "assumptions")),
                ),
                rows=tuple(
                    texts(
                        one.name,
                        ", ".join(_profiles(one, suite)) or UNDEFINED,
                        one.source or UNDEFINED,
                        one.assumptions or UNDEFINED,
                    )
                    for one in shown
                ),
            )
        )


def _draw(
    image: Path, out: Path, shown: list[Corruption], suite: Suite, *, seed: int, window: str | None
) -> None:
    from medimeta_c.building.strip import strip
    from medimeta_c.errors import ConfigError, Remedy
    from medimeta_c.format import png
    from medimeta_c.io.files import write_atomic
    from medimeta_c.sources.pictures import Window, read_picture

    if out.resolve() == image.resolve():
        raise ConfigError(
            f"{out} is the image itself and would be overwritten", remedy=Remedy("choose another {out}")
        )
    picture = read_picture(image, window=None if window is None else Window.parse(window))
    write_atomic(out, png.encode(strip(picture, shown, suite, seed=seed)))
