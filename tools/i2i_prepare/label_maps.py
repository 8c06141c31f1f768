"""Label maps as they are stored, read as ids, checked against the declared labels, and encoded."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2i.errors import DataError, UsageError
from i2i.images.label_list import MAX_ID, Label
from i2i.pairs import Pixels

Ids = NDArray[np.int32]
"""The id of every pixel."""

Codes = NDArray[np.int32]
"""Colours in one number each: 0xrrggbb."""

FIRST = 3
"""Values that an error names."""

AT_ONCE = 4096
"""Colours that are compared with all declared ones at once, which bounds the memory of a photograph taken for a map."""


class ClassMap:
    """What the values of label maps mean.

    Args:
        labels: The declared labels; None allows every id.
        where: Where they were declared, in errors.
        ignore: Id of pixels without a class; it need not be declared.
        tolerance: Distance in RGB up to which a colour is taken for the nearest declared one.
    """

    def __init__(self, labels: Sequence[Label] | None, where: str, *, ignore: int | None, tolerance: float) -> None:
        self.labels = labels
        self.where = where
        self.ignore = ignore
        self.tolerance = tolerance
        self._classes = np.array([label.id for label in labels or () if label.id != ignore], np.int32)
        coloured = {_code(label.colour): label.id for label in labels or () if label.colour is not None}
        self._codes = np.array(list(coloured), np.int32)
        self._ids = np.array(list(coloured.values()), np.int32)

    @property
    def count(self) -> int:
        """How many classes were declared, without that to ignore."""
        return len(self._classes)

    def takes_colours_as_they_are(self, stored: Pixels) -> bool:
        """Return whether this is a map of colours, and nothing was declared about them."""
        return self.labels is None and stored.shape[2] == 3

    def ids(self, stored: Pixels) -> Ids:
        """Return the ids of a label map.

        Args:
            stored: (H, W, 1) ids or (H, W, 3) colours, integers.

        Returns:
            (H, W, 1).

        Raises:
            DataError: If it is no label map, or holds what is not declared.
        """
        if stored.dtype not in (np.uint8, np.uint16) or stored.shape[2] not in (1, 3):
            what = f"{stored.shape[2]} channels of {stored.dtype}"
            raise DataError(f"A label map has one channel of ids, or three of colours, of 8 or 16 bits, not {what}.")
        if stored.shape[2] == 3:
            return self._of_colours(stored)[..., None]
        ids: Ids = stored.astype(np.int32)
        if self.labels is not None:
            allowed = np.zeros(MAX_ID + 1, bool)
            allowed[[label.id for label in self.labels]] = True
            if self.ignore is not None:
                allowed[self.ignore] = True
            self._require(allowed[ids[..., 0]], ids[..., 0], "id", str)
        return ids

    def _of_colours(self, stored: Pixels) -> Ids:
        if not len(self._codes):
            raise DataError(
                "The label map has colours, and no label was declared with one. Declare them with labels; if the map "
                "is gray, save it with one channel."
            )
        if stored.dtype != np.uint8:
            raise DataError("The label map has colours of 16 bits, those of labels have 8. Save it with 8 bits.")
        red, green, blue = np.moveaxis(stored.astype(np.int32), 2, 0)
        codes, places = np.unique(red << 16 | green << 8 | blue, return_inverse=True)
        places = places.reshape(stored.shape[:2])
        nearest, distance = self._nearest(codes)
        self._require((distance <= self.tolerance)[places], codes[places], "colour", lambda code: f"#{code:06x}")
        ids: Ids = self._ids[nearest][places]
        return ids

    def _nearest(self, codes: Codes) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Place of the declared colour that is nearest to each, and its distance."""
        declared = _colours(self._codes)
        parts = [_colours(codes[start : start + AT_ONCE]) for start in range(0, len(codes), AT_ONCE)]
        squared = [((part[:, None] - declared) ** 2).sum(2) for part in parts]
        places = np.concatenate([distances.argmin(1) for distances in squared])
        return places, np.sqrt(np.concatenate([distances.min(1) for distances in squared]))

    def _require(self, right: NDArray[np.bool_], values: Ids, what: str, text: Callable[[int], str]) -> None:
        """Refuse a map that holds what is not declared.

        Raises:
            DataError: If it does; the message has the first pixel, and the first values.
        """
        if right.all():
            return
        y, x = np.argwhere(~right)[0]
        first = int(values[y, x])
        others = [text(int(value)) for value in np.unique(values[~right]) if value != first]
        more = f", nor are {', '.join(others[:FIRST])}{' and more' if len(others) > FIRST else ''}" if others else ""
        raise DataError(
            f"The {what} {text(first)} at x={x}, y={y} is not declared in {self.where!r}{more}. "
            "Declare what is missing, or mend the map."
        )

    def one_hot(self, ids: Ids) -> Pixels:
        """(H, W, classes), uint8: 255 in the channel of a pixel's class, else 0. Channels are in the order of ids."""
        channels: NDArray[np.bool_] = ids[..., None] == np.sort(self._classes)
        return channels.astype(np.uint8) * np.uint8(255)

    def colours(self) -> NDArray[np.uint8]:
        """RGB of every id, (65536, 3): as declared, of PASCAL VOC without, and black for what is to be ignored.

        Raises:
            UsageError: If some labels have a colour and others have none.
        """
        table = pascal_voc(np.arange(MAX_ID + 1))
        if self.ignore is not None:
            table[self.ignore] = 0
        plain = [label for label in self.labels or () if label.colour is None]
        if len(self._codes) and plain:
            raise UsageError(f"{plain[0].name!r} has no colour in {self.where!r}, others have. Give all one, or none.")
        table[self._ids] = _colours(self._codes)
        return table

    def dtype_of(self, stored: Pixels) -> np.dtype[Any]:
        """Return the smallest type of images that holds every id: of those declared, else of how the map is stored."""
        given = [label.id for label in self.labels or ()] + ([] if self.ignore is None else [self.ignore])
        smallest = stored.dtype if self.labels is None else np.dtype(np.uint8)
        return np.result_type(smallest, np.min_scalar_type(max(given, default=0)))


def pascal_voc(ids: NDArray[Any]) -> NDArray[np.uint8]:
    """RGB of each id, (n, 3), by the colour map of the PASCAL VOC development kit (``VOCcolormap.m``).

    Bits 0, 3, 6, ... of the id are those of red from the highest down, the two after each those of green and of blue.
    """
    bits = np.arange(8)
    planes = [((ids[:, None] >> (3 * bits + channel) & 1) << (7 - bits)).sum(1) for channel in range(3)]
    return np.stack(planes, axis=1).astype(np.uint8)


def _code(colour: tuple[int, int, int]) -> int:
    red, green, blue = colour
    return red << 16 | green << 8 | blue


def _colours(codes: Codes) -> NDArray[np.int32]:
    """RGB of codes, (n, 3)."""
    return np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1)
