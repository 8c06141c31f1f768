"""Pairs of images, and other fields, as arrays: what datasets yield and preparers make.

Free of torch: worker processes start fast.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from i2i.errors import DataError
from i2i.splits import Split

Pixels = NDArray[Any]
"""An image, (H, W, C): uint8 in 0..255, uint16 in 0..65535, or float32 in [-1, 1]. The dtype alone says the range.

Datasets yield other fields besides, which they declare: see `i2i.fields.Kind`."""

Range = tuple[float, float]
"""Smallest and largest value that images of a dataset can hold, in their own unit."""


class Pair(NamedTuple):
    """A source and the target it should become, (H, W, C) each."""

    source: Pixels
    target: Pixels


def by_name(item: Pair | Mapping[str, Pixels]) -> dict[str, Pixels]:
    """Return the fields of a dataset's item, by name."""
    return item._asdict() if isinstance(item, Pair) else dict(item)


@runtime_checkable
class Dataset(Protocol):
    """``__init__(root, split, *, options)``; a fixed sequence of items.

    An item is a `Pair`, or a mapping of any fields: images, ids (H, W, 1) of whole numbers, vectors (C,) float32. What
    an item does not show of its fields an attribute ``fields`` says; see `i2i.fields.DescribedDataset`.
    """

    @property
    def names(self) -> Sequence[str]:
        """Return one name an item, for reports and sample grids."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Pair | Mapping[str, Pixels]: ...


@runtime_checkable
class NotedDataset(Dataset, Protocol):
    """A `Dataset` that says what had to be done to images to read them; training counts it and says it once."""

    def read_noted(self, index: int, /) -> tuple[Pair | Mapping[str, Pixels], tuple[str, ...]]:
        """Return an item, and notes such as ``imageA: turned upright``."""
        ...


@runtime_checkable
class DrawnDataset(Dataset, Protocol):
    """A `Dataset` whose items vary by epoch in training: partners are drawn, or places in a large image.

    Validation, which draws nothing, reads ``dataset[index]``.
    """

    def draw(self, index: int, rng: Random, /) -> Pair | Mapping[str, Pixels]:
        """Return an item, which depends on the index and on what is drawn from ``rng``, and on nothing else."""
        ...


@runtime_checkable
class NotedDrawnDataset(DrawnDataset, Protocol):
    """A `DrawnDataset` that says what had to be done to images to read them; see `NotedDataset`."""

    def draw_noted(self, index: int, rng: Random, /) -> tuple[Pair | Mapping[str, Pixels], tuple[str, ...]]:
        """Return what `draw` does, and notes."""
        ...


class Block(NamedTuple):
    """Neighbouring pairs that are read together."""

    pairs: int
    """How many there are."""
    size: int
    """Bytes in memory once they are read."""


@runtime_checkable
class PairStream(Dataset, Protocol):
    """A `Dataset` of which one pair costs as much to read as its whole block: compressed, or far away.

    Training visits such pairs in windows: some blocks are drawn, as many as fit into `i2i.data.order.WINDOW` bytes,
    their pairs shuffled together, then the next ones. Keep the blocks that were read last: `i2i.data.order.BlockCache`
    does.
    """

    @property
    def blocks(self) -> Sequence[Block]:
        """Return all of them, in the order of the pairs; none where every pair is as quick to read as any other."""
        ...


Reading = Literal["image", "alpha", "ids"]
"""How a preparer wants an input.

