"""Aliases: short names of published models, pinned where a revision is known; and gated repositories."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hub_server import HubServer, hub_environment, run_client
from model_factories import make_open_clip_folder, write_siglip
from typer.testing import CliRunner

from medimeta_c.cli import app
from medimeta_c.errors import ConfigError
from medimeta_c.models import ALIASES, MODELS, Alias, aliases, load_model
from medimeta_corruptions import registry

RUNNER = CliRunner()


@pytest.mark.parametrize("name", ALIASES)
def test_an_alias_stands_for_a_spec_of_a_known_family(name: str) -> None:
    """Pinned to a whole commit whose source is named, or to none."""
    alias = ALIASES[name]
    prefix, colon, _ = alias.spec.partition(":")
    assert (prefix in MODELS) if "/" not in prefix else ("/" in alias.spec)
    assert colon
    assert "@" not in alias.spec
    assert bool(alias.revision) == bool(alias.seen)
    assert alias.revision is None or re.fullmatch("[0-9a-f]{40}", alias.revision)
    expected = f"{alias.spec}@{alias.revision}" if alias.revision else alias.spec
    assert aliases.resolved(f"model:{name}") == expected


def test_other_specs_stay_as_they_are() -> None:
    """Only the prefix ``model:`` names an alias."""
    for spec in ("hf-hub:org/name", "ViT-B-16/openai", "biomedclip", "model:"):
        assert aliases.resolved(spec) == spec


@pytest.mark.parametrize(
    ("spec", "near"),
    [
        ("model:biomedclp", "did you mean 'biomedclip'"),
        ("model:quiltnet_b_16", "did you mean 'quiltnet-b-16'"),
        ("biomedclip", "did you mean model:biomedclip"),
        ("modl:plip", "did you mean model:ALIAS"),
        ("model:", "accepted forms: .*model:ALIAS"),
    ],
)
def test_a_near_miss_is_suggested(spec: str, near: str) -> None:
    """By its alias, and where the prefix was left out or misspelt."""
    with pytest.raises(ConfigError, match=near):
        load_model(spec)


def test_the_identity_has_the_spec_that_the_alias_stands_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result does not depend on a list that may change; another distribution may add to that list."""
    folder = make_open_clip_folder(tmp_path / "m")

    class Entry:
        name, value, dist = "ours", "clinic:OURS", None

        @staticmethod
        def load() -> Alias:
            return Alias(name="ours", spec=f"local-dir:{folder}")

    monkeypatch.setattr(registry, "_scan", lambda group: (Entry,) if group == ALIASES.group else ())
    monkeypatch.setattr(ALIASES, "_loaded", {})
    assert load_model("model:ours").identity == load_model(f"local-dir:{folder}").identity


def test_options_are_those_of_the_family_that_the_alias_stands_for() -> None:
    """MedSigLIP has transformers' second preprocessing; BiomedCLIP has none."""
    with pytest.raises(ConfigError, match="preprocessing of transformers:NAME_OR_PATH 'big-visio'"):
        load_model("model:medsiglip", preprocessing="big-visio")
    with pytest.raises(ConfigError, match=r"hf-hub:org/name.* has only its own preprocessing"):
        load_model("model:biomedclip", preprocessing="big-vision")


def test_a_pinned_alias_loads_its_revision(tmp_path: Path) -> None:
    """The real client against a hub whose newest commit is another one."""
    script = """
    from medimeta_c.models import ALIASES, Alias, load_model
    found = []
    for revision in (arguments[0], None):
        ALIASES._own["tiny"] = Alias(name="tiny", spec="hf-hub:test/tiny", revision=revision, seen="here")
        identity = load_model("model:tiny").identity
        found.append([identity.spec, identity.revision, identity.weights_sha256])
    report(found)
    """
    with HubServer() as hub:
        repo = hub.store.add_repo("model", "test/tiny", make_open_clip_folder(tmp_path / "old", seed=1))
        (old,) = repo.refs.values()
        changed = make_open_clip_folder(tmp_path / "new", seed=2) / "open_clip_model.safetensors"
        new = repo.commit({changed.name: changed.read_bytes()})
        pinned, newest = run_client(script, hub_environment(hub, tmp_path), old)
    assert pinned[:2] == [f"hf-hub:test/tiny@{old}", old]
    assert newest[:2] == ["hf-hub:test/tiny", new]
    assert pinned[2] != newest[2]


def test_a_gated_model_says_where_to_accept_its_terms(tmp_path: Path) -> None:
    """For every way in: the page of the repository, and the command to log in."""
    script = """
    from medimeta_c.errors import ModelError
    from medimeta_c.models import load_model
    said = {}
    for spec in arguments:
        try:
            load_model(spec)
        except ModelError as error:
            said[spec] = str(error)
    report(said)
    """
    specs = ["hf-hub:lab/gated", "transformers:lab/siglip", "ViT-L-14-gelu/hf-hub:lab/gated/model.pt"]
    with HubServer() as hub:
        hub.store.add_repo("model", "lab/gated", make_open_clip_folder(tmp_path / "clip"), gated=True)
        hub.store.add_repo("model", "lab/siglip", write_siglip(tmp_path / "siglip"), gated=True)
        said = run_client(script, hub_environment(hub, tmp_path, token=None), *specs)
    for spec in specs:
        repo = "lab/siglip" if "siglip" in spec else "lab/gated"
        assert said[spec] == (
            f"{repo} is gated: accept its terms at https://huggingface.co/{repo}, then run `hf auth login`"
        )


def test_the_command_lists_families_and_aliases() -> None:
    """Each form and each alias, with spec, revision, licence and whether it is gated; for machines too."""
    listed = json.loads(RUNNER.invoke(app, ["models", "--json"]).stdout)
    assert [one["family"] for one in listed["families"]] == list(MODELS)
    assert [one["forms"] for one in listed["families"]] == [list(one.forms) for one in MODELS.values()]
    rows = {one["alias"]: one for one in listed["aliases"]}
    assert list(rows) == list(ALIASES)
    assert rows["medsiglip"]["gated"] is True
    assert rows["biomedclip"]["resolved"] == ALIASES["biomedclip"].pinned
    text = RUNNER.invoke(app, ["models", "--format", "tsv"]).stdout
    for alias in ALIASES.values():
        row = next(line for line in text.splitlines() if line.startswith(f"{alias.name}\t"))
        assert alias.spec in row
        assert (alias.revision[:8] if alias.revision else "not pinned") in row
        assert (alias.licence or "unknown") in row
    assert all(len(line) <= 80 for line in RUNNER.invoke(app, ["models"]).stdout.splitlines())
