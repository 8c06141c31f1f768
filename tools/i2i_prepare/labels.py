"""Label maps and photographs: Cityscapes and facades of pix2pix, and whatever has classes."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from i2i.errors import DataError, UsageError
from i2i.images import geometry
from i2i.images.label_list import MAX_ID, read_labels
from i2i.pairs import Pair, Pixels, Reading
from i2i_prepare.label_maps import ClassMap

MAX_CHANNELS = 255
"""Most classes that ``onehot`` makes channels of."""


class Labels:
    """A label map -> its photograph (Isola et al. 2017, as for Cityscapes and facades).

    Label maps hold an id at every pixel, as gray values or as indices of a palette, or the colour of a class. They are
    resized without mixing classes, photographs by the mean of what a pixel covers. A map with an id or a colour that is
    not declared is rejected.

    Args:
        labels: The declared list, in JSON, YAML, CSV or text: id, name and perhaps colour of every class. Without one,
            ids and colours are taken as they are.
        encoding: What the source is. ``colours``: a colour a class, that of the list or, where it has none, of PASCAL
            VOC. ``ids``: one channel of ids. ``onehot``: a channel a class, in the order of ids, written as .npy.
        size: Height and width of source and target, pixels.
        fit: How both become square: ``crop`` keeps the centre, ``stretch`` gives up the proportions, ``pad`` puts the
            id to ignore around the map and white around the photograph.
        ignore: Id of pixels without a class. It need not be declared; it is black in colours, and all 0 in onehot.
        tolerance: Distance in RGB up to which a colour that is not declared is taken for the nearest that is: JPEG
            changes the colours of label maps.

    Raises:
        UsageError: If options do not go together.
        MissingInputError: If the list is not there.
        DataError: If it is not a list of labels.
    """

    inputs: ClassVar[tuple[Reading, ...]] = ("ids", "image")

    def __init__(
        self,
        *,
        labels: Path | None = None,
        encoding: Literal["colours", "ids", "onehot"] = "colours",
        size: Annotated[int, Field(ge=1)] = 256,
        fit: geometry.Fit = "crop",
        ignore: Annotated[int, Field(ge=0, le=MAX_ID)] | None = None,
        tolerance: Annotated[float, Field(ge=0, le=442)] = 0.0,
    ) -> None:
        if fit == "pad" and ignore is None:
            raise UsageError("Padding needs an id to pad label maps with. Set ignore, to 255 for instance.")
        if labels is None and (encoding == "onehot" or tolerance):
            raise UsageError("onehot and tolerance need to know the classes. Set labels to a list of them.")
        declared = None if labels is None else read_labels(labels)
        self.classes = ClassMap(declared, str(labels), ignore=ignore, tolerance=tolerance)
        if encoding == "onehot" and self.classes.count > MAX_CHANNELS:
            raise UsageError(f"{self.classes.count} classes are too many for onehot: at most {MAX_CHANNELS} channels.")
        self.table = self.classes.colours() if encoding == "colours" else None
        self.encoding = encoding
        self.size = size
        self.fit = fit
        self.ignore = ignore

    def __call__(self, *images: Pixels) -> Pair:
        """Make the encoded label map and the photograph.

        Raises:
            DataError: If an id or a colour is not declared, or the proportions of both differ.
        """
        stored, photo = images
        _check_proportions(stored, photo)
        return Pair(self._source(stored), geometry.fit(photo, self.size, self.fit))

    def _source(self, stored: Pixels) -> Pixels:
        if self.classes.takes_colours_as_they_are(stored) and self.encoding == "colours":
            return self._framed(stored, 0)
        ids = self._framed(self.classes.ids(stored), self.ignore or 0)[..., 0]
        if self.encoding == "onehot":
            return self.classes.one_hot(ids)
        if self.table is not None:
            return self.table[ids]
        return ids[..., None].astype(self.classes.dtype_of(stored))

    def _framed(self, values: Pixels, fill: int) -> Pixels:
        """Bring the map (H, W, C) to size."""
        size = self.size
        height, width = values.shape[:2]
        if self.fit == "crop":
            values = geometry.crop(values, *geometry.inside(size, size, height, width))
        if self.fit != "pad":
            return nearest(values, size, size)
        inside = nearest(values, *geometry.inside(height, width, size, size))
        padded = np.full((size, size, values.shape[2]), fill, values.dtype)
        geometry.crop(padded, *inside.shape[:2])[:] = inside
        return padded


def nearest(values: Pixels, height: int, width: int) -> Pixels:
    """Resize the map to (height, width, C): each pixel takes what is at its centre, so that nothing is mixed."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(np.intp)
        for old, new in zip(values.shape, (height, width), strict=False)
    )
    taken: Pixels = values[rows[:, None], columns]
    return taken


def _check_proportions(stored: Pixels, photo: Pixels) -> None:
    """Refuse a map that does not lie on its photograph, to a pixel of the smaller."""
    (height, width), (photo_height, photo_width) = stored.shape[:2], photo.shape[:2]
    if abs(height * photo_width - photo_height * width) > max(width, photo_width):
        raise DataError(
            f"The label map is {width}x{height} and its photograph {photo_width}x{photo_height}. "
            "Bring both to the same proportions."
        )
