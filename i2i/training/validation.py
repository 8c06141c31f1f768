"""Measures and pictures of held-out items."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from i2i.data.items import Items
from i2i.data.order import spread
from i2i.evaluation.measuring import Batch, Measure
from i2i.evaluation.pictures import shown
from i2i.pairs import Pixels
from i2i.system.devices import free_memory
from i2i.translation.predictor import Predictor

TOGETHER = 2**20
"""Pixels of items that a GPU is given at once: 16 of 256x256. One item is always given."""

ROOM = 1024
"""An item stays on a GPU where so many of its size would fit into what is free."""


class Validator:
    """Runs the translators of a recipe over the same items each time.

    Args:
        items: The held-out split; without one, the training split, to draw samples of.
        held_out: Whether the items are held out, so that there is something to measure on.
        measures: What is measured on these, by name, on the device; see `i2i.training.criterion`.
        seed: Of the translators' noise.
        device: Where they are.
    """

    def __init__(
        self, items: Items, *, held_out: bool, measures: Mapping[str, Measure], seed: int, device: torch.device
    ) -> None:
        self.items, self.held_out, self.seed, self.device = items, held_out, seed, device
        self.measures = measures
        self._held: dict[int, Batch] = {}

    def measured(self, predictor: Predictor) -> list[Measure]:
        """Return the metrics that can measure what a translator makes; see `Measure.unmeasured`."""
        to, fields, aligned = predictor.to, predictor.fields, predictor.is_aligned
        return [each for each in self.measures.values() if not each.unmeasured(to, fields, aligned=aligned)]

    def measure(self, predictors: Sequence[Predictor], count: int) -> dict[str, float]:
        """Return each figure over ``count`` items spread evenly over the split.

        They are called as `Measure.figures` has it, behind ``FIELD/`` of what another translator than the first makes.
        """
        seen: dict[tuple[str, str], list[Tensor]] = {}
        finite: dict[str, list[Tensor]] = {}
        due = {predictor.to: measures for predictor in predictors if (measures := self.measured(predictor))}
        for batch in self._batches(count, self._together) if due else ():
            for predictor in predictors:
                made, all_finite = predictor.make(batch, self.seed)
                finite.setdefault(predictor.to, []).append(all_finite)
                for measure in due.get(predictor.to, ()):
                    of_items = measure.look(made, batch, predictor.to, predictor.fields)
                    seen.setdefault((predictor.to, measure.name), []).append(of_items)
        # here alone the device is waited for
        for predictor in predictors if due else ():
            predictor.check_finite(torch.stack(finite[predictor.to]).all())
        figures: dict[str, float] = {}
        for (to, name), of_batches in seen.items():
            behind = "" if to == predictors[0].to else f"{to}/"
            found = self.measures[name].figures(torch.cat(of_batches).cpu())
            figures |= {f"{behind}{figure}": value for figure, value in found.items()}
        return figures

    def rows(self, predictors: Sequence[Predictor], count: int) -> list[dict[str, Pixels]]:
        """Draw ``count`` items: pictures of each by their titles, (H, W, 3) uint8.

        Of each translator there is what it takes, what it makes, and what that should be, where there is such a thing.
        """
        return [self._row(predictors, batch) for batch in self._batches(count)]

    def reactions(self, predictors: Sequence[Predictor]) -> dict[str, float]:
        """Return by how much another noise changes what is made of the first item, on average, in [-1, 1].

        By field, of images that are made with noise.
        """
        asked = [each for each in predictors if each.noises and each.fields[each.to].kind == "image"]
        batch = next(self._batches(1)) if asked else {}
        return {p.to: float((p(batch, self.seed) - p(batch, self.seed + 1)).abs().mean()) for p in asked}

    def _row(self, predictors: Sequence[Predictor], batch: Batch) -> dict[str, Pixels]:
        row: dict[str, Pixels] = {}
        for predictor in predictors:
            made = predictor(batch, self.seed)
            true = [predictor.to] if predictor.is_aligned else []
            beside = {name: batch[name] for name in predictor.sources}
            beside["output" if len(predictors) == 1 else f"as {predictor.to}"] = made
            beside |= {name: batch[name] for name in true}
            for title, values in beside.items():
                name = title if title in batch else predictor.to
                if self.items.fields[name].kind != "vector":
                    row[title] = shown(values[0], name, self.items.fields, batch)
        return row

    @property
    def _together(self) -> int:
        """Return how many items are run at once: on a CPU that is no faster, and rounds otherwise."""
        height, width = self.items.jitter.crop
        return 1 if self.device.type == "cpu" else max(1, TOGETHER // (height * width))

    def _batches(self, count: int, together: int = 1) -> Iterator[Batch]:
        """Yield items in their order, so many at once as long as their shapes are equal."""
        waiting: list[Batch] = []
        for index in spread(len(self.items), count):
            item = self._item(index)
            if len(waiting) == together or (waiting and _shapes(waiting[0]) != _shapes(item)):
                yield _joined(waiting)
                waiting = []
            waiting.append(item)
        if waiting:
            yield _joined(waiting)

    def _item(self, index: int) -> Batch:
        """Return an item as a batch of its own, on the device, where it stays if that is a GPU with room for it."""
        if (held := self._held.get(index)) is not None:
            return held
        item = {name: values[None].to(self.device) for name, values in self.items.test(index).items()}
        free = free_memory(self.device) if self.device.type != "cpu" else None
        if free is not None and ROOM * sum(values.nbytes for values in item.values()) < free:
            self._held[index] = item
        return item


def _shapes(item: Batch) -> dict[str, torch.Size]:
    return {name: values.shape for name, values in item.items()}


def _joined(items: Sequence[Batch]) -> Batch:
    return {name: torch.cat([item[name] for item in items]) for name in items[0]} if len(items) > 1 else items[0]
