"""Make prompts from class names: template sets, words for labels, and the exact texts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from medimeta_c.errors import ConfigError, Remedy, unknown_name
from medimeta_c.io.settings import StrPath, as_path
from medimeta_c.prompts.files import PROMPTS, DatasetWords, PromptSet, read_prompt_file
from medimeta_c.prompts.texts import ClassPrompts, check_text

__all__ = [
    "ClassPrompts",
    "ClassWords",
    "PromptBook",
    "load_prompts",
]

_SILENT = DatasetWords()


@dataclass(frozen=True, slots=True)
class ClassWords:
    """A row of a template set's mapping: this label becomes these words, says that set."""

    label: str
    words: str
    said_by: str


@dataclass(frozen=True, slots=True)
class PromptBook:
    """A template set and the sets it extends, nearest first.

    Parameters
    ----------
    layers : tuple of PromptSet
        What one layer does not say, the next may.
    origin : str
        Where the first was read, for messages.

    Examples
    --------
    >>> book = load_prompts("paper")
    >>> asked = book.prompts("oct", ["CNV", "DME", "DRUSEN", "NORMAL"], modality="Retinal OCT")
    >>> asked.prompts[0]
    ('A photo of a Retinal OCT cnv',)
    """

    layers: tuple[PromptSet, ...]
    origin: str

    @property
    def name(self) -> str:
        """Name of the set."""
        return self.layers[0].name

    @property
    def revision(self) -> int:
        """Revision of the set's texts."""
        return self.layers[0].revision

    def prompts(self, dataset: str, class_names: Sequence[str], *, modality: str) -> ClassPrompts:
        """Return the texts for the classes of a dataset.

        Parameters
        ----------
        dataset : str
            The dataset's id.
        class_names : sequence of str
            The data's label names, in label order.
        modality : str
            Imaging modality, for datasets whose modality the set does not say.

        Raises
        ------
        ConfigError
            If a label has no words and cannot stand for itself, two labels have the same words, or the
            user's file has words for a label that the dataset does not have.
        """
        self._refuse_unknown_labels(dataset, class_names)
        mapping = {row.label: row.words for row in self.describe(dataset)}
        self._refuse_wordless(dataset, [label for label in class_names if label not in mapping])
        words = tuple(mapping.get(label, label) for label in class_names)
        templates = self._templates(dataset)
        if any("{modality}" in template for template in templates):
            modality = self.modality(dataset) or check_text(modality, f"the modality of {dataset!r}")
        return ClassPrompts(
            dataset=dataset,
            class_names=tuple(class_names),
            class_words=words,
            prompts=tuple(
                tuple(
                    template.format(**{"class": one, "modality": modality, "dataset": dataset})
                    for template in templates
                )
                for one in words
            ),
        )

    def describe(self, dataset: str) -> tuple[ClassWords, ...]:
        """Return the mapping of a dataset's labels, of all its tasks; others stand for themselves."""
        rows: dict[str, ClassWords] = {}
        for layer in reversed(self.layers):
            for label, words in _words(layer, dataset).classes.items():
                rows[label] = ClassWords(label, words, layer.name)
        return tuple(rows.values())

    def require_known(self, datasets: Iterable[str]) -> None:
        """Check that each dataset the set names is a shipped set's, or among these.

        Parameters
        ----------
        datasets : iterable of str
            The benchmark's datasets.

        Raises
        ------
        ConfigError
            Naming the one that is neither: a mistake in the user's file would otherwise go unnoticed.
        """
        known = list(dict.fromkeys([*datasets, *PROMPTS["ensemble"].datasets]))
        for layer in self.layers:
            for dataset in layer.datasets:
                if dataset not in known:
                    raise ConfigError(f"{self.origin}: {unknown_name('dataset', dataset, known)}")

    def _templates(self, dataset: str) -> tuple[str, ...]:
        return next(
            found for layer in self.layers if (found := _words(layer, dataset).templates or layer.templates)
        )

    def modality(self, dataset: str) -> str:
        """Return what the set calls a dataset's modality; empty where it does not say."""
        return next(filter(None, (_words(layer, dataset).modality for layer in self.layers)), "")

    def _refuse_unknown_labels(self, dataset: str, class_names: Sequence[str]) -> None:
        """Refuse labels of a user's file that the data does not have; shipped sets also name other tasks'."""
        if self.name in PROMPTS:
            return
        inherited = (label for layer in self.layers[1:] for label in _words(layer, dataset).classes)
        known = list(dict.fromkeys([*class_names, *inherited]))
        for label in _words(self.layers[0], dataset).classes:
            if label not in known:
                raise ConfigError(
                    f"{self.origin}: dataset {dataset!r}: {unknown_name('label', label, known)}"
                )

    def _refuse_wordless(self, dataset: str, labels: Sequence[str]) -> None:
        """Accept a label without words only if it is a text with a letter in it."""
        bare = [label for label in labels if not any(map(str.isalpha, label))]
        if bare:
            entries = ", ".join(f"{json.dumps(label)}: WORDS" for label in bare)
            raise ConfigError(
                f"dataset {dataset!r} has classes with no prompts: labels {', '.join(map(repr, bare))} have "
                "no letters for a model to read",
                remedy=Remedy(
                    "give {prompts} a YAML file with 'version: 1' and '{0}'",
                    f"datasets: {{{dataset}: {{classes: {{{entries}}}}}}}",
                ),
            )
        for label in labels:
            check_text(label, f"dataset {dataset!r} has no prompt for a class: its label")


def _words(layer: PromptSet, dataset: str) -> DatasetWords:
    """Return what a set says of a dataset."""
    return layer.datasets.get(dataset, _SILENT)


def load_prompts(name_or_path: StrPath = "paper") -> PromptBook:
    """Return a template set.

    Parameters
    ----------
    name_or_path : str or pathlib.Path
        Name of a registered set, or the path of a YAML file in the format of the package's
        ``prompts.yaml`` (see there). A file may be partial: its templates, modalities and words go
        before those of the set it ``extends``, ``paper`` if it does not say.

    Raises
    ------
    ConfigError
        If there is neither such a set nor such a file, or the file is not valid.
    """
    if isinstance(name_or_path, str) and name_or_path in PROMPTS:
        name = name_or_path
        return PromptBook(_chain(PROMPTS.find(name)), f"the template set {name!r}")
    path = as_path(name_or_path, "prompts")
    looks_like_a_name = len(path.parts) == 1 and not path.suffix
    if looks_like_a_name and not path.exists():
        error = unknown_name("template set", str(path), PROMPTS)
        raise ConfigError(
            error.cause, value=error.value, remedy=Remedy("give {prompts} the path of a YAML file")
        )
    return PromptBook(_chain(read_prompt_file(path)), str(path))


def _chain(first: PromptSet) -> tuple[PromptSet, ...]:
    """Return a set and those it extends, nearest first."""
    layers = [first]
    while (base := layers[-1].extends) is not None:
        if base in {layer.name for layer in layers}:
            raise ConfigError(f"the template set {base!r} extends itself: correct its 'extends'")
        layers.append(PROMPTS.find(base))
    return tuple(layers)
