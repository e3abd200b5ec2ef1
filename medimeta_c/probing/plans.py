"""Which heads are fitted, on how many shots, of which seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medimeta_c.errors import ConfigError, Remedy
from medimeta_c.models import ImageEncoder, Model
from medimeta_c.probing.config import TRAIN, VAL, DrawnFrom, ProbeConfig
from medimeta_c.probing.heads import HEADS, Head
from medimeta_c.probing.shots import Draw, Listing, draw, draw_from_val

__all__ = ["Plan", "draws_of", "heads_for", "plans_of"]

_NO_TEXTS = "the model has no text encoder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One head to be fitted: on how many shots, of which seed."""

    head: Head
    shots: int | None
    seed: int

    @property
    def name(self) -> str:
        """What progress calls it."""
        if not self.head.is_trained:
            return self.head.name
        shots = "all images" if self.shots is None else f"{self.shots} shot{'s' * (self.shots > 1)}"
        return f"{self.head.name}, {shots}, seed {self.seed}"


def draws_of(
    config: ProbeConfig, listings: Mapping[DrawnFrom, Listing]
) -> dict[tuple[int | None, int], Draw]:
    """Return which images each number of shots and seed means; refuses what a class does not have."""
    found = {}
    for shots in config.numbers_of_shots:
        for seed in config.seeds:
            if config.draw_from == VAL:
                found[shots, seed] = draw_from_val(listings[VAL], shots, seed)
            else:
                found[shots, seed] = Draw(
                    draw(listings[TRAIN], shots, seed), tuple(range(len(listings[VAL])))
                )
    return found


def heads_for(config: ProbeConfig, model: ImageEncoder) -> tuple[list[Head], dict[str, str]]:
    """Return the heads to be fitted, and those that the model cannot have; refuses one that was asked for."""
    chosen = [HEADS[name] for name in config.heads or HEADS]
    if isinstance(model, Model):
        return chosen, {}
    lacking = [head.name for head in chosen if head.needs_texts]
    if config.heads is not None and lacking:
        able = [name for name in HEADS if not HEADS[name].needs_texts]
        raise ConfigError(
            f"{', '.join(lacking)} need{'s' if len(lacking) == 1 else ''} the texts of classes, and "
            f"{model.identity.spec} has no text encoder",
            remedy=Remedy("choose {heads} among {0}", ", ".join(able)),
        )
    return [head for head in chosen if not head.needs_texts], dict.fromkeys(lacking, _NO_TEXTS)


def plans_of(config: ProbeConfig, heads: Sequence[Head]) -> list[Plan]:
    """Return every fit, head by head; what would be fitted twice alike is fitted once."""
    plans = []
    for head in heads:
        if not head.is_trained:
            plans.append(Plan(head=head, shots=config.numbers_of_shots[0], seed=config.seeds[0]))
            continue
        for shots in config.numbers_of_shots:
            # All images are the same images for every seed.
            seeds = config.seeds[:1] if shots is None and not head.is_random else config.seeds
            plans += [Plan(head=head, shots=shots, seed=seed) for seed in seeds]
    return plans
