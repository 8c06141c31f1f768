"""Applies a recipe's updates: one optimizer a network, in the order in which the recipe yields them."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from i2i.contracts import Recipe, Update
from i2i.errors import ContractError, UsageError, suggest
from i2i.options import build
from i2i.plugins import lookup
from i2i.sections.networks import Optimizer, Updating
from i2i.training.averages import Averages


class Applied(NamedTuple):
    """What the updates of one step yielded: scalars, detached, by ``network/name``."""

    losses: dict[str, Tensor]
    figures: dict[str, Tensor]


class Updater:
    """Optimizers of a recipe's networks, which are its direct children with trainable parameters, by name.

    Args:
        recipe: Whose updates are applied. What is frozen of it is no longer trainable then.
        optimizer: The section ``optimizer`` of the configuration.
        average: Network -> decay of the running average of its weights.

    Raises:
        UsageError: If it sets a network that the recipe does not have, or options that its optimizer refuses.
    """

    def __init__(self, recipe: Recipe, optimizer: Mapping[str, Any], average: Mapping[str, float] = {}) -> None:
        self.recipe = recipe
        settings = Optimizer.read(optimizer, "optimizer")
        self.networks = {name: module for name, module in recipe.named_children() if _trainable(module)}
        self._check_known("optimizer", settings.networks)
        self._check_known("average", average)
        self.averages = Averages(recipe, average)
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        self.parameters: dict[str, list[nn.Parameter]] = {}
        for name, network in self.networks.items():
            if settings.of(name).frozen:
                network.requires_grad_(False)
            else:
                self.parameters[name] = _trainable(network)
                self.optimizers[name] = _built(settings.of(name), self.parameters[name], name)
        self._rates = {name: [group["lr"] for group in each.param_groups] for name, each in self.optimizers.items()}

    def _check_known(self, section: str, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.networks:
                known = ", ".join(self.networks) or "none"
                raise UsageError(f"{section}: no network {name!r}.{suggest(name, self.networks)} Networks: {known}.")

    def scale(self, factor: float) -> None:
        """Use this part of every network's learning rate from the next step on."""
        for name, optimizer in self.optimizers.items():
            for group, rate in zip(optimizer.param_groups, self._rates[name], strict=True):
                group["lr"] = rate * factor

    def step(self, **given: Any) -> Applied:
        """Apply every update of one batch.

        Args:
            given: Fields of the data, and the clock, by name.

        Raises:
            ContractError: If the recipe yields an update that cannot be.
        """
        losses: dict[str, Tensor] = {}
        figures: dict[str, Tensor] = {}
        for update in self.recipe.step(**given):
            terms = update.terms
            self.check(update)
            # sums in float32
            self._descend(update.names, torch.stack([term.float() for term in terms.values()]).sum())
            losses |= {f"{update.owner}/{name}": term.detach() for name, term in terms.items()}
            # a figure may be a buffer, which later steps change
            figures |= {f"{update.owner}/{name}": each.detach().clone() for name, each in update.figures.items()}
        return Applied(losses, figures)

    def _descend(self, names: tuple[str, ...], total: Tensor) -> None:
        """Make one step on some networks; gradients are theirs alone: nobody reads those of the others."""
        trained = [name for name in names if name in self.optimizers]
        parameters = [parameter for name in trained for parameter in self.parameters[name]]
        if not parameters:
            return  # all of them are frozen
        for name in trained:
            self.optimizers[name].zero_grad()
        total.backward(inputs=parameters)
        for name in trained:
            self.optimizers[name].step()
        # fused Adam does not say that it wrote: a loss computed before this update would get wrong gradients
        # from it in silence, where torch otherwise refuses
        torch.autograd.graph.increment_version(parameters)
        for name in trained:
            self.averages.follow(name)

    def check(self, update: Update) -> None:
        """Refuse an update that cannot be applied.

        Raises:
            ContractError: If it cannot.
        """
        recipe, names, terms = type(self.recipe).__name__, update.names, update.terms
        for name in names:
            if name not in self.networks:
                known = ", ".join(self.networks) or "none"
                raise ContractError(f"{recipe} yields an update of {name!r}, but its networks are {known}. Mend it.")
        if len(set(names)) < len(names) or not names:
            raise ContractError(f"{recipe} yields an update of {names}. Name each network once.")
        if not terms:
            raise ContractError(f"{recipe} yields an update of {update.owner!r} without losses. Mend it.")
        if twice := sorted(terms.keys() & update.figures.keys()):
            raise ContractError(f"{recipe} yields a loss and a figure {twice[0]!r} of {update.owner!r}. Rename one.")
        for name, value in {**terms, **update.figures}.items():
            if value.dim():
                raise ContractError(
                    f"{recipe} yields {name!r} of {update.owner!r}, of shape {tuple(value.shape)}. "
                    "Losses and figures are scalars: take the mean."
                )


def _trainable(module: nn.Module) -> list[nn.Parameter]:
    return [p for p in module.parameters() if p.requires_grad]


def _built(updating: Updating, parameters: list[nn.Parameter], network: str) -> torch.optim.Optimizer:
    owner = f"optimizer.{network} {updating.optimizer!r}"
    optimizer: torch.optim.Optimizer = build(
        lookup("optimizer", updating.optimizer).cls, parameters, options=updating.options, owner=owner
    )
    return optimizer
