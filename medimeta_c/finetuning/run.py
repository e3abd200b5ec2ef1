"""One fine-tuning run: what is read, how it goes on where it stopped, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from medimeta_c.finetuning.config import FinetuneConfig
from medimeta_c.finetuning.facts import Facts
from medimeta_c.finetuning.fewshot import FewShot, draw_few_shot, write_few_shot
from medimeta_c.finetuning.labels import LabelSpace
from medimeta_c.finetuning.outputs import write_outputs
from medimeta_c.finetuning.preparation import (
    class_prompts,
    open_sources,
    run_record,
    torch_model,
    training_data,
)
from medimeta_c.finetuning.session import Session
from medimeta_c.finetuning.state import Progress, held, read_state
from medimeta_c.finetuning.training import FinetuneProgress
from medimeta_c.lora import LoraConfig, LoraRecord
from medimeta_c.lora.adapters import attach
from medimeta_c.lora.targets import default_targets
from medimeta_c.models import Model, load_model
from medimeta_c.prompts.record import PromptsRecord
from medimeta_c.prompts.templates import load_prompts
from medimeta_c.scoring.inference import choose_device

__all__ = ["FinetuneReport", "finetune"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneReport:
    """What a run came to.

    Parameters
    ----------
    path : Path
        The run's folder; ``robustmedclip:PATH`` names the adapted model.
    progress : Progress
        Settings and every epoch.
    size : LoraRecord
        Of the adapters.
    few_shot : FewShot
        The images trained on.
    epochs_before : int or None
        Whole epochs that were there when this call began; None for a new run.
    """

    path: Path
    progress: Progress
    size: LoraRecord
    few_shot: FewShot
    epochs_before: int | None


def finetune(
    config: FinetuneConfig,
    *,
    model: Model | None = None,
    on_progress: Callable[[FinetuneProgress], None] | None = None,
) -> FinetuneReport:
    """Adapt the image tower of a CLIP-style model to a few images of each class.

    Low-rank adapters are trained by cross-entropy over cosine similarity / temperature, against the frozen
    text embeddings of every class of every dataset. Images come from the train split, the checkpoint kept is
    the best on the val split, and no other split is read. A run that was interrupted, called again, goes on;
    on the CPU it reaches the weights of an undisturbed run bit for bit.

    Parameters
    ----------
    config : FinetuneConfig
        What to adapt, to what, and how.
    model : Model, optional
        The model itself, instead of loading `config.model`; it is given back without adapters.
    on_progress : callable, optional
        Called with a `FinetuneProgress` after each batch.

    Returns
    -------
    FinetuneReport
        Its ``path`` holds ``adapter.safetensors``, ``adapter.json``, ``fewshot_ids.json``,
        ``training.jsonl`` and ``training.csv``, a model card, and in ``last/`` the adapter of the last epoch.

    Raises
    ------
    ConfigError
        If a dataset, prompt set, device or model spec is unknown.
    SourceError
        If data is missing, a dataset has no train or val split, or a class no image.
    ModelError
        If the model cannot be had or adapted, or the loss becomes NaN.
    ResultError
        If the folder holds a run with other settings, or is in use.
    BuildError
        If a file cannot be written; the checkpoint before is intact.

    References
    ----------
    The MediMeta-C and RobustMedCLIP paper, section 3.2 and appendix A.
    """
    sources = open_sources(config)
    few_shot = draw_few_shot(sources, fraction=config.fraction, seed=config.seed)
    asked = class_prompts(config, sources)
    space = LabelSpace.of(asked)
    prompts = PromptsRecord.asked(load_prompts(config.prompts).name, asked)
    device = choose_device(config.device)
    loaded = torch_model(model or load_model(config.model, device=device), device)
    lora = LoraConfig(rank=config.rank, alpha=config.alpha, targets=default_targets(loaded))
    facts = Facts(
        config=config,
        run=run_record(config, loaded, few_shot, prompts, device),
        base=loaded.identity,
        few_shot=few_shot,
        prompts=prompts,
        infos={name: source.info for name, source in sources.items()},
    )
    with held(config.out):
        begun = read_state(config.out, facts.run)
        write_few_shot(config.out, few_shot)
        adapters = attach(loaded, lora, config.seed)
        try:
            session = Session(facts, adapters, on_progress or (lambda progress: None))
            state = session.train(begun, training_data(config, loaded, sources, few_shot, space))
            write_outputs(config.out, facts, adapters, state)
            size = adapters.report()
        finally:
            adapters.detach()
    return FinetuneReport(
        path=config.out,
        progress=state.progress,
        size=size,
        few_shot=few_shot,
        epochs_before=None if begun is None else begun.progress.last.epoch,
    )
