"""Everything that a plugin may provide. Names are stable: they are written into every model's ``config.json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from pathlib import Path

    import typer

    from i2i.contracts import Recipe

API = 1
"""Version of this interface: of the hooks, and of the contracts of what they provide.

A plugin may say in its module which one it was made for: ``i2i_api = 1``.
"""

hookspec = pluggy.HookspecMarker("i2i")
hookimpl = pluggy.HookimplMarker("i2i")


@hookspec
def i2i_generators() -> Mapping[str, type[Any]]:  # type: ignore[empty-body]
    """Networks that turn a source into a fake, by name; see `i2i.contracts.Generator`."""


@hookspec
def i2i_discriminators() -> Mapping[str, type[Any]]:  # type: ignore[empty-body]
    """Networks that judge images, by name; see `i2i.contracts.Discriminator`."""


@hookspec
def i2i_losses() -> Mapping[str, type[Any]]:  # type: ignore[empty-body]
    """Losses, by name; see `i2i.contracts.Loss` and `i2i.contracts.AdversarialLoss`."""


@hookspec
def i2i_penalties() -> Mapping[str, type[Any]]:  # type: ignore[empty-body]
    """Terms that hold a discriminator back, by name; see `i2i.contracts.Penalty`."""


@hookspec
def i2i_recipes() -> Mapping[str, type[Recipe]]:  # type: ignore[empty-body]
    """Methods, by name; see `i2i.contracts.Recipe`."""


@hookspec
def i2i_metrics() -> Mapping[str, type[Any]]:  # type: ignore[empty-body]
    """Figures that compare a fake with its target, by name; see `i2i.contracts.Metric`."""


@hookspec
def i2i_datasets() -> Mapping[str, type[Any]]:  # type: ignore[empty-body]
    """Readers of pairs, by name; see `i2i.pairs.Dataset`."""


@hookspec
def i2i_optimizers() -> Mapping[str, type[Any]]:  # type: ignore[empty-body]
    """Optimizers of networks, by name: ``torch.optim.Optimizer`` of parameters, with an option ``lr``."""


@hookspec
def i2i_loggers() -> Mapping[str, type[Any]]:  # type: ignore[empty-body]
    """Those who hear how a run goes, by name; see `i2i.contracts.Logger`."""


@hookspec
def i2i_exporters() -> Mapping[str, type[Any]]:  # type: ignore[empty-body]
    """Writers of trained models for other runtimes, by the name of the format; see `i2i.exporters.Exporter`."""


@hookspec
def i2i_preparers() -> Mapping[str, type[Any]]:  # type: ignore[empty-body]
    """Makers of pairs, by name; see `i2i.pairs.Preparer`. Asked of the group ``i2i.commands``."""


@hookspec
def i2i_components() -> Mapping[str, Mapping[str, type[Any]]]:  # type: ignore[empty-body]
    """Components of kinds that a plugin brings, by kind, then by name; not of kinds that have a hook of their own."""


@hookspec
def i2i_commands(app: typer.Typer) -> None:
    """Add subcommands to ``app``. Asked of the group ``i2i.commands``."""


@hookspec
def i2i_find_model(name: str, revision: str | None) -> Path | None:
    """Folder of a model that is not on this disk under that name, fetched; None where the name is not known.

    Asked of the group ``i2i.commands``. An `i2i.errors.I2iError` that it raises reaches the user.
    """