``image``: as it is meant to be seen, upright, opaque, in sRGB. ``alpha``: the same with its opacity as one more channel
where it has one, and nothing laid behind it. ``ids``: (H, W, 1) or (H, W, 3) numbers as stored: gray values or colours
unconverted, and of an image with a palette the indices.
"""


@runtime_checkable
class Preparer(Protocol):
    """``__init__(*, options)``; makes a pair out of one image, or out of several of the same name.

    Instances live in worker processes, one a process; build what is costly (a network) in ``__init__``. An option that
    is called ``seed``, ``val``, ``test``, ``range`` or ``max_pixels`` gets the runner's. What is drawn at random must
    depend on that seed and on the images alone.
    """

    inputs: ClassVar[tuple[Reading, ...]]
    """How each image is read. With more than one, every image comes from a folder of its own. A class attribute
    ``optional`` says how many of the last may be left out, where some may. An attribute ``makes_alpha`` says, if it is
    true, that the last of two or four channels of what is made is opacity, and is to be stored as such. An attribute
    ``facts`` is plain data for ``dataset.yaml``, such as ``{"classes": {"imageA": 12}, "void": 255}`` where sources are
    class ids. A class attribute ``look`` is the class of what its sources look like, `i2i.looks.Look`: models that are
    trained with them then remember it, and compare with it what they are to translate."""

    def __call__(self, *images: Pixels) -> Pair | Pixels:
        """Make the pair out of these images; or one image, where a folder of images is made and not of pairs.

        Raises:
            SkipError: If there is nothing to learn from these images, though nothing is wrong with them.
            DataError: If they cannot be used.
        """
        ...


class Item(NamedTuple):
    """One pair to be made by a `FindingPreparer`."""

    name: str
    """Different from that of every other item; ``/`` between its parts. Outputs are named by it."""
    key: Any
    """What the preparer needs to make it, as plain data (JSON)."""
    group: str = ""
    """Items of one group are never on different sides of a split; without one, each is a group of its own."""
    split: Split | None = None
    """Where it must go; the runner decides where not given."""
    metadata: Mapping[str, Any] = {}
    """Plain data for the pair's line in ``metadata.jsonl``."""


class LeftOut(NamedTuple):
    """Something that was found, of which no pair is made."""

    name: str
    status: Literal["skipped", "rejected"]
    reason: str
    """A short code, by which it is counted."""
    message: str = ""


@dataclass(frozen=True)
class Finding:
    """Everything that a `FindingPreparer` found."""

    items: Sequence[Item]
    left_out: Sequence[LeftOut] = ()
    licence: str = ""
    attribution: str = ""
    terms: str = ""
    """What the sources say about their use, besides the licence."""
    remarks: Sequence[str] = ()
    """What the user should know of the sources, one line each."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Plain data for ``dataset.yaml``: how the sources were understood."""


@runtime_checkable
class FindingPreparer(Protocol):
    """``__init__(*, options)``; a preparer whose inputs are no image files: tiles of a map, frames of a video.

    It is constructed in the main process, which calls `find` once, and in each worker process, which calls `make`.
    An option that is called ``range`` gets the ranges of values that the user declares, which it may then apply.
    ``__init__`` must be cheap. Options that a class attribute ``unrecorded`` names decide nothing about the pairs,
    such as how fast to ask a server: they may change from run to run, and are not written into the dataset.
    """

    def plan(self, sources: Sequence[str]) -> str:
        """Say what `find` would do, in words, for ``--dry-run``; does nothing that is costly and writes nothing."""
        ...

    def find(self, sources: Sequence[str], on_progress: Callable[[int, int], None]) -> Finding:
        """Find the items, in the same order each time.

        Args:
            sources: Paths and addresses as the user typed them.
            on_progress: To be told how many of how many steps are done, where it takes long.

        Raises:
            I2iError: If the sources are not what is wanted.
        """
        ...

    def make(self, item: Item) -> Pair | Pixels:
        """Make the pair of one item; raises what `Preparer` does."""
        ...


class SkipError(DataError):
    """An input with nothing to learn from: left out, counted, and nobody's fault.

    Args:
        reason: A short code such as ``blank``, by which inputs are counted.
        message: One line about this input.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason, str(self))


@cache
def range_of(dtype: np.dtype[Any]) -> tuple[float, float]:
    """Return the smallest and the largest value that an image of this dtype can hold.

    Raises:
        TypeError: If images are never of this dtype.
    """
    if dtype == np.uint8 or dtype == np.uint16:
        return 0.0, float(np.iinfo(dtype).max)
    if dtype == np.float32:
        return -1.0, 1.0
    raise TypeError(f"Images are uint8, uint16 or float32, not {dtype}. Convert the image and declare its range.")
