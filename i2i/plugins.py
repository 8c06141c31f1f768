"""Finds installed plugins, keeps the catalogue of what they provide, and names the one to blame.

Plugins are entry points of two groups. ``i2i`` holds components that may import torch and is loaded at first use.
``i2i.commands`` holds commands and preparers and is loaded whenever the command line starts, so its modules import
heavy things inside functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, lru_cache
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from i2i import hookspecs
from i2i.errors import I2iError, UnknownNameError, UsageError, suggest
from i2i.kinds import COMPONENTS, HOOKS, KINDS, Manager, group_of, hook_of, no_kind, other_api

if TYPE_CHECKING:
    import typer

FAILURES = (Exception, SystemExit)
"""What a plugin's code may raise; one that leaves the interpreter is as broken as one that raises."""


class Provided(NamedTuple):
    """A component and where it comes from."""

    cls: type[Any]
    plugin: str
    distribution: str
    version: str
    sha256: str = ""
    """Checksum of the file, where the plugin is one file and no distribution; see `i2i.plugin_files`."""


class PluginProblem(NamedTuple):
    """What is wrong with one plugin, and with which distribution it came."""

    plugin: str
    distribution: str
    reason: str

    def __str__(self) -> str:
        return f"plugin {self.plugin!r} (from {self.distribution}): {self.reason.rstrip('.')}"


class _Found(NamedTuple):
    """What the plugins provide of one kind."""

    catalogue: dict[str, Provided]
    clashes: dict[str, str]


