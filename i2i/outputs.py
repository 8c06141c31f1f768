"""Checks of what generators return, which blame the plugin of the one that broke its promise."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from i2i.contracts import CONTRACTS, Recipe, Wire
from i2i.errors import ContractError
from i2i.plugins import catalogue
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
    expected = (len(source), channels, *source.shape[2:])
    if not isinstance(fake, Tensor):
        raise ContractError(f"{blamed(generator)} returns a {type(fake).__name__}. Return the image alone.")
    if not fake.is_floating_point():
        raise ContractError(f"{blamed(generator)} returns {fake.dtype}. Return floating point numbers in [-1, 1].")
    if fake.shape != expected:
        made, wanted = tuple(fake.shape), tuple(expected)
        raise ContractError(
            f"{blamed(generator)} returns {made} for {tuple(source.shape)}, expected was {wanted}. "
            "A generator keeps height and width: pad inside, or say in size_multiple what sizes it takes."
        )
    return fake


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
            raise ContractError(
                f"{blamed(generator)} returns values up to {beyond:.3g}, which is outside [-1, 1]. End it with tanh."
            )

    handle = generator.register_forward_hook(check)


def blamed(generator: nn.Module) -> str:
    """Return what to call a generator in errors: its name and its plugin, or its class where no plugin has it."""
    for name, found in catalogue("generator").items():
        if found.cls is type(generator):
            return f"generator {name!r} of plugin {found.plugin!r} ({found.distribution} {found.version})"
    return type(generator).__name__
