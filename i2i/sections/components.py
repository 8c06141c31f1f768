"""Options that name several components, each once: ``[l1, {name: fcn-score, judge: judges/camvid}]``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

from i2i.choices import Component


def _each_named_once(said: Any) -> Any:
    """Read components, each by its name or as a mapping with it."""
    if not isinstance(said, list | tuple):
        return said
    components = tuple(map(_as_component, said))
    if twice := [name for name, count in Counter(each.name for each in components).items() if count > 1]:
        raise ValueError(f"{twice[0]!r} is named twice. Name it once")
    return components


def _as_component(said: Any) -> Component:
    """Read a name, or a mapping with a name."""
    if isinstance(said, Component):
        return said
    entry = {"name": said} if isinstance(said, str) else said
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
        raise ValueError(f"{said!r} names none. Write such as l1, or {{name: l1}} with options beside the name")
    return Component(**entry)


def _as_said(components: Sequence[Component]) -> list[Any]:
    return [each.model_dump() if each.options else each.name for each in components]


Components = Annotated[
    tuple[Component, ...], BeforeValidator(_each_named_once), PlainSerializer(_as_said, return_type=list[Any])
]
"""Several, each named once."""
