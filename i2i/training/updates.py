"""Applies a recipe's updates: one optimizer a network, in the order in which the recipe yields them."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from i2i.config import RunConfig
from i2i.contracts import Batch, Recipe
from i2i.errors import UsageError


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

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Apply every update of one batch; returns the losses, detached, as ``network/loss``."""
        losses: dict[str, Tensor] = {}
        for update in self.recipe.step(batch):
            optimizer = self.optimizer(update.network)
            if not update.losses:
                raise UsageError(f"{type(self.recipe).__name__} yields an update of {update.network!r} without losses.")
            optimizer.zero_grad()
            # float32 sums, and gradients of this network alone: nobody reads those of the others
            total = torch.stack([loss.float() for loss in update.losses.values()]).sum()
            total.backward(inputs=self.parameters[update.network])
            optimizer.step()
            # fused Adam does not say that it wrote: a loss computed before this update would get wrong gradients
            # from it in silence, where torch otherwise refuses
            torch.autograd.graph.increment_version(self.parameters[update.network])
            losses |= {f"{update.network}/{name}": loss.detach() for name, loss in update.losses.items()}
        return losses

    def optimizer(self, network: str) -> torch.optim.Optimizer:
        """Return the optimizer of a network.

        Raises:
            UsageError: If the recipe has no such network, or nothing in it can be trained.
        """
        if network not in self.optimizers:
            raise UsageError(
                f"{type(self.recipe).__name__} yields an update of {network!r}, but its networks are "
                f"{', '.join(self.optimizers) or 'none'}. Mend the recipe."
            )
        return self.optimizers[network]


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
