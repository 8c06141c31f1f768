"""Applies a recipe's updates: one optimizer a network, in the order in which the recipe yields them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import reduce
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from i2i.compute.precision import Numbers, computing
from i2i.contracts import Recipe, Update
from i2i.errors import ContractError, UsageError, suggest
from i2i.options import build
from i2i.plugins import lookup
from i2i.sections.networks import Decay, Optimizer, Updating
from i2i.training.averages import Averages
from i2i.training.batch_norm import SharedStatistics
from i2i.training.portions import Portion
from i2i.training.ranks import NO_OTHERS, Ranks


class Applied(NamedTuple):
    """What the updates of one step yielded: scalars, detached, by ``network/name``."""

    losses: dict[str, Tensor]
    figures: dict[str, Tensor]

    def and_of(self, update: Update, share: float) -> Self:
        """Return the same and what an update yielded of a portion with this share."""
        losses = {f"{update.owner}/{name}": term.detach() for name, term in update.terms.items()}
        # a figure may be a buffer, which later steps change
        figures = {f"{update.owner}/{name}": each.detach().clone() for name, each in update.figures.items()}
        return self._replace(losses=_added(self.losses, losses, share), figures=_added(self.figures, figures, share))


def _added(before: dict[str, Tensor], values: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    parts = values if share == 1 else {name: value * share for name, value in values.items()}
    return {name: before[name] + value if name in before else value for name, value in parts.items()}


class _Kind(NamedTuple):
    """What two updates must have alike to be one update of two portions."""

    names: tuple[str, ...]
    losses: frozenset[str]
    figures: frozenset[str]


class Updater:
    """Optimizers of a recipe's networks, which are its direct children with trainable parameters, by name.

    Args:
        recipe: Whose updates are applied. What is frozen of it is no longer trainable then.
        optimizer: The section ``optimizer`` of the configuration.
        average: Network -> decay of the running average of its weights, a number or a power function.
        numbers: What the networks compute in.
        ranks: The processes whose gradients are added up.

    Raises:
        UsageError: If it sets a network that the recipe does not have, or options that its optimizer refuses.
    """

    def __init__(
        self,
        recipe: Recipe,
        optimizer: Mapping[str, Any],
        average: Mapping[str, Decay] = {},
        numbers: Numbers = "float32",
        ranks: Ranks = NO_OTHERS,
    ) -> None:
        self.recipe, self.numbers, self._ranks = recipe, numbers, ranks
        self._shares_statistics = not ranks.alone and any(isinstance(m, _BatchNorm) for m in recipe.modules())
        settings = Optimizer.read(optimizer, "optimizer")
        self.networks = {name: module for name, module in recipe.named_children() if _trainable(module)}
        self._check_known("optimizer", settings.networks)
        self._check_known("average", average)
        self.averages = Averages(recipe, average)
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        self.parameters: dict[str, list[nn.Parameter]] = {}
        self._clips = {name: settings.of(name).clip for name in self.networks}
        for name, network in self.networks.items():
            if settings.of(name).frozen:
                network.requires_grad_(False)
            else:
                self.parameters[name] = _trainable(network)
                self.optimizers[name] = _built(settings.of(name), self.parameters[name], name)
        self.before: Callable[[Iterable[str]], object] = _nothing
        """Is told the names of networks before they are updated, and may have that wait."""
        self._updated = dict[str, None]()
        self._factor = 1.0
        self._rates = {name: [group["lr"] for group in each.param_groups] for name, each in self.optimizers.items()}

    def _check_known(self, section: str, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.networks:
                known = ", ".join(self.networks) or "none"
                raise UsageError(f"{section}: no network {name!r}.{suggest(name, self.networks)} Networks: {known}.")

    def changing(self) -> dict[str, list[Tensor]]:
        """Return what changes when a network is updated and at no other time, in the order of the first updates.

        It is told of networks that were updated before. Others may be a recipe's own affair, which changes them as and
        when it likes.
        """
        found: dict[str, list[Tensor]] = {}
        for name in self._updated:
            states: Iterable[Mapping[str, Any]] = self.optimizers[name].state.values()
            kept = (value for state in states for value in state.values() if isinstance(value, Tensor))
            found[name] = [*self.parameters[name], *kept, *self.averages.weights.get(name, {}).values()]
        return found

    def scale(self, factor: float) -> None:
        """Use this part of every network's learning rate from the next step on."""
        if factor == self._factor:
            return
        self._factor = factor
        for name, optimizer in self.optimizers.items():
            for group, rate in zip(optimizer.param_groups, self._rates[name], strict=True):
                if isinstance(group["lr"], Tensor):
                    group["lr"].fill_(rate * factor)
                else:
                    group["lr"] = rate * factor

    def step(self, **given: Any) -> Applied:
        """Apply every update of one batch, which is computed at once.

        Args:
            given: Fields of the data, and the clock, by name.

        Raises:
            ContractError: If the recipe yields an update that cannot be.
        """
        return self.step_in([Portion(given, 1.0)])

    def step_in(self, portions: Iterable[Portion]) -> Applied:
        """Apply every update of one batch, which is computed in portions.

        All portions come to an update before it is applied, and go on from there through the networks that it changed.
        So it is what one step of the whole batch would be, but for statistics of a batch. What a portion computed
        before an update and needs after it is kept meanwhile, for every portion.

        Args:
            portions: What they are given, and their shares, which add up to 1.

        Raises:
            ContractError: If the recipe yields an update that cannot be, or not the same ones for every portion.
        """
        advancing = [(self.recipe.step(**portion.given), portion.share) for portion in portions]
        losses: dict[str, Tensor] = {}
        figures: dict[str, Tensor] = {}
        with computing(self.networks.values(), self._device, self.numbers):
            while (applied := self._apply(advancing)) is not None:
                losses |= applied.losses
                figures |= applied.figures
        return Applied(losses, figures)

    @property
    def _device(self) -> torch.device:
        return next((value.device for value in self.recipe.parameters()), torch.device("cpu"))

    def _apply(self, advancing: Iterable[tuple[Iterator[Update], float]]) -> Applied | None:
        """Bring every portion to its next update, and apply that; None where there is no more."""
        kinds: list[_Kind | None] = []
        applied = Applied({}, {})
        for step, share in advancing:
            with self._sharing(idle=not share):  # also when what the gradient needs is computed again
                update = next(step, None)
                kinds.append(self._kind(update))
                if kinds[-1] != kinds[0]:
                    raise ContractError(
                        f"{type(self.recipe).__name__} yields other updates for one portion of a batch than for "
                        "another. They may depend on the clock, and not on the data. Mend it."
                    )
                if update is not None:
                    self._add_gradient(update, share, anew=len(kinds) == 1)
                    applied = applied.and_of(update, share)
                del update  # what it holds need not outlast the next portion
        if kinds[0] is None:
            return None
        applied = self._over_all_ranks(kinds[0].names, applied)
        self._descend(kinds[0].names)
        return applied

    def _kind(self, update: Update | None) -> _Kind | None:
        if update is None:
            return None
        self.check(update)
        return _Kind(update.names, frozenset(update.terms), frozenset(update.figures))

    def _sharing(self, *, idle: bool) -> AbstractContextManager[Any]:
        """Share the statistics of batch norms among processes, where there are both."""
        return SharedStatistics(self._ranks, idle=idle) if self._shares_statistics else nullcontext()

    def _over_all_ranks(self, names: Iterable[str], applied: Applied) -> Applied:
        """Add up what portions yielded, and the gradients of some networks, over all processes."""
        if self._ranks.alone:
            return applied
        gradients = [each.grad for name in self._trained(names) for each in self.parameters[name]]
        scalars = [*applied.losses.values(), *applied.figures.values()]
        kind = reduce(torch.promote_types, [scalar.dtype for scalar in scalars], torch.float32)
        said = torch.stack([scalar.to(kind) for scalar in scalars])
        self._ranks.add_up([*(each for each in gradients if each is not None), said])
        losses, figures = said[: len(applied.losses)], said[len(applied.losses) :]
        return Applied(
            dict(zip(applied.losses, losses.unbind(), strict=True)),
            dict(zip(applied.figures, figures.unbind(), strict=True)),
        )

    def _trained(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if name in self.optimizers]

    def _add_gradient(self, update: Update, share: float, *, anew: bool) -> None:
        """Add the gradient of a portion's losses to that of its networks; nobody reads those of the others."""
        trained = self._trained(update.names)
        for name in trained if anew else ():
            self.optimizers[name].zero_grad()
        parameters = [parameter for name in trained for parameter in self.parameters[name]]
        if parameters:
            # at least in float32
            terms = [term.to(torch.promote_types(term.dtype, torch.float32)) for term in update.terms.values()]
            total = torch.stack(terms).sum()
            (total if share == 1 else total * share).backward(inputs=parameters)

    def _descend(self, names: Iterable[str]) -> None:
        """Make one step on some networks."""
        trained = self._trained(names)
        self._updated |= dict.fromkeys(trained)
        self.before(trained)
        for name in trained:
            if (clip := self._clips[name]) is not None:
                nn.utils.clip_grad_norm_(self.parameters[name], clip)
            self.optimizers[name].step()
        # fused Adam does not say that it wrote: a loss computed before this update would get wrong gradients
        # from it in silence, where torch otherwise refuses
        torch.autograd.graph.increment_version([each for name in trained for each in self.parameters[name]])
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


def _nothing(_: object) -> None:
    pass


def _trainable(module: nn.Module) -> list[nn.Parameter]:
    return [p for p in module.parameters() if p.requires_grad]


def _built(updating: Updating, parameters: list[nn.Parameter], network: str) -> torch.optim.Optimizer:
    owner = f"optimizer.{network} {updating.optimizer!r}"
    optimizer: torch.optim.Optimizer = build(
        lookup("optimizer", updating.optimizer).cls, parameters, options=updating.options, owner=owner
    )
    return optimizer
