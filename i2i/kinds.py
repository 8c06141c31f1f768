"""What plugins may provide: kinds of components and hooks, and which entry points are asked for them."""

import inspect
from typing import Any, NamedTuple

import pluggy

from i2i import hookspecs
from i2i.errors import suggest

COMPONENTS = "i2i"
"""Group of entry points that hold components: may import torch, and are loaded at first use."""
COMMANDS = "i2i.commands"
"""Group of entry points that hold commands and preparers: loaded whenever the command line starts."""


class Kind(NamedTuple):
    """How components of one kind are asked for."""

    hook: str
    group: str


KINDS = {
    "recipe": Kind("i2i_recipes", COMPONENTS),
    "generator": Kind("i2i_generators", COMPONENTS),
    "discriminator": Kind("i2i_discriminators", COMPONENTS),
    "loss": Kind("i2i_losses", COMPONENTS),
    "penalty": Kind("i2i_penalties", COMPONENTS),
    "metric": Kind("i2i_metrics", COMPONENTS),
    "optimizer": Kind("i2i_optimizers", COMPONENTS),
    "dataset": Kind("i2i_datasets", COMPONENTS),
    "logger": Kind("i2i_loggers", COMPONENTS),
    "exporter": Kind("i2i_exporters", COMPONENTS),
    "preparer": Kind("i2i_preparers", COMMANDS),
}
"""The kinds that i2i knows; plugins bring others by the hook ``i2i_components``, see `i2i.plugins.kinds`."""

HOOKS = {kind.hook: kind.group for kind in KINDS.values()} | {
    "i2i_components": COMPONENTS,
    "i2i_commands": COMMANDS,
    "i2i_find_model": COMMANDS,
}
"""Every hook, and the group of entry points that is asked for it."""


def hook_of(kind: str) -> str:
    """Return the hook that provides a kind."""
    return KINDS[kind].hook if kind in KINDS else "i2i_components"


def group_of(kind: str) -> str:
    """Return the group of entry points whose plugins provide a kind."""
    return KINDS[kind].group if kind in KINDS else COMPONENTS


class Manager(pluggy.PluginManager):
    """Registers the hooks of a plugin one by one: a bad one is refused, with the reason, and the others serve."""

    def __init__(self) -> None:
        super().__init__("i2i")
        self.refused: list[str] = []
        self.add_hookspecs(hookspecs)

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        """Return how a function is marked, or None where it is no hook or a bad one."""
        marked = super().parse_hookimpl_opts(plugin, name)
        if marked is None:
            return None
        hook = marked["specname"] or name
        if hook not in HOOKS:
            self.refused.append(f"there is no hook {hook!r}, so it is not asked.{suggest(hook, HOOKS)}")
            return None
        known = inspect.signature(getattr(hookspecs, hook)).parameters
        if unknown := [word for word in inspect.signature(getattr(plugin, name)).parameters if word not in known]:
            takes = f"takes {', '.join(known)}" if known else "takes nothing"
            self.refused.append(f"{hook}() {takes}, and not {', '.join(unknown)}, so it is not asked.")
            return None
        return marked


def no_kind(name: Any) -> str:
    """Say why a plugin cannot bring a kind of that name; nothing where it can."""
    if name in KINDS:
        return f"the kind {name!r}, which has a hook of its own. Provide it by {KINDS[name].hook}."
    if not isinstance(name, str) or not name.replace("-", "_").isidentifier():
        return f"the kind {name!r}. Call a kind by a word, such as 'projector'."
    return ""


def other_api(version: Any) -> str:
    """Say what it means that a plugin was made for a version of the interface; nothing where that is this one."""
    if version == hookspecs.API:
        return ""
    newer = isinstance(version, int) and version > hookspecs.API
    advice = "Update i2i-toolkit" if newer else "Look for a newer version of the plugin"
    return f"it is made for version {version!r} of the plugin interface, and this i2i has {hookspecs.API}. {advice}."