class Plugins:
    """The plugins of one entry-point group; each is asked once for each kind of component.

    Args:
        entry_points: What to load; a plugin that fails becomes a `PluginProblem` and stops nothing else.
    """

    def __init__(self, entry_points: Iterable[EntryPoint] = ()) -> None:
        self.manager = Manager()
        self.problems: list[PluginProblem] = []
        self._origin: dict[str, tuple[str, str, str]] = {}
        self._found: dict[str, _Found] = {}
        self._brought: dict[str, list[tuple[str, Any]]] | None = None
        self._other_api: dict[str, PluginProblem] = {}
        self._used: set[str] = set()
        for entry_point in sorted(entry_points, key=lambda e: (e.name, e.value)):
            self._load(entry_point)

    def _load(self, entry_point: EntryPoint) -> None:
        origin = (*_package(entry_point.dist), "") if entry_point.dist else ("unknown", "unknown", "")
        try:
            with at_work(entry_point.name, origin[0]):
                self.register(entry_point.load(), entry_point.name, *origin)
        except FAILURES as error:
            self._blame(entry_point.name, origin, describe(error))
            return
        for hook in self.hooks_of(entry_point.name):
            if HOOKS[hook] != entry_point.group:
                reason = f"{hook} is asked of the entry points {HOOKS[hook]!r}, not of {entry_point.group!r}. Move it."
                self._blame(entry_point.name, origin, reason)

    def _blame(self, plugin: str, origin: tuple[str, str, str], reason: str) -> None:
        problem = PluginProblem(plugin, f"{origin[0]} {origin[1]}", reason)
        if problem not in self.problems:
            self.problems.append(problem)

    def hooks_of(self, name: str) -> list[str]:
        """List the hooks that a plugin implements."""
        callers = self.manager.get_hookcallers(self.manager.get_plugin(name)) or []
        return [caller.name for caller in callers]

    def register(
        self, plugin: object, name: str, distribution: str = "local", version: str = "0", sha256: str = ""
    ) -> None:
        """Add one plugin. A hook of it that is not known becomes a `PluginProblem`; its other hooks serve.

        Raises:
            UsageError: If the name is taken.
        """
        if self.manager.has_plugin(name):
            raise UsageError(f"another plugin is called {name!r} too. Uninstall one, or rename its entry point.")
        self.manager.refused = []
        self.manager.register(plugin, name)
        self._found.clear()
        self._brought = None
        self._origin[name] = (distribution, version, sha256)
        if reason := other_api(getattr(plugin, "i2i_api", hookspecs.API)):
            self._other_api[name] = PluginProblem(name, f"{distribution} {version}", reason)
        for reason in self.manager.refused:
            self._blame(name, self._origin[name], reason)
        if not self.manager.refused and not self.hooks_of(name):
            self._blame(name, self._origin[name], "it implements no hook. Mark its hooks with @i2i.hookimpl.")

    def unregister(self, name: str) -> None:
        """Take one plugin away, with all that was said of it."""
        self.manager.unregister(name=name)
        self._found.clear()
        self._brought = None
        self._other_api.pop(name, None)
        self._used.discard(name)
        del self._origin[name]
        self.problems = [problem for problem in self.problems if problem.plugin != name]

    def checksums(self) -> dict[str, str]:
        """Return, by name, the checksum of each plugin that is one file."""
        return {name: sha256 for name, (_, _, sha256) in self._origin.items() if sha256}

    def _answers(self, hook: str) -> Iterator[tuple[str, Mapping[Any, Any]]]:
        """Ask every plugin with a hook; yields its name and what it answers."""
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            plugin = implementation.plugin_name
            try:
                with at_work(plugin, self._origin[plugin][0]):
                    answer = dict(implementation.function())
            except FAILURES as error:
                self._blame(plugin, self._origin[plugin], f"{hook}() fails: {describe(error)}")
            else:
                yield plugin, answer

    def kinds(self) -> list[str]:
        """List the kinds that these plugins bring, in alphabetical order."""
        return sorted(self._bring())

    def _bring(self) -> Mapping[str, list[tuple[str, Any]]]:
        """Return, for each kind that plugins bring, which plugin has what of it."""
        if self._brought is None:
            self._brought = {}
            for plugin, answer in self._answers("i2i_components"):
                for kind, components in answer.items():
                    if reason := no_kind(kind):
                        self._blame(plugin, self._origin[plugin], f"i2i_components() has {reason}")
                    else:
                        self._brought.setdefault(kind, []).append((plugin, components))
        return self._brought

    def _provided(self, kind: str) -> Iterator[tuple[str, Provided]]:
        """Yield every component of a kind, clashing names included."""
        hook = hook_of(kind)
        for plugin, components in self._answers(hook) if kind in KINDS else self._bring().get(kind, []):
            origin = self._origin[plugin]
            if not isinstance(components, Mapping):
                self._blame(plugin, origin, f"{hook}() has {kind!r}: {components!r}, not classes by name.")
                continue
            for name, cls in components.items():
                if isinstance(name, str) and isinstance(cls, type):
                    yield name, Provided(cls, plugin, *origin)
                else:
                    self._blame(plugin, origin, f"{hook}() has {name!r}: {cls!r}, not a name and a class.")

    def _find(self, kind: str) -> _Found:
        if kind not in self._found:
            owners: dict[str, list[Provided]] = {}
            for name, provided in self._provided(kind):
                owners.setdefault(name, []).append(provided)
            self._found[kind] = _Found(
                catalogue={name: found[0] for name, found in sorted(owners.items()) if len(found) == 1},
                clashes={
                    name: f"{kind} {name!r} is provided by both "
                    f"{' and '.join(f'plugin {provided.plugin!r}' for provided in found)}; uninstall or rename one."
                    for name, found in owners.items()
                    if len(found) > 1
                },
            )
        return self._found[kind]

    def catalogue(self, kind: str) -> Mapping[str, Provided]:
        """Return the components of a kind by name; a name that two plugins provide is in `clashes` instead."""
        return self._find(kind).catalogue

    def clashes(self, kind: str) -> Mapping[str, str]:
        """Return the names that more than one plugin provides, each with one line about who does."""
        return self._find(kind).clashes

    def clashes_of(self, plugin: str) -> Iterator[str]:
        """Yield a line for each name of one plugin that another provides too; asks all of them for everything."""
        for kind in (*KINDS, *self.kinds()):
            for name, provided in self._provided(kind):
                if provided.plugin == plugin and name in self.clashes(kind):
                    yield self.clashes(kind)[name]

    def made_for_others(self, *, used: bool = False) -> list[PluginProblem]:
        """List the plugins that say that they were made for another version of the interface, `hookspecs.API`.

        Args:
            used: Only those of which a component was looked up.
        """
        return [problem for name, problem in self._other_api.items() if name in self._used or not used]

    def add_commands(self, app: typer.Typer) -> None:
        """Let every plugin add its subcommands to ``app``."""
        for implementation in self.manager.hook.i2i_commands.get_hookimpls():
            plugin = implementation.plugin_name
            try:
                with at_work(plugin, self._origin[plugin][0]):
                    implementation.function(app=app)
            except FAILURES as error:
                self._blame(plugin, self._origin[plugin], f"i2i_commands() fails: {describe(error)}")

    def find_model(self, name: str, revision: str | None) -> Path | None:
        """Fetch the folder of the model that some plugin knows by this name.

        Raises:
            I2iError: If a plugin knows it and cannot get it.
        """
        for implementation in self.manager.hook.i2i_find_model.get_hookimpls():
            plugin = implementation.plugin_name
            try:
                if (found := implementation.function(name=name, revision=revision)) is not None:
                    return Path(str(found))
            except I2iError:
                raise
            except FAILURES as error:
                self._blame(plugin, self._origin[plugin], f"i2i_find_model() fails: {describe(error)}")
        return None

    def lookup(self, kind: str, name: str) -> Provided:
        """Return the component of that kind and name.

        Raises:
            UnknownNameError: If no plugin provides it; the message has the nearest name.
            UsageError: If two plugins do.
        """
        if name in (known := self.catalogue(kind)):
            self._used.add(known[name].plugin)
            return known[name]
        if name in (clashes := self.clashes(kind)):
            raise UsageError(clashes[name])
        listed = ", ".join(known) or "none"
        doctor = " A plugin is broken: see `i2i plugins doctor`." if self.problems else ""
        raise UnknownNameError(f"No {kind} named {name!r}.{suggest(name, known)} Installed: {listed}.{doctor}")


