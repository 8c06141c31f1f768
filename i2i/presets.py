"""Presets: settings for a purpose, by name, which lie between those of the paper and whatever is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from i2i.errors import UsageError, suggest

if TYPE_CHECKING:
    from i2i.contracts import Recipe

Settings = Mapping[str, Mapping[str, Any]]

PRESETS: Mapping[str, Settings] = {
    "paper": {},
    "small": {
        "data": {"crop": 128},
        "schedule": {"name": "linear"},
        "training": {"steps": 500, "batch_size": 4, "checkpoint_every": 250},
        "validation": {"every": 100, "samples": 5},
    },
    "fast": {
        "schedule": {"name": "linear"},
        "training": {"batch_size": 8},
        "validation": {"every": 500},
    },
}
"""What every recipe has: ``paper`` is its own settings, ``small`` for a CPU and some minutes, ``fast`` for a GPU, where
a step of eight pairs takes hardly longer than one of one pair. `Recipe.presets` goes over these."""


def settings_of(recipe: type[Recipe], name: str) -> list[Settings]:
    """Return the layers of settings of a preset, the less important first.

    Raises:
        UsageError: If there is none of this name.
    """
    known = {**PRESETS, **recipe.presets}
    if name not in known:
        raise UsageError(f"No preset {name!r}.{suggest(name, known)} Presets: {', '.join(known)}.")
    return [each[name] for each in (PRESETS, recipe.presets) if name in each]
