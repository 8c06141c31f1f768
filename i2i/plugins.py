"""Finds installed plugins, keeps the catalogue of what they provide, and names the one to blame.

Plugins are entry points of two groups. ``i2i`` holds components that may import torch and is loaded at first use.
``i2i.commands`` holds commands and preparers and is loaded whenever the command line starts, so its modules import
heavy things inside functions.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pluggy

from i2i import hookspecs
from i2i.errors import I2iError, UnknownNameError, UsageError

if TYPE_CHECKING:
    import typer

from importlib.metadata import PackageNotFoundError, version

COMPONENTS = "i2i"
COMMANDS = "i2i.commands"


class Kind(NamedTuple):
    """How components of one kind are asked for."""

    hook: str
    group: str


KINDS = {
    "recipe": Kind("i2i_recipes", COMPONENTS),
    "generator": Kind("i2i_generators", COMPONENTS),
    "discriminator": Kind("i2i_discriminators", COMPONENTS),
    "loss": Kind("i2i_losses", COMPONENTS),
    "metric": Kind("i2i_metrics", COMPONENTS),
    "dataset": Kind("i2i_datasets", COMPONENTS),
    "preparer": Kind("i2i_preparers", COMMANDS),
}

HOOKS = {kind.hook: kind.group for kind in KINDS.values()} | {"i2i_commands": COMMANDS, "i2i_find_model": COMMANDS}
"""Every hook, and the group of entry points that is asked for it."""


FAILURES = (Exception, SystemExit)
"""What a plugin's code may raise; one that leaves the interpreter is as broken as one that raises."""


class Provided(NamedTuple):
    """A component and where it comes from."""

    cls: type[Any]
    plugin: str
    distribution: str
    version: str


class Problem(NamedTuple):
    """What is wrong with one plugin, and with which distribution it came."""

    plugin: str
    distribution: str
    reason: str

    def __str__(self) -> str:
        return f"plugin {self.plugin!r} (from {self.distribution}): {self.reason.rstrip('.')}"


