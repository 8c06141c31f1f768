"""The samples of a run over time: what is given once, and what was made of it after each of some steps."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from i2i import images, pages
from i2i.samples import LAYOUT, Layout, drawn, read_layout

FRAMES = 32
"""Pictures that are shown, at most, and one more: of more only every second, every fourth and so on, and the newest."""
WIDEST = 144
"""Pixels that one image is wide, at most."""


class Frame(NamedTuple):
    """What was made after a step."""

    step: int
    made: Mapping[str, str]
    """Title -> ``data:`` address of the images, below each other."""


class Shown(NamedTuple):
    """What there is to show."""

    columns: Sequence[str]
    """Titles, in order."""
    given: Mapping[str, str]
    """Those that are the same at all steps -> ``data:`` address."""
    frames: Sequence[Frame]
    rows: int
    width: int
    """Of one image, in pixels, as it is shown."""


class _Cut(NamedTuple):
    """A picture, taken apart."""

    shape: tuple[int, ...]
    columns: Mapping[str, str]
    """Title -> ``data:`` address."""


class Strip:
    """Reads the pictures of a run; what was read is kept, since to make it small takes a while.

    Args:
        folder: Where they are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._layout: Layout | None = None
        self._cut: dict[int, _Cut] = {}

    def forget(self, step: int) -> None:
        """Forget what the picture of a step was: there is another one."""
        self._cut.pop(step, None)

    def shown(self) -> Shown | None:
        """Return what there is to show; None while nothing is."""
        if not (self._folder / LAYOUT).is_file() or not (pictures := drawn(self._folder)):
            return None
        layout = read_layout(self._folder)
        if layout != self._layout:
            self._layout, self._cut = layout, {}
        steps = chosen(list(pictures))
        made, last = layout.made, steps[-1]
        if last not in self._cut or self._cut[last].columns.keys() < {*layout.columns}:
            self._cut[last] = self._taken(pictures[last], layout, layout.columns)
        self._cut = {step: self._cut.get(step) or self._taken(pictures[step], layout, made) for step in steps}
        newest = self._cut[last]
        # one that was laid otherwise, before a setting was changed, is left out
        alike = {step: cut.columns for step, cut in self._cut.items() if cut.shape == newest.shape}
        return Shown(
            columns=layout.columns,
            given={title: address for title, address in newest.columns.items() if title not in made},
            frames=[Frame(step, {title: columns[title] for title in made}) for step, columns in alike.items()],
            rows=layout.rows,
            width=min(layout.size[1], WIDEST),
        )

    @staticmethod
    def _taken(path: Path, layout: Layout, titles: Sequence[str]) -> _Cut:
        """Take columns out of a picture."""
        height, width = layout.size
        sheet = images.read(path).pixels
        try:
            pictures = images.pictures_of(sheet, height, width)[-layout.rows :]
        except images.ImageError:
            return _Cut(sheet.shape, {})
        shown = min(width, WIDEST)
        size = len(pictures) * round(height * shown / width), shown
        below = dict(zip(layout.columns, map(np.concatenate, zip(*pictures, strict=True)), strict=False))
        return _Cut(sheet.shape, {title: pages.glance(images.resize(below[title], *size)) for title in titles})


def chosen(steps: Sequence[int]) -> list[int]:
    """Choose steps to show: all, or every second, every fourth and so on; and the newest.

    Example:
        >>> chosen(range(70))[:4], len(chosen(range(70)))
        ([0, 4, 8, 12], 19)
    """
    stride = 1
    while len(steps) > FRAMES * stride:
        stride *= 2
    return sorted({*steps[::stride], steps[-1]})
