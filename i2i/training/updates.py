"""Applies a recipe's updates: one optimizer a network, in the order in which the recipe yields them."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from i2i.config import RunConfig
from i2i.contracts import Batch, Recipe, Update
from i2i.errors import ContractError


class Applied(NamedTuple):
    """What the updates of one step yielded: scalars, detached, by ``network/name``."""

    losses: dict[str, Tensor]
    figures: dict[str, Tensor]


class Updater:
    """Optimizers of a recipe's networks.

    Args:
        recipe: Its direct children with trainable parameters are the networks, by name.
        lr: Learning rate of every network.
        betas: Decay rates of Adam's two moments.
    """

    def __init__(self, recipe: Recipe, *, lr: float, betas: tuple[float, float]) -> None:
        self.recipe = recipe
        self.parameters = {name: trainable for name, m in recipe.named_children() if (trainable := _trainable(m))}
        self.optimizers = {
            name: torch.optim.Adam(parameters, lr=lr, betas=betas, fused=_fused(parameters))
            for name, parameters in self.parameters.items()
        }

    def set_lr(self, lr: float) -> None:
        """Use another learning rate from the next step on."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = lr

    def step(self, batch: Batch) -> Applied:
        """Apply every update of one batch.

        Raises:
            ContractError: If the recipe yields an update that cannot be.
        """
        losses: dict[str, Tensor] = {}
        figures: dict[str, Tensor] = {}
        for update in self.recipe.step(batch):
            terms = update.terms
            self._check(update, terms)
            # sums in float32
            self._descend(update.names, torch.stack([term.float() for term in terms.values()]).sum())
            losses |= {f"{update.owner}/{name}": term.detach() for name, term in terms.items()}
            # a figure may be a buffer, which later steps change
            figures |= {f"{update.owner}/{name}": each.detach().clone() for name, each in update.figures.items()}
        return Applied(losses, figures)

    def _descend(self, names: tuple[str, ...], total: Tensor) -> None:
        """Make one step on some networks; gradients are theirs alone: nobody reads those of the others."""
        parameters = [parameter for name in names for parameter in self.parameters[name]]
        for name in names:
            self.optimizers[name].zero_grad()
        total.backward(inputs=parameters)
        for name in names:
            self.optimizers[name].step()
        # fused Adam does not say that it wrote: a loss computed before this update would get wrong gradients
        # from it in silence, where torch otherwise refuses
        torch.autograd.graph.increment_version(parameters)

    def _check(self, update: Update, terms: Mapping[str, Tensor]) -> None:
        recipe, names = type(self.recipe).__name__, update.names
        for name in names:
            if name not in self.optimizers:
                known = ", ".join(self.optimizers) or "none"
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


def _fused(parameters: Iterable[Tensor]) -> bool:
    return all(p.device.type in {"cpu", "cuda"} and p.is_floating_point() for p in parameters)


def lr_at(config: RunConfig, step: int, total: int) -> float:
    """Return the learning rate of a step (counted from 0) of ``total``.

    ``linear`` is constant until ``decay_start`` and then falls to zero over the rest, as in the PyTorch code of
    CycleGAN and pix2pix, where the first and the second hundred epochs are these two parts.
    """
    schedule, lr = config.schedule, config.optimizer.lr
    start = round(schedule.decay_start * total)
    if schedule.name == "constant" or step < start:
        return lr
    return lr * ((total - step) / (total - start + 1))
