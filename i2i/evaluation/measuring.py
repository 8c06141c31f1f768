"""Runs metrics: what one is given, what can be measured of which data, and figures out of what it saw."""

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from i2i.choices import Component
from i2i.contracts import SetMetric
from i2i.errors import ContractError
from i2i.fields import Fields, Kind
from i2i.options import build, complete
from i2i.outputs import blamed
from i2i.parameters import as_asked, fields_named, first_kind, fits
from i2i.plugins import lookup
from i2i.serving import serves

Batch = Mapping[str, Tensor]
"""Fields of some items as networks see them, on the device."""


class Measure:
    """One metric with its options, built.

    Args:
        chosen: The metric, with the options that are said.

    Raises:
        UnknownNameError: If it is not installed.
        UsageError: If an option is wrong, or it lacks something to work with.
    """

    def __init__(self, chosen: Component) -> None:
        self.name, owner = chosen.name, f"metric {chosen.name!r}"
        self.cls = lookup("metric", chosen.name).cls
        self.options = complete(self.cls, chosen.options, owner)
        self.metric = build(self.cls, options=chosen.options, owner=owner)
        function = self.cls.forward if issubclass(self.cls, nn.Module) else self.cls.__call__
        parameters = [p for p in inspect.signature(function).parameters.values() if p.name != "self"]
        self.kind: Kind = first_kind(function) or "image"
        self.compares = len([p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]) > 1
        self._named = fields_named(function)
        self._takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters)
        self.takes_mask = any(p.name == "mask" and p.kind is p.KEYWORD_ONLY for p in parameters)
        self.of_sets = serves(self.cls, SetMetric)
        self.of_pairs = compares_pairs(self.cls)
        self.higher_is_better: bool = self.cls.higher_is_better
        self.better = str(getattr(self.cls, "better", ""))

    def to_device(self, device: torch.device) -> None:
        """Move the networks in it to a device."""
        if isinstance(self.metric, nn.Module):
            self.metric.to(device)

    def unmeasured(self, to: str, fields: Fields, *, aligned: bool) -> str:
        """Say in words why it cannot measure a field that is made; nothing where it can.

        Args:
            to: The field.
            fields: What the data has.
            aligned: Whether what is made belongs to what it is made of.
        """
        if self.of_pairs and not aligned:
            return f"these images are no pairs, so {self.name!r} cannot be measured"
        if self.kind != fields[to].kind:
            return f"{self.name!r} measures {self.kind}, and {to} is {fields[to].kind}"
        for name, asked in self._named.items():
            if asked.required and (name not in fields or not fits(asked, fields[name])):
                return f"{self.name!r} needs a field {name!r} of {asked.kind}, and the data has {', '.join(fields)}"
        return ""

    def see(self, output: Tensor, batch: Batch, to: str, fields: Fields, mask: Tensor | None = None) -> Tensor:
        """Return what the metric returns of each item of a batch, (N, ...) on the CPU; see `look`."""
        return self.look(output, batch, to, fields, mask).cpu()

    def look(self, output: Tensor, batch: Batch, to: str, fields: Fields, mask: Tensor | None = None) -> Tensor:
        """Return what the metric returns of each item of a batch, (N, ...), and do not wait for it.

        Args:
            output: What was made.
            batch: All fields of the items.
            to: The field that it is to be.
            fields: What the data has.
            mask: Bool (N, H, W), where only these pixels count, of a metric that `takes_mask`.

        Raises:
            ContractError: If that is something else than the contract says.
            I2iError: Whatever the metric refuses.
        """
        named: dict[str, Any] = dict(batch) if self._takes_all else as_asked(batch, self._named, fields)
        if mask is not None:
            named["mask"] = mask
        with torch.inference_mode():
            seen = self.metric(output, *([batch[to]] if self.compares else []), **named)
        shape = tuple(seen.shape) if isinstance(seen, Tensor) else ()
        if shape[:1] != (len(output),) or (len(shape) > 1 and not self.of_sets):
            returned = shape if isinstance(seen, Tensor) else f"a {type(seen).__name__}"
            wanted = f"({len(output)}, ...)" if self.of_sets else f"({len(output)},)"
            raise ContractError(f"{blamed(self.cls)} returns {returned}. It is to return {wanted}, one of each item.")
        kept: Tensor = seen.detach()
        return kept

    def figures(self, seen: Tensor) -> dict[str, float]:
        """Return the figures of a set by name: ``l1``, or ``segmentation/iou`` where a metric has several.

        Args:
            seen: Of all items, as `see` returns it.

        Raises:
            ContractError: If the metric returns something else than numbers.
        """
        if not self.of_sets:
            return {self.name: float(seen.double().nanmean())}
        figures = self.metric.aggregate(seen)
        if isinstance(figures, Mapping):
            return {f"{self.name}/{key}": _number(value, self.cls) for key, value in figures.items()}
        return {self.name: _number(figures, self.cls)}

    def caution(self, count: int) -> str:
        """Return what a reader of its figure of so many items must be told."""
        return str(self.metric.caution(count)) if hasattr(self.metric, "caution") else ""

    def map(self, output: Tensor, target: Tensor) -> Tensor | None:
        """Return the difference at each pixel, (N, H, W) on the CPU; None where the metric has no such thing."""
        if not hasattr(self.metric, "map"):
            return None
        with torch.inference_mode():
            return torch.as_tensor(self.metric.map(output, target)).float().cpu()


def compares_pairs(metric: type[Any]) -> bool:
    """Return whether a metric compares items one by one, and not one set with the other."""
    return not serves(metric, SetMetric) or bool(metric.pairs)


def _number(value: Any, cls: type[Any]) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ContractError(f"{blamed(cls)} aggregates to a {type(value).__name__}. It is to return numbers.") from None
