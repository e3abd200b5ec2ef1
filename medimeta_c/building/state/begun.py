"""The record of what an unfinished build was started with."""

from __future__ import annotations

from typing import Annotated

from medimeta_c.format.dataset import DatasetRecord
from medimeta_c.format.manifest.records import PluginRecord, Protocol, SuiteRecord
from medimeta_c.format.parts import Division
from medimeta_c.io.records import Record, Since
from medimeta_c.io.text import Title

__all__ = ["Begun"]


class Begun(Record):
    """What an unfinished build was started with."""

    protocol: Protocol
    sources: dict[str, DatasetRecord]
    plugins: Annotated[tuple[PluginRecord, ...], Since(1)] = ()
    limited: Annotated[int | None, Since(1)] = None
    title: Annotated[Title | None, Since(1)] = None
    suite: Annotated[SuiteRecord | None, Since(1)] = None
    encoder: Annotated[str, Since(1)] = ""
    division: Annotated[Division | None, Since(1)] = None
