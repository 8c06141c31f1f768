"""A trained model that turns images into images."""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from i2i import images
from i2i.compute.packed import UnpackableError
from i2i.compute.precision import numbers_of
from i2i.config import Mode
from i2i.data import lab
from i2i.data.tensors import field_to_tensor, to_pixels
from i2i.errors import DataError, UsageError, suggest
from i2i.fields import Field
from i2i.outputs import TOLERANCE
from i2i.pairs import Pixels
from i2i.sections.training import Precision
from i2i.system.devices import resolve_device
from i2i.translation import ranges
from i2i.translation.exports import find_export, open_backend
from i2i.translation.looks import Fit, Looks
from i2i.translation.model import ModelConfig, find_model
from i2i.translation.parts import field_made, load_model, recipe_of
from i2i.translation.predictor import Predictor
from i2i.translation.strips import LARGE, Bounded

_log = logging.getLogger(__name__)

MANY = 10
"""Images from which on it pays to pack weights; see `Translator.pack`."""
BATCH = 8
"""Images of one size that go through the networks together, where they are smaller than `i2i.translation.strips.LARGE`
pixels."""


class Given(NamedTuple):
    """What one translation is made of."""

    fields: dict[str, Pixels]
    """By name, as datasets yield them: see `i2i.pairs.Pixels`."""
    notes: tuple[str, ...] = ()
    """What had to be done to read it, such as ``first of 12 frames``, and in what it is unlike the model's sources."""
    read: Mapping[str, Pixels] = {}
    """The fields as they were before they were fitted to the model's sources."""


