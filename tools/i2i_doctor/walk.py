"""One walk over all images of a dataset, in worker processes, and what is known of it then."""

from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from i2i import images
from i2i.data.order import spread
from i2i.errors import DataError, MissingInputError
from i2i.images import ImageError
from i2i.images.colour import Gray, luma
from i2i.images.label_list import Label
from i2i.images.reader import TURNED
from i2i.images.shift import Shift, shift_of
from i2i.pairs import Pixels
from i2i.prepared import Classes
from i2i.system import pool
from i2i.system.devices import available_cpus
from i2i_doctor.facts import BINS, DTYPES, FACTS, Facts, Measures, Sums, measure
from i2i_doctor.opening import Opened

LEAST = 64
"""Pixels that pictures have each way whose shift can be told."""

Progress = Callable[[int, int], None]
"""Called with how many pairs are done, and how many there are."""


class Fault(NamedTuple):
    """An image that cannot be had."""

    pair: int
    column: str
    """Empty where its worker died, on whichever image of the pair."""
    reason: str
    message: str


@dataclass
class Findings:
    """What a worker found in a pair."""

    measures: dict[str, Measures] = field(default_factory=dict)
    """Column -> what was measured of its image."""
    faults: list[Fault] = field(default_factory=list)
    notes: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """What had to be done to images -> their columns; see `i2i.images.Picture`."""
    labels: Sequence[int] = ()
    """Label ids that are declared."""
    strange: Sequence[str] = ()
    """Label values that are not."""
    shift: Shift | None = None


class Known:
    """What is known of a dataset; an array of facts a column, an entry a pair.

    Args:
        opened: The dataset.
    """

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        self.facts: dict[str, Facts] = {column: np.zeros(len(opened), FACTS) for column in opened.ranges}
        self.values = {column: np.zeros(BINS, np.int64) for column in opened.ranges}
        self.sums: dict[tuple[str, int, int], Sums] = {}
        """Column, place of the type in `DTYPES` and number of channels -> sums of such images."""
        self.faults: list[Fault] = []
        self.shifts: dict[int, Shift] = {}
        self.notes: defaultdict[str, dict[int, list[str]]] = defaultdict(dict)
        """What had to be done to images -> their pairs, with the columns of each."""
        self.strange: defaultdict[str, list[int]] = defaultdict(list)
        """Value of a label map that is not declared -> the pairs that hold it."""
        self.labels: Counter[int] = Counter()
        """Declared label id -> how many images hold it."""
        self.looked_at = 0
        """Pairs whose images were read, or tried."""

    @property
    def turned(self) -> dict[int, list[str]]:
        """Map pairs of which only some images were turned by their EXIF orientation to the columns of these."""
        turned = self.notes.get(TURNED, {})
        return {pair: some for pair, some in turned.items() if len(some) < len(self.images_of(pair))}

    def images_of(self, pair: int) -> list[tuple[int, str]]:
        """Return the images of a pair that could be read, each as pair and column."""
        return [(pair, column) for column, facts in self.facts.items() if facts["read"][pair]]

    def figures(self) -> list[dict[str, Any]]:
        """Return sizes, shares and the figures of each channel, of the images of a column, a type and so many channels.

        Values are in units of the type, shares of pixels lie in 0..1.
        """
        return [self._figures(*key) for key in sorted(self.sums)]

    def _figures(self, column: str, dtype: int, channels: int) -> dict[str, Any]:
        facts = self.facts[column]
        facts = facts[facts["read"] & (facts["dtype"] == dtype) & (facts["channels"] == channels)]
        pixels = int((facts["height"].astype(int) * facts["width"]).sum())
        return {
            "column": column,
            "dtype": DTYPES[dtype],
            "channels": channels,
            "images": len(facts),
            "pixels": pixels,
            **{side: [int(facts[side].min()), int(facts[side].max())] for side in ("height", "width")},
            "values": self.sums[column, dtype, channels].figures(pixels, whole=DTYPES[dtype] != "float32"),
            **{name: int(facts[name].sum(dtype=int)) / pixels for name in ("dark", "light", "coloured")},
        }

    def add(self, pair: int, found: Findings) -> None:
        """Take in what was found in a pair."""
        self.looked_at += 1
        for column, measures in found.measures.items():
            entry = np.frombuffer(measures.facts, FACTS)[0]
            self.facts[column][pair] = entry
            self.values[column] += np.frombuffer(measures.values, np.int64)
            key = (column, int(entry["dtype"]), int(entry["channels"]))
            self.sums.setdefault(key, Sums(key[2])).add(np.frombuffer(measures.channels).reshape(-1, 4))
        self.faults += found.faults
        if found.shift is not None:
            self.shifts[pair] = found.shift
        for note, columns in found.notes.items():
            self.notes[note][pair] = columns
        for value in found.strange:
            self.strange[value].append(pair)
        self.labels.update(found.labels)

    def sort(self) -> None:
        """Bring everything into the order of the pairs, whichever worker was first."""
        self.faults.sort()
        self.shifts = dict(sorted(self.shifts.items()))
        for note, pairs in self.notes.items():
            self.notes[note] = dict(sorted(pairs.items()))
        for some in self.strange.values():
            some.sort()