class Plugins:
    """The plugins of one entry-point group.

    Args:
        entry_points: What to load; a plugin that fails becomes a `Problem` and stops nothing else.
    """

    def __init__(self, entry_points: Iterable[EntryPoint] = ()) -> None:
        self.manager = pluggy.PluginManager("i2i")
        self.manager.add_hookspecs(hookspecs)
        self.problems: list[Problem] = []
        self._origin: dict[str, tuple[str, str]] = {}
        for entry_point in sorted(entry_points, key=lambda e: (e.name, e.value)):
            self._load(entry_point)

    def _load(self, entry_point: EntryPoint) -> None:
        dist = entry_point.dist
        origin = (dist.name, dist.version) if dist else ("unknown", "unknown")
        try:
            self.register(entry_point.load(), entry_point.name, *origin)
        except FAILURES as error:
            self._blame(entry_point.name, origin, describe(error))
            return
        hooks = self._hooks_of(entry_point.name)
        if not hooks:
            self._blame(entry_point.name, origin, "it implements no hook. Mark its hooks with @i2i.hookimpl.")
        for hook in hooks:
            if HOOKS[hook] != entry_point.group:
                reason = f"{hook} is asked of the entry points {HOOKS[hook]!r}, not of {entry_point.group!r}. Move it."
                self._blame(entry_point.name, origin, reason)

    def _blame(self, plugin: str, origin: tuple[str, str], reason: str) -> None:
        problem = Problem(plugin, " ".join(origin), reason)
        if problem not in self.problems:
            self.problems.append(problem)

    def _hooks_of(self, name: str) -> list[str]:
        callers = self.manager.get_hookcallers(self.manager.get_plugin(name)) or []
        return [caller.name for caller in callers]

    def register(self, plugin: object, name: str, distribution: str = "local", version: str = "0") -> None:
        """Add one plugin.

        Raises:
            UsageError: If the name is taken, or the plugin implements a hook that does not exist.
        """
        if self.manager.has_plugin(name):
            raise UsageError(f"another plugin is called {name!r} too. Uninstall one, or rename its entry point.")
        try:
            self.manager.register(plugin, name)
            for hook in self._hooks_of(name):
                if hook not in HOOKS:
                    raise UsageError(f"there is no hook {hook!r}.{suggest(hook, HOOKS)}")
        except Exception:
            if self.manager.has_plugin(name):  # a plugin with one bad hook gives nothing, rather than a part
                self.manager.unregister(name=name)
            raise
        self._origin[name] = (distribution, version)

    def provided(self, kind: str) -> Iterator[tuple[str, Provided]]:
        """Every component of a kind, clashing names included."""
        for implementation in getattr(self.manager.hook, KINDS[kind].hook).get_hookimpls():
            plugin = implementation.plugin_name
            origin = self._origin[plugin]
            try:
                components = dict(implementation.function())
            except FAILURES as error:
                self._blame(plugin, origin, f"{KINDS[kind].hook}() fails: {describe(error)}")
                continue
            for name, cls in components.items():
                if isinstance(name, str) and isinstance(cls, type):
                    yield name, Provided(cls, plugin, *origin)
                else:
                    self._blame(plugin, origin, f"{KINDS[kind].hook}() has {name!r}: {cls!r}, not a name and a class.")

    def add_commands(self, app: typer.Typer) -> None:
        """Let every plugin add its subcommands to ``app``."""
        for implementation in self.manager.hook.i2i_commands.get_hookimpls():
            try:
                implementation.function(app=app)
            except FAILURES as error:
                plugin = implementation.plugin_name
                self._blame(plugin, self._origin[plugin], f"i2i_commands() fails: {describe(error)}")

    def find_model(self, name: str, revision: str | None) -> Path | None:
        """Folder of the model that some plugin knows by this name.

        Raises:
            I2iError: If a plugin knows it and cannot get it.
        """
        for implementation in self.manager.hook.i2i_find_model.get_hookimpls():
            try:
                if (found := implementation.function(name=name, revision=revision)) is not None:
                    return Path(str(found))
            except I2iError:
                raise
            except FAILURES as error:
                plugin = implementation.plugin_name
                self._blame(plugin, self._origin[plugin], f"i2i_find_model() fails: {describe(error)}")
        return None

    def catalogue(self, kind: str) -> dict[str, Provided]:
        """Components of a kind by name; a name that two plugins provide is in `clashes` instead."""
        clashes = self.clashes(kind)
        provided = sorted(self.provided(kind), key=itemgetter(0))
        return {name: component for name, component in provided if name not in clashes}

    def clashes(self, kind: str) -> dict[str, str]:
        """Names that more than one plugin provides, each with one line about who does."""
        owners: dict[str, list[str]] = {}
        for name, provided in self.provided(kind):
            owners.setdefault(name, []).append(f"plugin {provided.plugin!r}")
        return {
            name: f"{kind} {name!r} is provided by both {' and '.join(plugins)}; uninstall or rename one."
            for name, plugins in owners.items()
            if len(plugins) > 1
        }

    def lookup(self, kind: str, name: str) -> Provided:
        """The component of that kind and name.

        Raises:
            UnknownNameError: If no plugin provides it; the message has the nearest name.
            UsageError: If two plugins do.
        """
        if name in (known := self.catalogue(kind)):
            return known[name]
        if name in (clashes := self.clashes(kind)):
            raise UsageError(clashes[name])
        listed = ", ".join(known) or "none"
        doctor = " A plugin is broken: see `i2i plugins doctor`." if self.problems else ""
        raise UnknownNameError(f"No {kind} named {name!r}.{suggest(name, known)} Installed: {listed}.{doctor}")


def describe(error: BaseException) -> str:
    """One line about an exception."""
    text = " ".join(str(error).split())
    if isinstance(error, UsageError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def suggest(name: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` where some known name is near, else nothing."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


@cache
def installed(group: str) -> Plugins:
    """The plugins installed in this environment, loaded once."""
    return Plugins(entry_points(group=group))


def catalogue(kind: str) -> dict[str, Provided]:
    """Installed components of a kind, by name."""
    return installed(KINDS[kind].group).catalogue(kind)


def lookup(kind: str, name: str) -> Provided:
    """The installed component of that kind and name; see `Plugins.lookup`."""
    return installed(KINDS[kind].group).lookup(kind, name)


def installed_versions(distributions: Iterable[str]) -> dict[str, str]:
    """Version of each distribution, in their order; those that are not installed are left out: OpenCV has four."""
    found = {}
    for distribution in distributions:
        try:
            found[distribution] = version(distribution)
        except PackageNotFoundError:
            continue
    return found
