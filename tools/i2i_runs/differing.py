"""What settings and environments of runs differ in."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from i2i.choices import as_choice
from i2i_runs.reading import Run

NOTHING = "-"
"""Of a setting that a run does not have."""


def settings_of(run: Run) -> dict[str, str]:
    """Return all settings of a run by ``section.option``, and its environment behind ``environment.``, as text."""
    sections = {**run.settings, **({"environment": run.environment} if run.environment else {})}
    return dict(_flat(sections, ""))


def _flat(values: Mapping[str, Any], before: str) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        key = f"{before}{name}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{key}.")
        elif isinstance(value, list) and value and all(isinstance(each, dict) and "name" in each for each in value):
            yield key, as_choice(value)
        else:
            yield key, value if isinstance(value, str) else json.dumps(value)


def differences(runs: Sequence[Run]) -> dict[str, list[str]]:
    """Return the settings that are not the same in all runs, each with that of every run.

    Of a part that some runs do not have, the name is enough, where its options are the same in those that have it.
    """
    settings = [settings_of(run) for run in runs]
    found = {}
    for name in dict.fromkeys(name for each in settings for name in each):
        part, _, option = name.rpartition(".")
        having = settings if option == "name" else [each for each in settings if f"{part}.name" in each] or settings
        if len({each.get(name, NOTHING) for each in having}) > 1:
            found[name] = [each.get(name, NOTHING) for each in settings]
    return found