class Translator:
    """A trained model with everything around it: any size, the right channels, a named mode, repeatable noise.

    Args:
        config: What the model is.
        parts: Its parts by name, as `i2i.translation.parts.load_model` returns them.
        to: The field to make; the target, or the one that the model makes, when not given.
        device: Where to run it: ``auto``, ``cpu``, ``cuda``, ``mps``, ...
        mode: How to run it; the model's own mode when not given.
        seed: Of the noise: the same image, seed and options give the same result.
        precision: Numbers that networks compute in: ``auto`` is bf16 on a GPU that has it, else float32.
        fit: Whether to bring inputs there that look otherwise than what the model learned from: ``auto``, or ``none``,
            which only says it.
        memory: Bytes that this process may have on the device; what is free there, when not given. An image that does
            not fit as one piece is computed in strips of rows.

    Raises:
        UsageError: If inputs are to be fitted, and the model does not remember what its sources look like.

    Example:
        >>> translator = Translator.load("runs/shoes")  # doctest: +SKIP
        >>> photo = translator(Image.open("edges.png"))  # doctest: +SKIP
    """

    def __init__(
        self,
        config: ModelConfig,
        parts: Mapping[str, Any],
        *,
        to: str | None = None,
        device: str = "auto",
        mode: Mode | None = None,
        seed: int = 0,
        precision: Precision = "auto",
        fit: Fit = "none",
        memory: int | None = None,
    ) -> None:
        self.config, self.seed, self.fit = config, seed, fit
        self.mode: Mode = mode or config.mode
        self.device = resolve_device(device)
        self.to = field_made(config, to)
        recipe, options = recipe_of(config), config.selection.recipe.options
        numbers = numbers_of(precision, self.device)
        how: dict[str, Any] = {"mode": self.mode, "options": options, "numbers": numbers, "bounded": Bounded(memory)}
        self.predictor = Predictor(recipe, self.to, parts, config.data, **how)
        self.predictor.to_device(self.device)
        self._looks = Looks(config, self.predictor.sources, fit)
        self._said = set[str]()
        self._cut_off = False

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        to: str | None = None,
        *,
        revision: str | None = None,
        device: str = "auto",
        mode: Mode | None = None,
        seed: int = 0,
        precision: Precision = "auto",
        fit: Fit = "none",
        backend: str | None = None,
        memory: int | None = None,
    ) -> "Translator":
        """Load a model folder, the model of a run folder, or one by its name on a hub.

        Args:
            path: The folder; or a name such as ``USER/NAME``, where a plugin knows it.
            to: See `Translator`.
            revision: Branch, tag or commit of a model on a hub.
            device: See `Translator`.
            mode: See `Translator`.
            seed: See `Translator`.
            precision: See `Translator`.
            fit: See `Translator`.
            backend: Format of an export in the model folder, such as ``onnx``, which computes in its own runtime.
            memory: See `Translator`.

        Raises:
            MissingInputError: If there is no model, or no such export of it.
            I2iError: If it cannot be loaded here; see `i2i.translation.parts.load_model`.
        """
        folder = find_model(path, revision)
        config, parts = load_model(folder, to)
        if backend is None:
            how: dict[str, Any] = {"device": device, "mode": mode, "precision": precision, "memory": memory}
            return cls(config, parts, to=to, seed=seed, fit=fit, **how)
        if memory is not None:
            raise UsageError(f"The export {backend!r} computes as one piece. Leave the limit of memory, or it, out.")
        export = find_export(folder, config, backend, to=field_made(config, to), mode=mode, device=device)
        run: dict[str, Any] = {"device": "cpu", "mode": export.mode, "precision": "float32", "fit": fit}
        translator = cls(config, parts, to=to, seed=seed, **run)
        translator.predictor.backend = open_backend(folder, config, export, translator.predictor.sources[0])
        return translator

    def pack(self) -> None:
        """Prepare for many images of the training's size: on a CPU each takes less time then, in other last bits.

        It takes as long as a few images, which pays from about `MANY` on, and memory for the weights once more. Where
        it does not pay, or cannot be, everything stays as it is; the latter is said.
        """
        try:
            self.predictor.pack()
        except UnpackableError as error:
            _log.warning("Weights are not packed, so images take longer: %s.", error)

    @property
    def made(self) -> Field:
        """Return what the field is that is made."""
        return self.config.fields[self.to]

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """Return the files that one translation is made of: field -> its columns, or itself where it has none."""
        fields = {name: self.config.fields[name] for name in self.predictor.sources}
        return {name: tuple(column.name for column in field.columns) or (name,) for name, field in fields.items()}

    @property
    def optional(self) -> list[str]:
        """Return the fields that may be left out."""
        return [name for name, asked in self.predictor.asked.items() if not asked.required]

    def __call__(self, *inputs: Any, samples: int | None = None, **more: Any) -> Any:
        """Translate one image, or several.

        Args:
            inputs: The first field that the model takes: (H, W) or (H, W, C) uint8, uint16 or float32 in [-1, 1], or a
                PIL image; any height and width. Where it has a declared range, numbers of any dtype in that range. Of
                several columns, one image for each, or one with the channels of all. Class ids are whole numbers, and
                of a PIL image with a palette its indices. A list stands for several translations.
            samples: How many results for each: the k-th, from 0 on, has the noise of ``seed + k``.
            more: Further fields that the model takes, by name, and options of its translator.

        Returns:
            (H, W, channels) in the dtype that the field had in training, or float32 in its declared range. Class ids
            are (H, W, 1). A model that colours returns RGB in the dtype of the image. With ``samples`` a list of these,
            and for a list of inputs a list of what one would give, equal to it but for rounding.

        Raises:
            DataError: If an image's channels are not the model's, or its values are beyond their range.
            UsageError: If the model takes no such field or option, or an option has a wrong value.
        """
        fields, options = self._sorted(inputs, more)
        several = bool(inputs) and isinstance(inputs[0], list)
        items = [self.given(item) for item in (_each(fields) if several else [fields])]
        results = self.translate(items, samples or 1, **options)
        made = [result[0] for result in results] if samples is None else results
        return made if several else made[0]

    def _sorted(
        self, inputs: Sequence[Any], more: Mapping[str, Any]
    ) -> tuple[dict[str, Sequence[Any]], dict[str, Any]]:
        """Tell fields, each a sequence with an image a column, from options."""
        first = self.predictor.sources[0]
        known = [*self.predictor.sources, *self.predictor.options]
        for name in more:
            if name not in known:
                raise UsageError(f"The model takes no {name!r}.{suggest(name, known)} It takes {', '.join(known)}.")
        fields: dict[str, Sequence[Any]] = {name: [more[name]] for name in self.predictor.sources if name in more}
        if inputs:
            fields = {first: list(inputs), **fields}
        return fields, {name: value for name, value in more.items() if name in self.predictor.options}

    def given(self, fields: Mapping[str, Sequence[Any]]) -> dict[str, Pixels]:
        """Turn one item in the user's values into values as datasets yield them, fitted if that was asked for.

        Args:
            fields: By name, each one array with all channels, or one for each column.

        Raises:
            DataError: If one is something else than the model takes.
        """
        values = {name: ranges.to_values(given, self.config.fields[name], name) for name, given in fields.items()}
        compared = self._looks.compare(values, 'fit="auto"')
        for note in {*compared.notes} - self._said:
            self._said.add(note)
            _log.warning("An input is %s.", note)
        return compared.fields

    def read(self, files: Mapping[str, Sequence[Path | bytes]], max_pixels: int = images.MAX_PIXELS) -> Given:
        """Read one item, fitted if that was asked for.

        Args:
            files: Of each field, one, or one for each of its `columns`; or their contents.
            max_pixels: Largest image that is read.

        Raises:
            MissingInputError: If a file is not there.
            DataError: If one cannot be read, or they do not fit the model.
        """
        read = {name: ranges.read(each, self.config.fields[name], max_pixels) for name, each in files.items()}
        notes = tuple(note for picture in read.values() for note in picture.notes)
        pictures = {name: picture.pixels for name, picture in read.items()}
        compared = self._looks.compare(pictures, "--fit auto")
        return Given(compared.fields, (*notes, *compared.notes), pictures)

    def translate(
        self, items: Sequence[Mapping[str, Pixels]], samples: int = 1, **options: Any
    ) -> list[list[NDArray[Any]]]:
        """Translate items as datasets yield them, in the numbers of the user; see `__call__`.

        Returns:
            Of each item, its samples.

        Raises:
            DataError: If an item is not what the model takes.
            ContractError: If a network makes something else than the field.
        """
        rendered = self.render(items, samples, **options)
        return [[ranges.from_network(picture, self.made) for picture in pictures] for pictures in rendered]

    def render(self, items: Sequence[Mapping[str, Pixels]], samples: int = 1, **options: Any) -> list[list[Pixels]]:
        """Translate as `translate` does, but to pictures also where results stand for numbers in a declared range."""
        results: list[list[Pixels]] = [[] for _ in items]
        for indices in _batches(items):
            tensors = [self._tensors(items[index]) for index in indices]
            batch = {name: torch.stack([each[name] for each in tensors]).to(self.device) for name in tensors[0]}
            for sample in range(samples):
                for index, made in zip(indices, self.predictor(batch, self.seed + sample, **options), strict=True):
                    results[index].append(self._picture(made, items[index]))
        return results

    def _tensors(self, item: Mapping[str, Pixels]) -> dict[str, Tensor]:
        """Return an item as networks see it."""
        fields = self.config.fields
        return {name: field_to_tensor(_fitted(values, fields[name]), fields[name]) for name, values in item.items()}

    def _picture(self, made: Tensor, item: Mapping[str, Pixels]) -> Pixels:
        if self.made.kind == "image":
            self._look_at(made)
        if self._colours:
            image = item["source"]
            return lab.join(_fitted(image, self.config.fields["source"]), to_pixels(made, np.float32), image.dtype)
        return ranges.from_made(made, self.made)

    @property
    def _colours(self) -> bool:
        """Return whether it makes the colours of what it is given the lightness of."""
        return self.made.colours == "lab" and self.predictor.sources == ["source"]

    def _look_at(self, made: Tensor) -> None:
        """Say once that values are cut off."""
        lowest, highest = made.amin().item(), made.amax().item()
        if max(-lowest, highest) > 1 + TOLERANCE and not self._cut_off:
            self._cut_off = True
            _log.warning(
                "%s makes values outside [-1, 1], from %.3g to %.3g here. They are cut off.",
                *(self.predictor.maker, lowest, highest),
            )