class Declared(NamedTuple):
    """What label maps may hold."""

    column: str
    """Where they are."""
    labels: Sequence[Label]


class Task(NamedTuple):
    """A pair to look at."""

    pair: int
    aligned: bool
    """Whether its images are held against each other."""


def walk(
    opened: Opened,
    *,
    workers: int | None = None,
    declared: Declared | None = None,
    rows: int | None = None,
    aligned: int = 0,
    on_progress: Progress | None = None,
) -> Known:
    """Look at every image of every split once.

    Args:
        opened: The dataset.
        workers: How many processes, as many as there are cores when not given; 0 reads in this one, and a decoder that
            crashes ends it.
        declared: What label maps may hold, where they are checked.
        rows: How many of each split are looked at, evenly spread; all when not given.
        aligned: Pairs of each split whose images are held against each other, evenly spread.
        on_progress: Told how it goes.
    """
    known, tasks = Known(opened), list[Task]()
    for split in opened.splits.values():
        length = split.stop - split.start
        chosen = spread(length, length if rows is None else rows)
        compared = {chosen[place] for place in spread(len(chosen), aligned)}
        tasks += [Task(split.start + row, row in compared) for row in chosen]
    processes = min(available_cpus() if workers is None else workers, len(tasks))
    results: Generator[tuple[Task, Findings | pool.Death]]
    if processes:
        results = pool.run(reader_of, (opened, declared), tasks, processes)
    else:
        look = reader_of(opened, declared)
        results = ((task, look(task)) for task in tasks)
    with closing(results):
        for done, (task, found) in enumerate(results, 1):
            if isinstance(found, pool.Death):
                found = Findings(faults=[Fault(task.pair, "", found.reason, found.message)])
            known.add(task.pair, found)
            if on_progress:
                on_progress(done, len(tasks))
    known.sort()
    return known


def reader_of(opened: Opened, declared: Declared | None) -> Callable[[Task], Findings]:
    """Return what a worker does with a task; see `walk`."""
    import cv2

    cv2.setNumThreads(1)
    return partial(_look, opened, declared)


def _look(opened: Opened, declared: Declared | None, task: Task) -> Findings:
    found, grays = Findings(), list[Gray]()
    for column in opened.columns_of(opened.locate(task.pair)[0]):
        if not opened.has(task.pair, column):
            continue
        try:
            picture = opened.picture(task.pair, column)
            if declared and declared.column == column:
                found.labels, found.strange = _compare(_read_ids(opened, task.pair, column), declared.labels)
            elif classes := opened.classes.get(column):
                found.strange = [*found.strange, *_beyond(picture.pixels, classes)]
        except (DataError, MissingInputError) as error:
            found.faults.append(Fault(task.pair, column, _reason(error), str(error)))
            continue
        found.measures[column] = measure(picture.pixels)
        for note in picture.notes:
            found.notes[note].append(column)
        if task.aligned and min(picture.pixels.shape[:2]) >= LEAST:
            grays.append(luma(picture.pixels))
    if len(grays) == 2:
        found.shift = shift_of(*grays)
    return found


def _beyond(ids: Pixels, classes: Classes) -> list[str]:
    """Return the ids that are neither a class nor void; none where ids are no classes."""
    found = np.unique(ids).tolist() if classes.number else []
    return [str(value) for value in found if value >= classes.number and value != classes.void]


def _reason(error: DataError | MissingInputError) -> str:
    """Return a short code to count by."""
    if isinstance(error, ImageError):
        return error.reason
    return "missing" if isinstance(error, MissingInputError) else "unreadable"


def _read_ids(opened: Opened, pair: int, column: str) -> Pixels:
    """Read a label map as stored, (H, W, 1) ids or (H, W, 3) colours, after its picture: its size is allowed then.

    Raises:
        DataError: If it cannot be read, or does not hold whole numbers.
    """
    split, row = opened.locate(pair)
    table = opened.tables[split]
    header = table.header(row, column)
    width, most = header.width, 2 * header.width * header.height
    whole = images.read(table.encoded(row, column), where=table.names[row], reading="ids", max_pixels=most).pixels
    if whole.shape[1] == width:
        return whole
    return whole[:, :width] if column == table.columns[0] else whole[:, width:]  # an A|B file


def _compare(pixels: Pixels, labels: Sequence[Label]) -> tuple[list[int], list[str]]:
    """Return the declared ids that a label map holds, and whatever it holds besides: ids, or such as ``#804080``.

    Args:
        pixels: (H, W, 1) ids, or (H, W, 3) colours; three equal channels are ids where no colour is declared.
        labels: What it may hold.
    """
    known = {label.id: label.id for label in labels}
    colours = {int.from_bytes(label.colour): label.id for label in labels if label.colour is not None}
    if coloured := pixels.shape[2] == 3 and bool(colours):
        known, pixels = colours, np.dot(pixels.astype(np.int64), (65536, 256, 1))
    found = np.unique(pixels).tolist()
    strange = [f"#{value:06x}" if coloured else f"{value:g}" for value in found if value not in known]
    return [known[value] for value in found if value in known], strange
