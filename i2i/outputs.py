"""Checks of what generators return, which blame the plugin of the one that broke its promise."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from i2i.contracts import CONTRACTS, Recipe, Wire
from i2i.errors import ContractError
from i2i.kinds import COMPONENTS, group_of
from i2i.plugins import catalogue, kinds
from i2i.serving import contracts_of

TOLERANCE = 1e-3
"""By which rounding may leave [-1, 1]."""


def check_fake(generator: nn.Module, source: Tensor, fake: Any, channels: int) -> Tensor:
    """Return what a generator made of a source, if that is what its contract promises.

    Args:
        generator: Who made it; its plugin is named.
        source: (N, C, H, W).
        fake: What was returned.
        channels: How many it has to have.

    Raises:
        ContractError: If it is no image of the source's height and width.
    """
    return check_made(blamed(type(generator)), fake, (len(source), channels, *source.shape[2:]), tuple(source.shape))


def check_made(maker: str, made: Any, expected: tuple[int, ...], given: tuple[int, ...]) -> Tensor:
    """Return what was made, if it is a tensor of floating point numbers of the expected shape.

    Args:
        maker: Who made it, for errors.
        made: What was returned.
        expected: Its shape.
        given: The shape of what it was made of, for errors.

    Raises:
        ContractError: If it is something else.
    """
    if not isinstance(made, Tensor):
        raise ContractError(f"{maker} returns a {type(made).__name__}. Return the image alone.")
    if not made.is_floating_point():
        raise ContractError(f"{maker} returns {made.dtype}. Return floating point numbers in [-1, 1].")
    if made.shape != expected:
        raise ContractError(
            f"{maker} returns {tuple(made.shape)} for {given}, expected was {expected}. "
            "Height and width are kept: pad inside, or say in size_multiple what sizes a network takes."
        )
    return made


def check_first(recipe: Recipe, wires: Mapping[str, Wire]) -> None:
    """Check what each generator of a recipe gives when it is first called, its range too; see `check_fake`.

    Args:
        recipe: Its parts of the kind ``generator`` are looked at.
        wires: What they were built with.
    """
    for part, contract in contracts_of(type(recipe)).items():
        arguments = wires[part].arguments if part in wires else ()
        if CONTRACTS[contract] == "generator" and len(arguments) > 1 and isinstance(arguments[1], int):
            bounded = wires[part].options.get("bounded", True)
            _check_next(recipe.get_submodule(part), arguments[1], bounded)


def _check_next(generator: nn.Module, channels: int, bounded: bool) -> None:
    """Check what this generator gives when it is called the next time."""

    def check(_: nn.Module, inputs: tuple[Tensor, ...], fake: Any) -> None:
        handle.remove()
        beyond = float(check_fake(generator, inputs[0], fake, channels).detach().abs().max())
        if bounded and beyond > 1 + TOLERANCE:
            said = f"returns values up to {beyond:.3g}, which is outside [-1, 1]. End it with tanh."
            raise ContractError(f"{blamed(type(generator))} {said}")

    handle = generator.register_forward_hook(check)


def blamed(cls: type[Any]) -> str:
    """Return what to call a component in errors: its name and its plugin, or its class where no plugin has it."""
    for kind in kinds():
        for name, found in catalogue(kind).items() if group_of(kind) == COMPONENTS else ():
            if found.cls is cls:
                return f"{kind} {name!r} of plugin {found.plugin!r} ({found.distribution} {found.version})"
    return cls.__name__