def _each(fields: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, list[Any]]]:
    """Yield each item of lists of images.

    Raises:
        DataError: If they are not equally long.
    """
    lists = [each for given in fields.values() for each in given]
    lengths = {len(each) if isinstance(each, list) else -1 for each in lists}
    if len(lengths) > 1 or -1 in lengths:
        raise DataError("Some of what is given is a list, or lists differ in length. Give lists of as many for all.")
    for index in range(lengths.pop()):
        yield {name: [each[index] for each in given] for name, given in fields.items()}


def _batches(items: Sequence[Mapping[str, Pixels]]) -> Iterator[list[int]]:
    """Yield indices of items that fit into one batch: those of equal shapes, a few at a time."""
    alike: dict[Any, list[int]] = {}
    for index, item in enumerate(items):
        shapes = tuple((name, values.shape[:2] if values.ndim > 1 else ()) for name, values in sorted(item.items()))
        alike.setdefault(shapes, []).append(index)
    for shapes, indices in alike.items():
        count = BATCH if max((prod(size) for _, size in shapes), default=1) < LARGE else 1
        yield from (indices[start : start + count] for start in range(0, len(indices), count))


def _fitted(values: Pixels, field: Field) -> Pixels:
    """Return values with the channels that their field has."""
    if field.kind != "image":
        return values
    if field.colours == "lab":
        return lab.split(values)[0]
    if len(field.columns) > 1 and values.shape[2] != field.channels:
        raise ranges.wrong_channels(values.shape[2], field)
    return images.with_channels(values, field.channels)
