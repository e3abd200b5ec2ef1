"""The epochs of a run: from where it stopped to where it ends, a checkpoint after each."""

from __future__ import annotations

from collections.abc import Callable

from medimeta_c.errors import ModelError
from medimeta_c.finetuning.facts import Facts
from medimeta_c.finetuning.outputs import write_last, write_log
from medimeta_c.finetuning.state import Progress, TrainingState, write_state
from medimeta_c.finetuning.training import FinetuneProgress, NotANumber, Trainer, TrainingData
from medimeta_c.lora.adapters import Adapters

__all__ = ["Session"]


class Session:
    """The epochs of one run that are still to do.

    Parameters
    ----------
    facts : Facts
        What the run is.
    adapters : Adapters
        Attached to the model, at their initial values.
    on_progress : callable
        Called with a `FinetuneProgress` after each batch.
    """

    def __init__(
        self, facts: Facts, adapters: Adapters, on_progress: Callable[[FinetuneProgress], None]
    ) -> None:
        self._facts, self._config, self._adapters = facts, facts.config, adapters
        self._on_progress = on_progress

    def train(self, state: TrainingState | None, data: TrainingData) -> TrainingState:
        """Train until the run is finished, saving after every epoch.

        Parameters
        ----------
        state : TrainingState or None
            Where an earlier process stopped.
        data : TrainingData
            What to learn from.

        Raises
        ------
        ModelError
            If the loss, a weight or an embedding becomes NaN; the last good adapters are kept.
        BuildError
            If a file cannot be written; the checkpoint before is intact.
        """
        run = self._facts.run
        trainer = Trainer(
            self._adapters.model,
            self._adapters.parameters(),
            data,
            self._config,
            temperature=run.temperature,
            autocast=run.precision == "bf16",
        )
        if state is not None:
            self._adapters.load_state_dict(state.last)
            trainer.restore_optimiser(state.optimiser, state.progress.last.step)
            trainer.micro_batch = min(trainer.micro_batch, state.progress.last.micro_batch)
        tell = self._teller(state, data)
        while state is None or not state.progress.finished:
            state = self._epoch(trainer, state, tell)
        return state

    def _epoch(
        self,
        trainer: Trainer,
        state: TrainingState | None,
        tell: Callable[[TrainingState | None, int, float | None], None],
    ) -> TrainingState:
        epochs = () if state is None else state.progress.epochs
        try:
            record = trainer.run_epoch(len(epochs), lambda images, loss: tell(state, images, loss))
        except NotANumber as error:
            raise ModelError(self._diverged(error, state)) from error
        progress = Progress(run=self._facts.run, epochs=(*epochs, record))
        last = self._adapters.state_dict()
        best = last if state is None or progress.best == record else state.best
        state = TrainingState(progress=progress, last=last, best=best, optimiser=trainer.optimiser_state())
        write_state(self._config.out, state)
        write_log(self._config.out, progress)
        return state

    def _diverged(self, error: NotANumber, state: TrainingState | None) -> str:
        """Keep the last good adapters where they can be used, and say so."""
        if state is None:
            return f"{error}, which is before training: check the weights of the base model"
        advice = "lower --lr, or use --precision fp32"
        if state.progress.last.epoch == 0:
            return f"{error}, before anything was learnt: {advice}, with another --out"
        folder = write_last(self._config.out, self._facts, self._adapters, state)
        kept = f"the adapters of epoch {state.progress.last.epoch} are kept in {folder}"
        return f"{error}: training stops; {kept}; {advice}, with another --out"

    def _teller(
        self, state: TrainingState | None, data: TrainingData
    ) -> Callable[[TrainingState | None, int, float | None], None]:
        """Return the function that counts images and tells of them."""
        done, latest = 0, None
        left = self._config.epochs - (0 if state is None else state.progress.last.epoch)
        total = left * data.images_an_epoch + (len(data.validation) if state is None else 0)

        def tell(now: TrainingState | None, images: int, loss: float | None) -> None:
            nonlocal done, latest
            done += images
            latest = latest if loss is None else loss
            self._on_progress(
                FinetuneProgress(
                    epoch=0 if now is None else now.progress.last.epoch + 1,
                    epochs=self._config.epochs,
                    loss=latest,
                    val_accuracy=None if now is None else now.progress.last.val_accuracy,
                    images_done=done,
                    images_total=total,
                )
            )

        return tell
