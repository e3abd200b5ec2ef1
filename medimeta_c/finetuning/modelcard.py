"""The model card of a finished run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from huggingface_hub import ModelCardData

from medimeta_c.finetuning.facts import Facts
from medimeta_c.finetuning.state import Progress
from medimeta_c.format.keys import PHANTOMS
from medimeta_c.io.markdown import environment
from medimeta_c.io.templating import templates_folder
from medimeta_c.lora import LoraRecord
from medimeta_c.models import ModelIdentity
from medimeta_c.prompts.files import PROMPTS
from medimeta_c.sources.contract import SourceInfo

__all__ = ["render_model_card"]

_TEMPLATE = "model_card.md.jinja"
_HUB_PREFIXES = ("hf-hub:", "transformers:")


def render_model_card(facts: Facts, size: LoraRecord, progress: Progress) -> str:
    """Return the card of an adapted model.

    Parameters
    ----------
    facts : Facts
        What was trained, on what and how.
    size : LoraRecord
        Of the adapters.
    progress : Progress
        Every epoch.

    Returns
    -------
    str
        YAML header and Markdown body. Text that comes from datasets is escaped.
    """
    template = environment(templates_folder()).get_template(_TEMPLATE)
    body = template.render(
        run=facts.run,
        base=facts.base,
        base_name=_base_name(facts.base),
        size=size,
        few_shot=facts.few_shot,
        prompts=facts.prompts.name,
        prompts_option=facts.prompts.name if facts.prompts.name in PROMPTS else "PROMPTS_FILE",
        infos=facts.infos,
        progress=progress,
        phantoms=[name for name, info in facts.infos.items() if info.kind == PHANTOMS],
    )
    return f"---\n{_metadata(facts.base, facts.infos)}\n---\n\n{body}"


def _base_name(base: ModelIdentity) -> str:
    """Return what the base is called, without the folders of whoever trained."""
    if base.revision:
        return base.spec
    place = (base.spec.partition(":")[2] or base.spec).replace("\\", "/").rstrip("/")
    return f"{base.family} {place.rpartition('/')[2]}"


def _metadata(base: ModelIdentity, infos: Mapping[str, SourceInfo]) -> str:
    synthetic = any(info.kind == PHANTOMS for info in infos.values())
    values: dict[str, Any] = {
        "library_name": "medimeta-c",
        "pipeline_tag": "zero-shot-image-classification",
        "tags": ["lora", "medical", "medimeta-c", "robustness", *(["synthetic"] if synthetic else [])],
    }
    prefix = next((one for one in _HUB_PREFIXES if base.revision and base.spec.startswith(one)), None)
    if prefix is not None:
        values["base_model"] = base.spec.removeprefix(prefix).partition("@")[0]
    return ModelCardData(**values).to_yaml()
