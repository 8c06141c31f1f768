"""Makes one field of others: what validation measures, and what translating runs on images of any size."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from math import lcm
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from i2i.compute.packed import Weights, pack
from i2i.compute.precision import Numbers, widened
from i2i.config import Mode
from i2i.contracts import Recipe
from i2i.errors import ContractError, DataError, I2iError, UsageError
from i2i.fields import Field, Fields
from i2i.options import complete, options_of
from i2i.outputs import blamed, check_made
from i2i.parameters import as_asked, fields_asked, noises_asked, parts_asked
from i2i.plugins import describe
from i2i.system.devices import is_out_of_memory
from i2i.system.faults import place
from i2i.translation.exports import Backend
from i2i.translation.modes import in_mode, inference
from i2i.translation.padding import Margins
from i2i.translation.strips import Bounded


class Predictor:
    """One translator of a recipe, with its parts in an inference mode.

    What it makes of an item depends on that item, the seed and the options alone: on nothing beside it in the batch.

    Args:
        recipe: The method.
        to: The field that is made, one of the recipe's ``translators``.
        parts: All parts of the recipe by name, None for those that its options do not need. The ones that the
            translator names run in the mode, and are left as they are.
        fields: What the data has.
        mode: How networks run.
        options: The recipe's own: an option of the translator that is called like one of them has its value.
        numbers: What networks compute in; what is made is float32 in any case.
        bounded: What computes large images within the memory there is; as one piece, whatever that takes, without.

    Raises:
        UsageError: If what is made is ids that are no classes.
    """

    def __init__(
        self,
        recipe: type[Recipe],
        to: str,
        parts: Mapping[str, Any],
        fields: Fields,
        *,
        mode: Mode,
        options: Mapping[str, Any] = {},
        numbers: Numbers = "float32",
        bounded: Bounded | None = None,
    ) -> None:
        self.numbers, self._bounded = numbers, bounded
        self.recipe, self.to, self.fields = recipe, to, fields
        self.function = recipe.translators[to]
        self.asked, self.noises = fields_asked(self.function, parts), noises_asked(self.function)
        if fields[to].kind == "ids" and not fields[to].channels:
            raise UsageError(
                f"{to!r} holds ids that are no classes: nothing can make them. Declare how many there are."
            )
        self.parts = {name: _form(parts[name], mode) for name in parts_asked(self.function, parts)}
        self.multiple = lcm(*(int(getattr(part, "size_multiple", 1)) for part in self.parts.values()))
        taken = {name: options[name] for name in options_of(self.function).model_fields if name in options}
        self.options = taken
        self.options = self.chosen({})
        self._looks_around = any(_looks_around(network) for network in self.networks)
        self._alone = False
        self._weights: Weights | None = None
        self.backend: Backend | None = None
        """What computes in the place of the networks."""

    @property
    def networks(self) -> list[nn.Module]:
        """Return the parts that are networks, in their mode."""
        return [part for part in self.parts.values() if isinstance(part, nn.Module)]

    @property
    def sources(self) -> list[str]:
        """Return the fields that it takes, of those that the data has, in the order of the translator's parameters."""
        return [name for name in self.asked if name in self.fields]

    def to_device(self, device: torch.device) -> Self:
        """Move its networks to a device."""
        for network in self.networks:
            network.to(device)
        return self

    def pack(self) -> bool:
        """Lay weights out for many items of the training's size on a CPU, where that pays; see `i2i.compute.packed`.

        Returns:
            Whether they are.

        Raises:
            UnpackableError: If this torch or this CPU cannot.
        """
        if self._device.type == "cpu" and self._weights is None and self.backend is None:
            given = {name: _drawn(self.fields[name], self.fields.size) for name in self.sources}
            padded = self._whole(given, 1, self.fields.size, 0)
            self._weights = pack(self.networks, lambda: self._computed(padded, 1, 0, self.options)[0], self.numbers)
        return self._weights is not None

    @property
    def is_aligned(self) -> bool:
        """Return whether what it makes belongs to what it is made of, pixel by pixel."""
        return self.fields.aligned(self.to, *self.sources)

    def __call__(self, fields: Mapping[str, Tensor], seed: int = 0, **options: Any) -> Tensor:
        """Make the field.

        Args:
            fields: A batch of each field that is asked for: images (N, C, H, W) of any size, ids (N, H, W), vectors
                (N, C). A noise that is among them is not drawn.
            seed: Of all noise; each item has the noise that it would have alone.
            options: Those of the translator.

        Returns:
            Float32 (N, C, H, W) of an image, (N, C) of a vector, int64 (N, H, W) of class ids.

        Raises:
            DataError: If a field is missing, sizes differ, or what is made is not finite.
            UsageError: If an option is none or has a wrong value, or a network refuses the image.
            ContractError: If a network fails, or makes something else than the field.
        """
        made, finite = self.make(fields, seed, **options)
        self.check_finite(finite)
        return made

    def make(self, fields: Mapping[str, Tensor], seed: int = 0, **options: Any) -> tuple[Tensor, Tensor]:
        """Make the field, and do not wait for it; see `__call__`.

        Returns:
            What is made, and whether all of it is finite: a bool, on the device.
        """
        chosen = self.chosen(options)
        given = as_asked(fields, self.asked, self.fields)
        if missing := [name for name, asked in self.asked.items() if asked.required and name not in given]:
            raise DataError(f"{self.to} is made of {' and '.join(self.sources)}. Give {missing[0]} too.")
        given |= {name: fields[name] for name in self.noises if name in fields}
        count = max((len(values) for values in given.values()), default=1)
        if not self._alone and not (count > 1 and self._device.type == "cpu" and self._looks_around):
            made, finite, mixed = self._run(given, count, seed, chosen)
            if not mixed:
                return made, finite
            self._alone = True  # from now on
        items = ({name: values[i : i + 1] for name, values in given.items()} for i in range(count))
        singly = [self._run(item, 1, seed, chosen) for item in items]
        return torch.cat([made for made, _, _ in singly]), torch.stack([finite for _, finite, _ in singly]).all()

    def check_finite(self, finite: Tensor) -> None:
        """Refuse what is not finite, as `make` says it.

        Raises:
            DataError: If it is not.
        """
        if not bool(finite):
            raise DataError(f"{self.maker} makes numbers that are not finite. Train it anew, with a lower rate.")

    def chosen(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return all options of the translator, with these instead of its defaults.

        Raises:
            UsageError: If one is none, or has a wrong value.
        """
        return complete(self.function, {**self.options, **options}, f"to make {self.to!r}")

    def _run(
        self, given: Mapping[str, Tensor], count: int, seed: int, chosen: Mapping[str, Any]
    ) -> tuple[Tensor, Tensor, bool]:
        """Return what is made of a batch, whether it is finite, and whether it is not what each item would be alone."""
        field, (height, width) = self.fields[self.to], self._size(given)
        shape = (field.channels, *(() if field.kind == "vector" else (height, width)))
        padded = self._whole(given, count, (height, width), seed)
        margins = Margins.of(height, width, self.multiple)
        with self._blaming(height, width):
            made, mixed = self._computed(padded, count, seed, chosen)
        expected = (count, *shape[:1], *(margins.around(height, width) if len(shape) > 1 else ()))
        made = check_made(self.maker, made, expected, next((tuple(v.shape) for v in padded.values()), ())).float()
        made = margins.cut(made) if len(shape) > 1 else made
        finite = made.isfinite().all()
        return (classes(made, field) if field.kind == "ids" else made), finite, mixed

    def _computed(
        self, padded: Mapping[str, Tensor], count: int, seed: int, chosen: Mapping[str, Any]
    ) -> tuple[Tensor, bool]:
        """Return what the function makes, and whether it is not what it would make of each item alone."""
        if self.backend is not None:
            if chosen != self.options:
                raise UsageError(
                    f"Options are built into the export {self.backend.name!r}. Leave them, or --backend, out."
                )
            return self.backend(padded), False
        with ExitStack() as stack:
            noise = stack.enter_context(inference(seed, count))
            if self.numbers == "bf16":
                stack.enter_context(torch.autocast(self._device.type, torch.bfloat16))
            if self._weights is not None:
                stack.enter_context(self._weights.used())
            function = partial(self.function, **self.parts, **chosen)
            within = self._bounded if count == 1 else None
            made = function(**padded) if within is None else within(function, padded)
        return widened(made), noise.mixed

    def _whole(self, given: Mapping[str, Tensor], count: int, size: tuple[int, int], seed: int) -> dict[str, Tensor]:
        """Return what is given and the noise that is not, of sizes that networks take."""
        field = self.fields[self.to]
        shape = (count, field.channels, *(() if field.kind == "vector" else size))
        whole = {**given, **self._noise([name for name in self.noises if name not in given], shape, seed)}
        return {name: self._padded(values) for name, values in whole.items()}

    def _size(self, given: Mapping[str, Tensor]) -> tuple[int, int]:
        """Return height and width of what is made: those of what it belongs to, else of the first field with a size."""
        sizes = {name: (v.shape[-2], v.shape[-1]) for name, v in given.items() if name in self.fields and v.ndim > 2}
        groups: dict[str, str] = {}
        for name, size in sizes.items():
            first = groups.setdefault(self.fields[name].group, name)
            if size != sizes[first]:
                said = " and ".join(f"{each} is {sizes[each][1]}x{sizes[each][0]}" for each in (first, name))
                raise DataError(f"{said}. They belong together: give them in one size.")
        own = groups.get(self.fields[self.to].group) or next(iter(sizes), None)
        return self.fields.size if own is None else sizes[own]

    def _noise(self, names: list[str], shape: tuple[int, ...], seed: int) -> dict[str, Tensor]:
        """Draw noise for one item and give it to all: on the CPU, so that every device has the same."""
        generator, device = torch.Generator().manual_seed(seed), self._device
        drawn = {name: torch.randn(1, *shape[1:], generator=generator) for name in names}
        return {name: noise.to(device).expand(shape) for name, noise in drawn.items()}

    @property
    def _device(self) -> torch.device:
        return next((value.device for network in self.networks for value in network.parameters()), torch.device("cpu"))

    def _padded(self, values: Tensor) -> Tensor:
        if values.ndim < 3:
            return values
        return Margins.of(values.shape[-2], values.shape[-1], self.multiple).pad(values)

    @property
    def maker(self) -> str:
        """Return whom to blame for what is made: the network, if it is one alone, else the recipe."""
        networks = self.networks
        return blamed(type(networks[0]) if len(networks) == 1 else self.recipe)

    @contextmanager
    def _blaming(self, height: int, width: int) -> Iterator[None]:
        """Name who refuses an image of this size, or fails on it: the innermost of translator and networks."""
        try:
            yield
        except Exception as error:
            if isinstance(error, I2iError) or is_out_of_memory(error):
                raise
            makers: dict[str, type] = {self.recipe.__module__: self.recipe}
            makers |= {type(network).__module__: type(network) for network in self.networks}
            module, where = place(error, makers)
            maker = blamed(makers[module]) if module in makers else self.maker
            if isinstance(error, ValueError):
                raise UsageError(f"{maker} refuses an image of {width}x{height}: {error}") from error
            raise ContractError(f"{maker} fails on an image of {width}x{height}: {describe(error)}{where}.") from error


def _drawn(field: Field, size: tuple[int, int]) -> Tensor:
    """Draw one item: an image or a vector in [-1, 1], ids of any class."""
    generator = torch.Generator().manual_seed(0)
    if field.kind == "ids":
        return torch.randint(max(field.channels, 2), (1, *size), generator=generator)
    return torch.rand(1, field.channels, *(size if field.kind == "image" else ()), generator=generator) * 2 - 1


def _form(part: Any, mode: Mode) -> Any:
    return in_mode(part, mode) if isinstance(part, nn.Module) else part


def classes(logits: Tensor, field: Field) -> Tensor:
    """Return the class of the largest logit (N, H, W); never that of pixels without a class, which nothing teaches."""
    if field.void is not None and field.void < field.channels:
        logits = logits.index_fill(1, torch.tensor([field.void], device=logits.device), -torch.inf)
    return logits.argmax(1)


def _looks_around(network: nn.Module) -> bool:
    """Return whether a network in its mode takes statistics of a batch, or drops something of it.

    Singly a CPU computes that as fast, and rounds as it always does; see `i2i.translation.modes.inference` for others.
    """
    return any(
        (isinstance(module, _BatchNorm) and module.running_mean is None)
        or (isinstance(module, _DropoutNd) and module.training)
        for module in network.modules()
    )
