"""Attach adapters to a loaded model, train them, save them, fold them in or take them off."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import torch
from torch import nn
from torch.nn.utils import parametrize

from medimeta_c.errors import ModelError
from medimeta_c.lora.parametrisation import Factors, LowRankUpdate
from medimeta_c.lora.record import LoraConfig, LoraRecord
from medimeta_c.lora.targets import Site, find_sites, image_tower
from medimeta_c.models.torch_model import TorchModel
from medimeta_c.models.weights import refuse_misfit, weights_sha256

__all__ = ["AdapterState", "Adapters", "attach"]

AdapterState: TypeAlias = dict[str, torch.Tensor]
"""float32 factors, named ``<module>.<target>.lora_a`` and ``….lora_b`` with the model's module names."""


def attach(model: TorchModel, config: LoraConfig, seed: int) -> Adapters:
    """Give the image tower adapters, in place; nothing else requires a gradient.

    Until they are trained, or loaded, `encode_images` gives what it gave before, bit for bit.

    Parameters
    ----------
    model : TorchModel
        A loaded model. It stays in evaluation mode: running statistics of batch normalisation are frozen too.
    config : LoraConfig
        Rank, scale and targets.
    seed : int
        Decides the initial values of A, together with the names and shapes of the weights.

    Returns
    -------
    Adapters
        The handle to everything that can be done with them.

    Raises
    ------
    ModelError
        If the model has nothing that `config.targets` means, or has adapters already.
    """
    image_tower(model)
    if any(parametrize.is_parametrized(module) for module in model.module.modules()):
        raise ModelError(
            f"{model.identity.spec} has adapters already: merge() or detach() those first, or load it again"
        )
    return Adapters(model, config, seed, find_sites(model, config.targets))


class Adapters:
    """The adapters of one model; made by `attach`.

    Parameters
    ----------
    model : TorchModel
        The model.
    config : LoraConfig
        Rank, scale and targets.
    seed : int
        Of the initial values.
    sites : list of Site
        The weights to adapt, at least one.

    Attributes
    ----------
    base : ModelIdentity
        Which weights the model had when the adapters were attached.
    """

    def __init__(self, model: TorchModel, config: LoraConfig, seed: int, sites: list[Site]) -> None:
        self.model = model
        self.base = model.identity
        self.config = config
        self.seed = seed
        self.sites = sites
        self._factors: dict[str, Factors] = {}
        self._attached = True
        model.module.requires_grad_(False)
        for site in sites:
            self._adapt(site)

    def parameters(self) -> list[nn.Parameter]:
        """Return the trainable parameters, and nothing else, in a fixed order."""
        return list(self._named().values())

    def report(self) -> LoraRecord:
        """Return the adaptation: how many layers, and how many parameters that takes."""
        trainable = sum(one.numel() for one in self.parameters())
        present = sum(one.numel() for one in image_tower(self.model)[1].parameters())
        return LoraRecord(
            rank=self.config.rank,
            alpha=self.config.alpha or self.config.rank,
            targets=self.config.targets,
            seed=self.seed,
            layers=len({site.layer for site in self.sites}),
            trainable_parameters=trainable,
            total_parameters=present if self._attached else present + trainable,
        )

    def state_dict(self) -> AdapterState:
        """Return a copy of the factors, float32 on the CPU."""
        return {
            name: value.detach().to("cpu", torch.float32, copy=True) for name, value in self._named().items()
        }

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Set the factors; always strict, and nothing changes when an error is raised.

        Raises
        ------
        ModelError
            If they are of another rank or another number of layers, or a tensor is missing, left over, of
            another shape or not finite.
        """
        self._require_attached()
        own = self._named()
        spec = self.model.identity.spec
        _refuse_other_rank(state, self.config.rank, spec)
        _refuse_other_depth(own, state, spec)
        refuse_misfit(own, state, "the adapters", "they were made for another model, or other targets")
        for key, value in state.items():
            if not torch.isfinite(value).all():
                raise ModelError(f"the adapter tensor {key} holds values that are not finite numbers")
        with torch.no_grad():
            for key, parameter in own.items():
                parameter.copy_(state[key])

    def merge(self) -> None:
        """Fold the updates into the weights, for good; the model is a plain one again, of the same size.

        Embeddings agree with the unmerged model's to rounding. The model's identity names the new weights
        from here on; `base` and `state_dict` still give the base's identity and the factors.
        """
        self._remove(keep_update=True)
        digest = f"{self.base.weights_sha256}|{weights_sha256(self.state_dict())}|{self.config.scale!r}"
        self.model.identity = self.base.model_copy(
            update={"weights_sha256": hashlib.sha256(digest.encode()).hexdigest()}
        )

    def detach(self) -> None:
        """Remove the adapters and restore the base model's weights, bit for bit."""
        self._remove(keep_update=False)

    def _named(self) -> dict[str, nn.Parameter]:
        """Return the trainable parameters by name, A before B, in the order of the sites."""
        return {
            f"{name}.{key}": value
            for name, factors in self._factors.items()
            for key, value in factors.named_parameters()
        }

    def _adapt(self, site: Site) -> None:
        """Put the update on one weight."""
        weight: torch.Tensor = getattr(site.module, site.tensor)
        factors = {}
        centred = site.form == "centre"
        columns = weight.shape[1] if centred else weight[0].numel()
        for part, (start, stop) in site.bands.items():
            name = f"{site.path}.{part}"
            factors[part] = self._factors[name] = Factors(
                (stop - start, columns),
                self.config.rank,
                seed=self.seed,
                name=name,
                device=weight.device,
            )
        update = LowRankUpdate(site.bands, factors, self.config.scale, centred=centred)  # type: ignore[arg-type]
        parametrize.register_parametrization(site.module, site.tensor, update)

    def _remove(self, *, keep_update: bool) -> None:
        """Take the parametrisations off."""
        self._require_attached()
        for site in self.sites:
            with torch.no_grad():
                parametrize.remove_parametrizations(site.module, site.tensor, leave_parametrized=keep_update)
        self._attached = False

    def _require_attached(self) -> None:
        if not self._attached:
            raise ModelError(
                "these adapters were merged or detached: load the model again and attach new ones"
            )


def _refuse_other_rank(state: Mapping[str, torch.Tensor], rank: int, spec: str) -> None:
    """Raise one clear error if all factors have the same, but another, rank."""
    ranks = {len(value) for key, value in state.items() if key.endswith(".lora_a") and value.ndim == 2}
    if len(ranks) == 1 and ranks != {rank}:
        raise ModelError(
            f"the adapters are of rank {ranks.pop()}, and {spec} was given adapters of rank {rank}: use the "
            "same rank"
        )


def _refuse_other_depth(own: Iterable[str], state: Iterable[str], spec: str) -> None:
    """Raise one clear error if the adapters differ only in having more or fewer layers."""
    ours, theirs = set(own), set(state)
    if len(ours) != len(theirs) and (ours < theirs or theirs < ours):
        raise ModelError(
            f"the adapters are for {_weights(theirs)} weights of a model, and {spec} has {_weights(ours)}: "
            "they were made for a model of another depth, or other targets"
        )


def _weights(keys: Iterable[str]) -> int:
    """Return how many updates a state's keys name."""
    return len({key.rpartition(".")[0] for key in keys})
