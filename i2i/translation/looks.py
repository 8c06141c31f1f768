"""Inputs that look otherwise than the sources that a model learned from: said, and brought there if asked."""

import logging
from collections.abc import Collection, Mapping
from typing import Literal, NamedTuple

from i2i import images
from i2i.errors import UnknownNameError, UsageError
from i2i.images.geometry import fit as framed
from i2i.looks import Fitted, Look, look_of
from i2i.options import build
from i2i.pairs import Pixels
from i2i.plugins import lookup
from i2i.translation.model import CONFIG, ModelConfig

_log = logging.getLogger(__name__)

Fit = Literal["none", "auto"]
"""Whether inputs that are far from a model's sources are brought there."""

SMALLEST_SIDE = 256
"""Pixels of a picture that explains a result, at least."""


class Compared(NamedTuple):
    """The fields of an item after they were compared with what the model learned from."""

    fields: dict[str, Pixels]
    notes: tuple[str, ...]
    """In what they were far, and what was done."""


class Looks:
    """What the sources of a model look like.

    Args:
        config: The model, which remembers it, or does not.
        sources: The fields that are taken.
        fit: Whether to bring there what is far.

    Raises:
        UsageError: If inputs are to be brought there and the model remembers nothing, or what it remembers is wrong.
        UnknownNameError: If inputs are to be brought there and a preparer is not installed.
    """

    def __init__(self, config: ModelConfig, sources: Collection[str], fit: Fit) -> None:
        self._fit = fit
        self._looks = {name: look for name in sources if (look := _look(config, name, fit)) is not None}
        if fit == "auto" and not self._looks:
            raise UsageError(
                "The model does not remember what its sources look like, which fit=auto brings inputs to: those of "
                "`i2i prepare edges` do. Leave it out."
            )

    def compare(self, fields: Mapping[str, Pixels], ask: str) -> Compared:
        """Compare the fields of an item, and bring them there if that was asked for.

        Args:
            fields: By name.
            ask: How to ask for it, such as ``--fit auto``, for notes.
        """
        found, notes = dict(fields), []
        for name, look in self._looks.items():
            if name in fields and (fitted := look.fit(fields[name])).far:
                notes.append(self._said(fitted, ask))
                found[name] = fitted.pixels if self._fit == "auto" else fields[name]
        return Compared(found, tuple(notes))

    def _said(self, fitted: Fitted, ask: str) -> str:
        said = f"unlike what the model learned from: {', '.join(fitted.far)}"
        if not fitted.done:
            return said
        return f"{said}. Fitted: {', '.join(fitted.done)}" if self._fit == "auto" else f"{said}. {ask} brings it there"


def _look(config: ModelConfig, name: str, fit: Fit) -> Look | None:
    """Build what a field looks like, where the model remembers it."""
    if (remembered := config.looks.get(name)) is None:
        return None
    try:
        cls = look_of(lookup("preparer", remembered.name).cls)
    except UnknownNameError as error:
        if fit == "auto":
            raise
        _log.warning("Inputs are not compared with what the model learned from. %s", error)
        return None
    if cls is None:
        raise UsageError(f"{CONFIG}: preparer {remembered.name!r} knows no look. Copy the model folder again.")
    look: Look = build(cls, config.size, options=remembered.options, owner=f"{CONFIG}: look of {name}")
    return look


def explained(*pictures: tuple[str, Pixels]) -> Pixels:
    """Lay pictures side by side, each with its title above it and padded to a square: (H, W, 3) uint8."""
    side = max(SMALLEST_SIDE, *(max(pixels.shape[:2]) for _, pixels in pictures[1:]))
    row = [framed(images.as_rgb(pixels), side, "pad") for _, pixels in pictures]
    return images.contact_sheet([row], [title for title, _ in pictures])
