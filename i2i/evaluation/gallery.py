"""The items of an evaluation that are worth a look: the best, the median and the worst by each metric."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from i2i import images, pages
from i2i.data.order import spread
from i2i.evaluation.heads import Head, heads_of
from i2i.evaluation.maps import Scale, scale_of
from i2i.evaluation.results import Evaluation
from i2i.pairs import Pixels

SIDE = 256  # pixels; no picture of a page is larger
EVERYWHERE = 6  # items that are shown whatever their figures
VARIED = 3  # of these that are shown in all samples


class Album(Protocol):
    """Pictures of the items of an evaluation, (H, W, 3) uint8, ready to look at."""

    def source(self, place: int, /) -> Pixels:
        """Return what the models were given."""
        ...

    def truth(self, place: int, /) -> Pixels | None:
        """Return what it should become; None where there is no such thing."""
        ...

    def made(self, model: str, place: int, sample: int = 0, /) -> Pixels:
        """Return what a model makes of it, one of its samples."""
        ...

    def map(self, metric: str, model: str, place: int, /) -> NDArray[np.float32] | None:
        """Return where a metric finds a difference, (H, W) from 0 on; None where it does not say."""
        ...


class Made(NamedTuple):
    """What a model makes of an item."""

    model: str
    picture: str
    """As an address, like all pictures here."""
    difference: str
    """Where the metric finds a difference; empty where it does not say."""
    value: float | None
    """The figure of this item; None where there is none."""


class Item(NamedTuple):
    """One item, of all models."""

    title: str
    """Such as ``worst``."""
    place: int
    source: str
    truth: str
    """Empty where there is none."""
    made: list[Made]


class Varied(NamedTuple):
    """All samples of one item."""

    item: Item
    samples: dict[str, list[str]]
    """Of each model."""


class Gallery(NamedTuple):
    """Items by one figure, from the best to the worst."""

    head: Head
    items: list[Item]
    scale: Scale | None
    """Of the differences, the same in all pictures; None where there are none."""


@dataclass(frozen=True)
class Shown:
    """Everything that a page shows."""

    galleries: list[Gallery]
    everywhere: list[Item]
    """Evenly spread over the items."""
    varied: list[Varied]
    """Some of these, where there are several samples."""


def extremes(evaluation: Evaluation, head: Head) -> dict[str, int]:
    """Return the items that are best, median and worst by a figure, as the mean of the models has it.

    Items where a model has no figure are left out; of fewer than three there is no median.
    """
    rows = [model.items[head.name] for model in evaluation.models if head.name in model.items]
    if not rows:
        return {}
    means = np.array(rows, np.float64).mean(axis=0)
    known = np.flatnonzero(np.isfinite(means))
    order = known[np.argsort(means[known] * (-1 if head.measured.higher_is_better else 1), kind="stable")]
    ranks = {"best": 0, "median": len(order) // 2, "worst": len(order) - 1}
    titles = {0: [], 1: ["best"], 2: ["best", "worst"]}.get(len(order), list(ranks))
    return {title: int(order[ranks[title]]) for title in titles}


def shown_of(evaluation: Evaluation, pictures: Album) -> Shown:
    """Ask for the pictures of a page, for each once, and for all of one model before those of the next."""
    chosen = dict(_by_metric(evaluation))
    everywhere = spread(evaluation.count, EVERYWHERE)
    wanted = sorted({*everywhere, *(place for _, of_metric in chosen.values() for place in of_metric.values())})
    asked = _Asked(evaluation, pictures, wanted, {metric: set(of.values()) for metric, (_, of) in chosen.items()})
    galleries = [
        Gallery(
            head,
            [asked.item(title, place, metric, head.name) for title, place in of_metric.items()],
            asked.scales[metric],
        )
        for metric, (head, of_metric) in chosen.items()
    ]
    varied = asked.varied(everywhere[:VARIED]) if evaluation.samples > 1 else []
    return Shown(galleries, [asked.item("", place) for place in everywhere], varied)


class _Asked:
    """All pictures of a page, as addresses.

    Args:
        evaluation: What they are of.
        pictures: Who has them.
        wanted: Items.
        differences: Metric -> those of the items of which differences are wanted too.
    """

    def __init__(
        self, evaluation: Evaluation, pictures: Album, wanted: list[int], differences: Mapping[str, set[int]]
    ) -> None:
        self._models, self._pictures, self._count = evaluation.models, pictures, evaluation.samples
        self._sources = {place: _address(pictures.source(place)) for place in wanted}
        truths = {place: pictures.truth(place) for place in wanted}
        self._truths = {place: "" if truth is None else _address(truth) for place, truth in truths.items()}
        self._made: dict[tuple[str, int], str] = {}
        maps: dict[str, dict[tuple[str, int], NDArray[np.float32]]] = {metric: {} for metric in differences}
        for model in self._models:
            for place in wanted:
                self._made[model.name, place] = _address(pictures.made(model.name, place))
                for metric in (name for name, of_metric in differences.items() if place in of_metric):
                    if (values := pictures.map(metric, model.name, place)) is not None:
                        maps[metric][model.name, place] = _small_map(values)
        self.scales = {metric: scale_of(list(found.values())) if found else None for metric, found in maps.items()}
        self._differences = {
            (metric, *key): pages.address(scale.draw(values))
            for metric, scale in self.scales.items()
            if scale
            for key, values in maps[metric].items()
        }

    def item(self, title: str, place: int, metric: str = "", figure: str = "") -> Item:
        """Return an item, with the differences of a metric and the values of a figure."""
        made = [
            Made(
                model.name,
                self._made[model.name, place],
                self._differences.get((metric, model.name, place), ""),
                model.items[figure][place] if figure in model.items else None,
            )
            for model in self._models
        ]
        return Item(title, place, self._sources[place], self._truths[place], made)

    def varied(self, places: list[int]) -> list[Varied]:
        """Return all samples of items."""
        more = {
            (model.name, place): [
                _address(self._pictures.made(model.name, place, sample)) for sample in range(1, self._count)
            ]
            for model in self._models
            for place in places
        }
        return [
            Varied(
                self.item("", place),
                {model.name: [self._made[model.name, place], *more[model.name, place]] for model in self._models},
            )
            for place in places
        ]


def _by_metric(evaluation: Evaluation) -> Iterator[tuple[str, tuple[Head, dict[str, int]]]]:
    """Yield the items of each metric that has a figure of each item, by the first of its figures."""
    seen = set()
    for head in heads_of(evaluation):
        name = head.measured.metric
        if name not in seen and (found := extremes(evaluation, head)):
            seen.add(name)
            yield name, (head, found)


def _small(height: int, width: int) -> tuple[int, int]:
    share = min(1.0, SIDE / max(height, width))
    return max(1, round(height * share)), max(1, round(width * share))


def _address(pixels: Pixels) -> str:
    return pages.address(images.resize(pixels, *_small(*pixels.shape[:2])))


def _small_map(differences: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = _small(*differences.shape)
    return np.asarray(cv2.resize(differences, (width, height), interpolation=cv2.INTER_AREA), np.float32)
