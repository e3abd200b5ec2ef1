"""Train the remaining epochs of a run, with a checkpoint after each."""

from __future__ import annotations

from collections.abc import Callable

from medimeta_c.errors import ModelError, Remedy
from medimeta_c.finetuning.outputs import Outputs
from medimeta_c.finetuning.state import Progress, TrainingState, write_state
from medimeta_c.finetuning.training import FinetuneProgress, NotANumber, Trainer, TrainingData

__all__ = ["Session"]


class Session:
    """The epochs of one run that are still to do.

    Parameters
    ----------
    outputs : Outputs
        The run; its adapters are attached to the model, at their initial values.
    data : TrainingData
        What to learn from.
    state : TrainingState or None
        Where an earlier process stopped.
    micro_batch : int
        Images that go through the model at a time.
    on_progress : callable
        Called with a `FinetuneProgress` after each batch.
    """

    def __init__(
        self,
        outputs: Outputs,
        data: TrainingData,
        state: TrainingState | None,
        micro_batch: int,
        on_progress: Callable[[FinetuneProgress], None],
    ) -> None:
        self._outputs, self._state, self._on_progress = outputs, state, on_progress
        self._trainer = Trainer(outputs.adapters, data, outputs.run, micro_batch)
        self._done = 0
        self._loss: float | None = None
        left, first = outputs.run.epochs, len(data.validation)
        if state is not None:
            last = state.progress.last
            left, first = left - last.epoch, 0
            outputs.adapters.load_state_dict(state.last)
            self._trainer.restore_optimiser(state.optimiser, last.step)
            self._trainer.micro_batch = min(self._trainer.micro_batch, last.micro_batch)
        self._total = left * data.images_an_epoch + first

    def train(self) -> TrainingState:
        """Train until the run is finished, saving after every epoch.

        Raises
        ------
        ModelError
            If the loss, a weight or an embedding becomes NaN; the last good adapters are kept.
        WriteError
            If a file cannot be written; the checkpoint before is intact.
        """
        while self._state is None or not self._state.progress.finished:
            self._state = self._epoch(self._state)
            write_state(self._outputs.out, self._state)
            self._outputs.write_log(self._state.progress)
        return self._state

    def _epoch(self, state: TrainingState | None) -> TrainingState:
        epochs = () if state is None else state.progress.epochs
        try:
            record = self._trainer.run_epoch(len(epochs), self._tell)
        except NotANumber as error:
            raise self._diverged(error, state) from error
        progress = Progress(run=self._outputs.run, epochs=(*epochs, record))
        last = self._outputs.adapters.state_dict()
        best = last if state is None or progress.best == record else state.best
        return TrainingState(
            progress=progress, last=last, best=best, optimiser=self._trainer.optimiser_state()
        )

    def _diverged(self, error: NotANumber, state: TrainingState | None) -> ModelError:
        """Save the last good adapters, and return the error that says where they are."""
        if state is None:
            return ModelError(
                f"{error}, before any training", remedy=Remedy("check the weights of the base model")
            )
        epoch = state.progress.last.epoch
        advice = Remedy("lower {lr} or use {precision}, with another {out}", precision="fp32")
        if epoch == 0:
            return ModelError(f"{error}, before anything was learnt", remedy=advice)
        kept = f"the adapters of epoch {epoch} are kept in {self._outputs.write_last(state)}"
        return ModelError(f"{error}, training stops, and {kept}", remedy=advice)

    def _tell(self, images: int, loss: float | None) -> None:
        """Count images, and report the progress."""
        self._done += images
        self._loss = self._loss if loss is None else loss
        last = None if self._state is None else self._state.progress.last
        self._on_progress(
            FinetuneProgress(
                epoch=0 if last is None else last.epoch + 1,
                epochs=self._outputs.run.epochs,
                loss=self._loss,
                val_accuracy=None if last is None else last.val_accuracy,
                images_done=self._done,
                images_total=self._total,
            )
        )
