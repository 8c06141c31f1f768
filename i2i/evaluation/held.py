"""The items that models are measured on: of a split, at one size, with the fields that the models know."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from i2i.choices import Component
from i2i.data import lab
from i2i.data.dataset import open_pairs
from i2i.data.items import Items
from i2i.data.jitter import Jitter
from i2i.data.order import spread
from i2i.data.tensors import to_pixels, to_tensor
from i2i.errors import MissingSplitError, UsageError
from i2i.evaluation.measuring import Batch
from i2i.fields import Field, Fields, fields_of

BATCH = 8
"""Items that are measured together."""


@dataclass(frozen=True)
class Held:
    """Items that are held out, and those of training beside them.

    Args:
        path: The dataset.
        split: Which part of it.
        items: Of the split.
        training: Of ``train``, where there is such a split and it is another one.
        fields: What they have; colours that belong to a lightness are RGB here.
        indices: Which of the items are measured.
        resizing: How they come to their size, in words.
        device: Where they go.
    """

    path: str
    split: str
    items: Items
    training: Items | None
    fields: Fields
    indices: list[int]
    resizing: str
    device: torch.device

    @property
    def names(self) -> list[str]:
        """Return the names of the items that are measured."""
        return [self.items.dataset.names[index] for index in self.indices]

    def batches(self) -> Iterator[tuple[list[int], Batch]]:
        """Yield places among the items that are measured, and their fields, some at a time."""
        places = range(len(self.indices))
        for start in range(0, len(places), BATCH):
            chosen = list(places[start : start + BATCH])
            yield chosen, self.batch(chosen)

    def batch(self, places: Sequence[int]) -> Batch:
        """Read items by their places among those that are measured."""
        return _stacked(self.items, [self.indices[place] for place in places], self.device)

    @cached_property
    def partners(self) -> list[int]:
        """Return training items spread over their split: one for each item, as long as there are enough."""
        return [] if self.training is None else spread(len(self.training), min(len(self.indices), len(self.training)))

    def training_batch(self, places: Sequence[int]) -> Batch:
        """Read training items by places among `partners`."""
        if self.training is None:
            raise IndexError(places)
        return _stacked(self.training, [self.partners[place] for place in places], self.device)


def hold(
    path: str,
    split: str,
    known: Mapping[str, Field],
    size: tuple[int, int],
    reader: Component,
    *,
    keep: bool = False,
    limit: int | None = None,
    device: torch.device,
) -> Held:
    """Open a split of a dataset for models.

    Args:
        path: The dataset.
        split: Which part of it.
        known: Fields as the models know them.
        size: Height and width that they are measured at.
        reader: The dataset component, with its options.
        keep: Cut the centre out of each image as it is stored, instead of scaling the whole image.
        limit: Measure so many items at most, spread evenly over the split.
        device: Where items go.

    Raises:
        MissingSplitError: If there is no such split.
        UsageError: If the data has another kind of field than the models know.
        DataError: If it cannot be read.
    """
    dataset = open_pairs(path, split, name=reader.name, options=reader.options)
    fields = Fields(_joined(fields_of(dataset), known), size)
    items = Items(dataset, dict(fields), Jitter(size, None if keep else size, mirror=False), seed=0)
    training = None
    if split != "train":
        try:
            training = items.of(open_pairs(path, "train", name=reader.name, options=reader.options))
        except MissingSplitError:
            training = None
    count = len(items) if limit is None else min(limit, len(items))
    resizing = "the centre of each image as it is stored" if keep else "whole images, scaled"
    in_colours = {name: _in_colours(field) for name, field in fields.items()}
    return Held(path, split, items, training, Fields(in_colours, size), spread(len(items), count), resizing, device)


def _in_colours(field: Field) -> Field:
    return field.model_copy(update={"channels": 3, "colours": "rgb"}) if _is_colour(field) else field


def _is_colour(field: Field) -> bool:
    """Return whether a field is the colours of another one's lightness, which are measured together, as RGB."""
    return field.colours == "lab" and field.channels == 2


def joined(colour: Tensor, lightness: Tensor) -> Tensor:
    """Return the RGB images (N, 3, H, W) in [-1, 1] of colours (N, 2, H, W) and lightness (N, 1, H, W)."""
    items = zip(lightness, colour, strict=True)
    pictures = [lab.join(to_pixels(gray, np.float32), to_pixels(ab, np.float32), np.float32) for gray, ab in items]
    return torch.stack([to_tensor(picture) for picture in pictures]).to(colour.device)


def _joined(found: Mapping[str, Field], known: Mapping[str, Field]) -> dict[str, Field]:
    """Return what the data has, as the models know it where they do."""
    for name, field in known.items():
        if name not in found:
            raise UsageError(f"A model knows a field {name!r}, and the data has {', '.join(found)}. See dataset.extra.")
        if _said(found[name]) != _said(field):
            raise UsageError(f"{name} is {_said(field)} for a model, and {_said(found[name])} in the data.")
    kept = {"channels", "kind", "void"}
    return {
        name: field.model_copy(update=known[name].model_dump(include=kept)) if name in known else field
        for name, field in found.items()
    }


def _said(field: Field) -> str:
    return f"ids of {field.channels} classes" if field.kind == "ids" else field.kind


def _stacked(items: Items, indices: Sequence[int], device: torch.device) -> dict[str, Tensor]:
    read = [items.test(index) for index in indices]
    batch = {name: torch.stack([each[name] for each in read]).to(device) for name in read[0]}
    if "target" in batch and _is_colour(items.fields["target"]):
        batch["target"] = joined(batch["target"], batch["source"])
    return batch
