"""Model specs: every form finds its loader, every mistake its sentence; nothing heavy comes early."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from types import SimpleNamespace

import pytest

from medimeta_c.errors import ConfigError, MediMetaError, MissingExtraError
from medimeta_c.models import MODELS, ModelFamily, load_model
from medimeta_corruptions import Origin, registry


def test_listing_models_imports_nothing_heavy() -> None:
    """The registry can be read, and a spec refused, without torch; what registries need themselves aside."""
    script = (
        "import sys\nimport medimeta_corruptions.registry\nbefore = set(sys.modules)\n"
        "from medimeta_c.models import MODELS, load_model\n"
        "try:\n    load_model('nonsense')\nexcept ValueError:\n    pass\n"
        "new = set(sys.modules) - before\n"
        "found = [n for n in ('torch', 'open_clip', 'transformers', 'numpy', 'PIL') if n in new]\n"
        "assert not found, found\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("prefix", MODELS)
def test_every_loader_exists_and_says_its_forms(prefix: str) -> None:
    """The registry's lazy targets are functions with a docstring, and each form starts with its prefix."""
    family = MODELS[prefix]
    assert isinstance(family.loader, str)
    module, function = family.loader.split(":")
    assert getattr(import_module(module), function).__doc__
    assert all(form.startswith(prefix.partition("/")[0]) for form in family.forms)
    assert family.name == prefix


@pytest.mark.parametrize("spec", ["", "clip", "hf-hub:", ":x", "nowhere:org/name", "/x", "RN50/", "medclip"])
def test_an_unknown_spec_lists_the_accepted_forms(spec: str) -> None:
    """Whatever the mistake, the message shows every form."""
    with pytest.raises(ConfigError) as caught:
        load_model(spec)
    assert repr(spec) in str(caught.value)
    assert all(form in str(caught.value) for family in MODELS.values() for form in family.forms)


@pytest.mark.parametrize(
    ("spec", "near"),
    [
        ("hfhub:org/name", "hf-hub:"),
        ("localdir:x", "local-dir:"),
        ("medclp:vit", "medclip:vit"),
        ("transformer:x", "transformers:"),
    ],
)
def test_a_misspelt_prefix_is_suggested(spec: str, near: str) -> None:
    """The nearest form comes first."""
    with pytest.raises(ConfigError, match=f"did you mean {near}"):
        load_model(spec)


@pytest.mark.parametrize("prefix", ["local-dir:", "transformers:", "unimedclip:vit-b-16@", "ViT-B-16/"])
def test_a_path_that_cannot_be_is_one_sentence(prefix: str) -> None:
    """Too long for the system, or with a null character, as a damaged ``adapter.json`` may name one."""
    with pytest.raises(MediMetaError) as caught:
        load_model(f"{prefix}{'x' * 5000}")
    assert len(str(caught.value)) < 6000
    with pytest.raises(ConfigError, match="null character"):
        load_model(f"{prefix}a\0b")


def test_precision_is_one_of_three() -> None:
    """Another name is refused before anything loads."""
    with pytest.raises(ConfigError, match="fp32, bf16, fp16"):
        load_model("ViT-B-16/openai", precision="fp8")  # type: ignore[arg-type]


@pytest.mark.parametrize("missing", ["torch", "open_clip", "transformers", "torchvision"])
def test_a_missing_extra_gives_the_pip_line(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one of the libraries, the error says what to install."""
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtraError, match=r"pip install ./corruptions '\.\[evaluate\]'"):
        load_model("ViT-B-16/openai")


@pytest.mark.parametrize("spec", ["medclip:rn50", "unimedclip:vit-b-32", "python:module"])
def test_an_unknown_variant_names_the_known(spec: str) -> None:
    """Families with variants say which there are."""
    with pytest.raises(ConfigError, match=spec.partition(":")[0]):
        load_model(spec)


def test_another_distribution_adds_a_family(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry point brings a prefix and a loader, a function or its name; the origin can be told."""
    asked = []

    def load(spec: str, target: str) -> object:
        asked.append((spec, target))
        return SimpleNamespace(to=lambda device, dtype: "moved")

    class Entry:
        name, value, dist = "clinic", "clinic:FAMILY", SimpleNamespace(name="clinic-models", version="2.0")

        @staticmethod
        def load() -> ModelFamily:
            return ModelFamily(name="clinic", forms=("clinic:WARD",), summary="ours", loader=load)  # type: ignore[arg-type]

    monkeypatch.setattr(registry, "_scan", lambda group: (Entry,))
    monkeypatch.setattr(MODELS, "_loaded", {})
    assert load_model("clinic:a:b") == "moved"  # type: ignore[comparison-overlap]
    assert asked == [("clinic:a:b", "a:b")]
    assert MODELS.origin("clinic") == Origin(name="clinic", distribution="clinic-models", version="2.0")
    assert MODELS.origin("hf-hub") is None
    with pytest.raises(ConfigError, match="did you mean clinic:WARD"):
        load_model("clinik:x")
