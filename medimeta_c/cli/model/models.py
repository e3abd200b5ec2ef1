"""``medimeta-c models``."""

from __future__ import annotations

from medimeta_c.cli import console
from medimeta_c.cli.common import prints_tables
from medimeta_c.cli.options import JsonOption

__all__ = ["models"]

_COMMIT_SHOWN = 8
_GATES = {True: ", gated", False: "", None: ", gate unknown"}


@prints_tables
def models(json: JsonOption = False) -> None:
    """List the kinds of models, and short names of published ones: spec, revision, licence, gated or not.

    [b]Examples[/b]

      medimeta-c models

      medimeta-c models --json
    """
    from medimeta_c.io.tables.table import Column, Table, texts
    from medimeta_c.models import ALIASES, MODELS

    families, aliases = list(MODELS.values()), list(ALIASES.values())
    if json:
        console.say_json(
            {
                "families": [
                    {
                        "family": family.name,
                        "forms": list(family.forms),
                        "summary": family.summary,
                        "preprocessings": list(family.preprocessings),
                    }
                    for family in families
                ],
                "aliases": [
                    {
                        "alias": alias.name,
                        "spec": alias.spec,
                        "revision": alias.revision,
                        "revision_seen": alias.seen,
                        "resolved": alias.pinned,
                        "licence": alias.licence,
                        "gated": alias.gated,
                    }
                    for alias in aliases
                ],
            }
        )
        return
    console.show(
        Table(
            name="Models (what to give as --model)",
            columns=(Column("spec", "label"), Column("model", "text")),
            rows=tuple(
                texts(form, family.summary if form == family.forms[0] else "")
                for family in families
                for form in family.forms
            ),
        ),
        Table(
            name="Aliases (--model model:ALIAS)",
            columns=(
                Column("alias", "label"),
                *(Column(header, "text") for header in ("spec and revision", "licence")),
            ),
            rows=tuple(
                texts(
                    alias.name,
                    f"{alias.spec}, {alias.revision[:_COMMIT_SHOWN] if alias.revision else 'not pinned'}",
                    f"{alias.licence or 'unknown'}{_GATES[alias.gated]}",
                )
                for alias in aliases
            ),
        ),
    )
    console.say("A result records what an alias stands for, and the revision that was loaded.")
    console.say("Gated: accept terms at https://huggingface.co/ORG/NAME, then `hf auth login`.")
