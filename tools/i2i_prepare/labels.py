"""Label maps and photographs: Cityscapes and facades of pix2pix, and whatever has classes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from i2i.errors import DataError, UsageError
from i2i.images import geometry
from i2i.images.label_list import MAX_ID, Label, read_labels
from i2i.pairs import Pair, Pixels, Reading
from i2i.prepared import HALVES
from i2i_prepare.fitted import Square

MAX_CHANNELS = 255
"""Most classes that ``onehot`` makes channels of."""
FIRST = 3
"""Values that an error names."""
AT_ONCE = 4096
"""Colours that are compared with all declared ones at once, which bounds the memory of a photograph taken for a map."""

Ids = NDArray[np.int32]
"""The id of every pixel, (H, W, 1)."""
Codes = NDArray[np.int32]
"""Colours in one number each: 0xrrggbb."""


@dataclass(kw_only=True)
class Labels(Square):
    """A label map -> its photograph (Isola et al. 2017, as for Cityscapes and facades).

    Label maps hold an id at every pixel, as gray values or as indices of a palette, or the colour of a class. They are
    resized without mixing classes, photographs by the mean of what a pixel covers. A map with an id or a colour that is
    not declared is rejected.

    Args:
        labels: The declared list, in JSON, YAML, CSV or text: id, name and perhaps colour of every class. Without one,
            ids and colours are taken as they are.
        encoding: What the source is. ``colours``: a colour a class, that of the list or, where it has none, of PASCAL
            VOC. ``ids``: one channel of ids. ``onehot``: a channel a class, in the order of ids, written as .npy.
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
    labels: Path | None = None
    encoding: Literal["colours", "ids", "onehot"] = "colours"
    ignore: Annotated[int, Field(ge=0, le=MAX_ID)] | None = None
    tolerance: Annotated[float, Field(ge=0, le=442)] = 0.0

    def __post_init__(self) -> None:
        if self.fit == "pad" and self.ignore is None:
            raise UsageError("Padding needs an id to pad label maps with. Set ignore, to 255 for instance.")
        if self.labels is None and (self.encoding == "onehot" or self.tolerance):
            raise UsageError("onehot and tolerance need to know the classes. Set labels to a list of them.")
        self.declared: list[Label] = [] if self.labels is None else read_labels(self.labels)
        self.classes = np.array([label.id for label in self.declared if label.id != self.ignore], np.int32)  # sorted
        if self.encoding == "onehot" and len(self.classes) > MAX_CHANNELS:
            many = len(self.classes)
            raise UsageError(f"{many} classes are too many for onehot: at most {MAX_CHANNELS} channels.")
        coloured = {_code(*label.colour): label.id for label in self.declared if label.colour is not None}
        self.codes = np.array(list(coloured), np.int32)
        self.ids_of_codes = np.array(list(coloured.values()), np.int32)
        self.table = self._colour_table() if self.encoding == "colours" else None

    @property
    def facts(self) -> dict[str, Any]:
        """Return how many class ids sources hold, and which is void, where that is known; see `i2i.pairs.Preparer`."""
        if self.encoding != "ids" or not len(self.classes):
            return {}
        return {
            "classes": {HALVES[0]: int(self.classes[-1]) + 1},
            **({} if self.ignore is None else {"void": self.ignore}),
        }

    def _colour_table(self) -> NDArray[np.uint8]:
        """Return RGB of every id, (65536, 3): as declared, of PASCAL VOC without, and black for what is ignored."""
        table = pascal_voc(np.arange(MAX_ID + 1))
        if self.ignore is not None:
            table[self.ignore] = 0
        plain = [label for label in self.declared if label.colour is None]
        if len(self.codes) and plain:
            where = str(self.labels)
            raise UsageError(f"{plain[0].name!r} has no colour in {where!r}, others have. Give all one, or none.")
        table[self.ids_of_codes] = _rgb(self.codes)
        return table

    def __call__(self, *images: Pixels) -> Pair:
        """Make the encoded label map and the photograph.

        Raises:
            DataError: If an id or a colour is not declared, or the proportions of both differ.
        """
        stored, photo = images
        (height, width), (photo_height, photo_width) = stored.shape[:2], photo.shape[:2]
        if abs(height * photo_width - photo_height * width) > max(width, photo_width):  # a pixel of the smaller
            raise DataError(
                f"The label map is {width}x{height} and its photograph {photo_width}x{photo_height}. "
                "Bring both to the same proportions."
            )
        return Pair(self._source(stored), self.fitted(photo))

    def _source(self, stored: Pixels) -> Pixels:
        if self.labels is None and self.encoding == "colours" and stored.shape[2] == 3:
            return self._framed(stored, 0)
        ids = self._framed(self._ids(stored), self.ignore or 0)
        if self.encoding == "onehot":
            return np.where(ids == self.classes, 255, 0).astype(np.uint8)
        return ids.astype(self._dtype(stored)) if self.table is None else self.table[ids[..., 0]]

    def _framed(self, values: Pixels, fill: int) -> Pixels:
        """Bring a map (H, W, C) to size: each pixel takes what is at its centre, so that nothing is mixed."""
        return geometry.fit(values, self.size, self.fit, np.array(fill), geometry.pick)

    def _dtype(self, stored: Pixels) -> np.dtype[Any]:
        """Return the smallest type of images that holds every id: of those declared, else of how the map is stored."""
        given = [label.id for label in self.declared] + ([] if self.ignore is None else [self.ignore])
        smallest = np.dtype(np.uint8) if self.declared else stored.dtype
        return np.result_type(smallest, np.min_scalar_type(max(given, default=0)))

    def _ids(self, stored: Pixels) -> Ids:
        """Return the ids of a label map, of (H, W, 1) ids or (H, W, 3) colours; refuse what is not declared."""
        if stored.dtype not in (np.uint8, np.uint16) or stored.shape[2] not in (1, 3):
            what = f"{stored.shape[2]} channels of {stored.dtype}"
            raise DataError(f"A label map has one channel of ids, or three of colours, of 8 or 16 bits, not {what}.")
        if stored.shape[2] == 3:
            return self._ids_of_colours(stored)
        ids: Ids = stored.astype(np.int32)
        if self.declared:
            allowed = np.zeros(MAX_ID + 1, bool)
            allowed[[label.id for label in self.declared]] = True
            if self.ignore is not None:
                allowed[self.ignore] = True
            self._require(allowed[ids], ids, "id", str)
        return ids

    def _ids_of_colours(self, stored: Pixels) -> Ids:
        if not len(self.codes):
            raise DataError(
                "The label map has colours, and no label was declared with one. Declare them with labels; if the map "
                "is gray, save it with one channel."
            )
        if stored.dtype != np.uint8:
            raise DataError("The label map has colours of 16 bits, those of labels have 8. Save it with 8 bits.")
        codes, places = np.unique(_code(*np.split(stored.astype(np.int32), 3, axis=2)), return_inverse=True)
        places = places.reshape(*stored.shape[:2], 1)
        parts = (_rgb(codes[start : start + AT_ONCE]) for start in range(0, len(codes), AT_ONCE))
        squared = [((part[:, None] - _rgb(self.codes)) ** 2).sum(2) for part in parts]
        nearest = np.concatenate([distances.argmin(1) for distances in squared])
        distance = np.sqrt(np.concatenate([distances.min(1) for distances in squared]))
        self._require((distance <= self.tolerance)[places], codes[places], "colour", lambda code: f"#{code:06x}")
        ids: Ids = self.ids_of_codes[nearest][places]
        return ids

    def _require(self, right: NDArray[np.bool_], values: Ids, what: str, text: Callable[[int], str]) -> None:
        """Refuse a map that holds what is not declared, by the first pixel and the first values."""
        if right.all():
            return
        y, x, _ = np.argwhere(~right)[0]
        first = int(values[y, x, 0])
        others = [text(int(value)) for value in np.unique(values[~right]) if value != first]
        more = f", nor are {', '.join(others[:FIRST])}{' and more' if len(others) > FIRST else ''}" if others else ""
        raise DataError(
            f"The {what} {text(first)} at x={x}, y={y} is not declared in {str(self.labels)!r}{more}. "
            "Declare what is missing, or mend the map."
        )


def pascal_voc(ids: NDArray[Any]) -> NDArray[np.uint8]:
    """Return RGB of each id, (n, 3), by the colour map of the PASCAL VOC development kit (``VOCcolormap.m``).

    Bits 0, 3, 6, ... of the id are those of red from the highest down, the two after each those of green and of blue.
    """
    bits = np.arange(8)
    planes = [((ids[:, None] >> (3 * bits + channel) & 1) << (7 - bits)).sum(1) for channel in range(3)]
    return np.stack(planes, axis=1).astype(np.uint8)


def _code(red: Any, green: Any, blue: Any) -> Any:
    return red << 16 | green << 8 | blue


def _rgb(codes: Codes) -> NDArray[np.int32]:
    """Return the colours of codes, (n, 3)."""
    return np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1)
