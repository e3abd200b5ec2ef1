"""Template sets: the registry of shipped and added ones, and the reader of a user's file."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from medimeta_c.errors import ConfigError
from medimeta_c.format.keys import check_name
from medimeta_c.io.reading import Reader
from medimeta_c.io.records import Record
from medimeta_c.prompts.texts import check_template, check_text
from medimeta_corruptions.registry import Registry

__all__ = ["PROMPTS", "DatasetWords", "PromptSet", "read_prompt_file"]


def _each_once(templates: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(templates)) != len(templates):
        raise ValueError("duplicate template, which would count double: remove one")
    return templates


Words = Annotated[str, AfterValidator(check_text)]
Templates = Annotated[
    tuple[Annotated[str, AfterValidator(check_template)], ...],
    Field(min_length=1),
    AfterValidator(_each_once),
]
DatasetName = Annotated[str, AfterValidator(lambda name: check_name("dataset", name))]


class DatasetWords(Record):
    """What a template set says of one dataset.

    Parameters
    ----------
    modality : str
        Words for ``{modality}``; empty where the set does not say.
    templates : tuple of str
        Templates of this dataset alone; empty where it has the set's.
    classes : dict of str to str
        Label name, as the data spells it, to the words for ``{class}``.
    """

    modality: Words = ""
    templates: Templates = ()
    classes: dict[str, Words] = Field(default_factory=dict)


class PromptSet(Record):
    """One template set, as a file spells it.

    Parameters
    ----------
    version : 1
        Of the format.
    name : str
        What results call it.
    revision : int
        Counts the changes of its texts.
    description : str
        One line for people; may be empty.
    extends : str or None
        The registered set that fills in what this one does not say.
    templates : tuple of str
        Empty where the extended set's are used.
    datasets : dict of str to DatasetWords
        By dataset id.
    """

    version: Annotated[int, Field(ge=1, le=1)]
    name: Words
    revision: Annotated[int, Field(ge=1)] = 1
    description: Words = ""
    extends: Words | None = "paper"
    templates: Templates = ()
    datasets: dict[DatasetName, DatasetWords] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_templates(self) -> PromptSet:
        if self.extends is None and not self.templates:
            raise ValueError("a set that extends none needs 'templates': add them, or leave out 'extends'")
        return self


def _shipped() -> Iterable[PromptSet]:
    """Read the package's own sets, one a YAML document."""
    reader = Reader(remedy="install the package again", error=ConfigError, aliases=True)
    for name in ("prompts.yaml", "paraphrases.yaml"):
        where = f"the package's {name}"
        content = resources.files("medimeta_c.prompts").joinpath(name).read_bytes()
        for document in content.split(b"\n---\n"):
            yield reader.record(reader.parse(document, where, yaml=True), PromptSet, where)


PROMPTS = Registry("medimeta_c.prompts", PromptSet, _shipped(), noun="template set", error=ConfigError)
"""Template sets by name: ``ensemble``, ``paper``, ``reference``, ``reference-order``, ``paraphrases``, then
other packages'.

``paper`` and the two of the reference are those of the MediMeta-C and RobustMedCLIP paper's section 3.2 and
appendix, and of the code published with it. ``paraphrases`` is for sweeps: see
`medimeta_c.prompts.paraphrases`.
"""


def read_prompt_file(path: Path) -> PromptSet:
    """Read the one template set of a user's file.

    Parameters
    ----------
    path : pathlib.Path
        A YAML file in the format of the shipped one; everything but ``version`` may be left out.
        ``name`` is then the file's stem, and ``extends`` is ``"paper"``.

    Raises
    ------
    ConfigError
        If the file cannot be read, is not such YAML, or holds a text that cannot be a prompt.
    """
    remedy = f"prompts are a YAML file of texts, or one of {', '.join(PROMPTS)}"
    reader = Reader(remedy=remedy, error=ConfigError, aliases=True, max_bytes=1 << 20)
    values = reader.values(path, yaml=True)
    if isinstance(values, dict):
        values = {"name": path.stem} | values
    _refuse_bare_keys(values, path)
    found = reader.record(values, PromptSet, path)
    if found.name in PROMPTS:
        raise ConfigError(f"{path}: the name {found.name!r} belongs to a shipped set: give it another 'name'")
    if found.extends is not None and found.extends not in PROMPTS:
        raise ConfigError(f"{path}: 'extends' must be null or one of {', '.join(PROMPTS)}")
    return found


def _refuse_bare_keys(values: Any, path: Path) -> None:
    """Refuse labels that YAML does not read as text, such as 0 and NO: they would not equal the data's."""
    for key, value in values.items() if isinstance(values, dict) else ():
        if not isinstance(key, str):
            kind = "true/false" if isinstance(key, bool) else "nothing" if key is None else "a number or date"
            raise ConfigError(
                f"{path}: YAML reads the name {key} in it as {kind}: put label and key names in quotes"
            )
        _refuse_bare_keys(value, path)