@lru_cache(maxsize=64)
def _package(distribution: Distribution) -> tuple[str, str]:
    """Return name and version of a distribution, which reads all that is said of it each time that it is asked."""
    return distribution.name, distribution.version


@contextmanager
def at_work(plugin: str, distribution: str) -> Iterator[None]:
    """Name the plugin whose code was at work when Ctrl-C came, or which raised KeyboardInterrupt itself."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"Plugin {plugin!r} (from {distribution}) was at work.") from None


def describe(error: BaseException) -> str:
    """Return one line about an exception."""
    text = " ".join(str(error).split())
    if isinstance(error, UsageError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@cache
def installed(group: str) -> Plugins:
    """Load, once, the plugins installed in this environment."""
    return Plugins(entry_points(group=group))


def kinds() -> list[str]:
    """List every kind of component: those that i2i knows, then those that the installed plugins bring."""
    return [*KINDS, *installed(COMPONENTS).kinds()]


def catalogue(kind: str) -> Mapping[str, Provided]:
    """Return the installed components of a kind, by name; none of a kind that nothing brings."""
    return installed(group_of(kind)).catalogue(kind)


def lookup(kind: str, name: str) -> Provided:
    """Return the installed component of that kind and name; see `Plugins.lookup`."""
    return installed(group_of(kind)).lookup(kind, name)


def installed_versions(distributions: Iterable[str]) -> dict[str, str]:
    """Return the version of each distribution that is installed, in their order."""
    found = {}
    for distribution in distributions:
        try:
            found[distribution] = version(distribution)
        except PackageNotFoundError:
            continue
    return found
