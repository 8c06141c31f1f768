"""Items and what was made of them, to look at."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from i2i import images
from i2i.data import lab
from i2i.data.tensors import to_pixels
from i2i.evaluation.held import Held
from i2i.evaluation.measuring import Batch, Measure
from i2i.evaluation.subjects import Maker
from i2i.fields import Field
from i2i.pairs import Pixels

KEPT = 64
"""Items, and things made of them, that are remembered."""


class Pictures:
    """Shows items by their places among those that are measured; all are (H, W, 3) uint8.

    Args:
        held: The items.
        to: The field that is made.
        makers: Who makes it.
        measures: Whose maps are shown.
    """

    def __init__(self, held: Held, to: str, makers: Sequence[Maker], measures: Sequence[Measure]) -> None:
        self.held, self.to = held, to
        self._makers = {maker.name: maker for maker in makers}
        self._measures = {measure.name: measure for measure in measures}
        # a page asks for one item by several metrics
        self._read = lru_cache(KEPT)(lambda place: held.batch([place]))
        self._made = lru_cache(KEPT)(self._make)

    def source(self, place: int) -> Pixels:
        """Return what it is made of: the first field that is no vector."""
        batch = self._read(place)
        name = next(name for name, field in self.held.fields.items() if name != self.to and field.kind != "vector")
        return self._shown(batch[name], name, batch)

    def truth(self, place: int) -> Pixels | None:
        """Return what it should be; None where nothing is a pair."""
        if not self.held.fields.aligned(*self.held.fields):
            return None
        batch = self._read(place)
        return self._shown(batch[self.to], self.to, batch)

    def made(self, maker: str, place: int, sample: int = 0) -> Pixels:
        """Return what a model or a reference makes of it; of a model the sample of that number, from 0 on."""
        batch = self._read(place)
        return self._shown(self._made(maker, place, sample), self.to, batch)

    def map(self, metric: str, maker: str, place: int) -> NDArray[np.float32] | None:
        """Return the difference at each pixel, (H, W), in the metric's own unit; None where it has no such thing."""
        batch = self._read(place)
        if metric not in self._measures:
            return None
        found = self._measures[metric].map(self._made(maker, place), batch[self.to])
        return None if found is None else found[0].numpy()

    def _make(self, maker: str, place: int, sample: int = 0) -> Tensor:
        chosen = self._makers[maker]
        made = chosen.make(self._read(place), [place], pairs=True, **({"sample": sample} if sample else {}))
        if made is None:
            raise KeyError(maker)
        return made

    def _shown(self, values: Tensor, name: str, batch: Batch) -> Pixels:
        return shown(values[0], name, self.held.fields, batch)


def shown(values: Tensor, name: str, fields: Mapping[str, Field], batch: Batch) -> Pixels:
    """Return an image or ids, as networks see them, to look at: (H, W, 3) uint8.

    Args:
        values: Of one item, (C, H, W) or (H, W).
        name: Of the field that they are of.
        fields: What the data has.
        batch: The item, of which colours need the lightness.
    """
    field = fields[name]
    if field.kind == "ids":
        ids = values.masked_fill(values < 0, field.void or 0)
        return images.class_colours(ids[..., None].cpu().numpy())
    if field.colours == "lab" and name == "target":
        lightness = to_pixels(batch["source"][0], np.float32)
        return lab.join(lightness, to_pixels(values, np.float32), np.uint8)
    return images.as_rgb(to_pixels(values, np.uint8))
