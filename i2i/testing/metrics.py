"""Checks of metrics: of items, whose figure of a set is their mean, and of sets."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from i2i.testing.basics import SOURCE, TARGET, blame, built, called, check_tensor, completed, images, require, seeded

if TYPE_CHECKING:
    from torch import Tensor

    from i2i.fields import Kind
    from i2i.parameters import Asked

ITEMS = 8
CLASSES = 4
HEIGHT, WIDTH = 64, 48
SQUARE = 8


@seeded(0)
def check_metric(cls: type[Any], options: Mapping[str, Any] = {}) -> None:
    """Check that ``cls`` keeps the contract of `i2i.contracts.Metric`, or that of `i2i.contracts.SetMetric`.

    It is shown eight images of 64x48 pixels, or class ids where its first parameter is annotated with them, and what
    its keyword-only parameters name. Items have the same figures alone and in any batch, every time; those that equal
    their targets have the best. A mask of all pixels changes nothing, and an item without any has no figure. A map
    shows less where images are equal.

    Raises:
        AssertionError: If it does not.
    """
    higher: Any = getattr(cls, "higher_is_better", None)
    require(type(higher) is bool, f"higher_is_better is {higher!r}. Set it on the class to True or False.")
    shown = _Shown(built(cls, (), completed(cls, options)))
    _check_words(shown.metric)
    _check_frozen(shown.metric)
    if hasattr(cls, "aggregate"):
        _check_of_sets(shown, higher)
    else:
        _check_of_items(shown, higher)
    if hasattr(cls, "map"):
        _check_map(shown)


class _Shown:
    """A metric, and items that it is shown: what was made, what it should be, and the fields that it names."""

    def __init__(self, metric: Any) -> None:
        from i2i.parameters import fields_named, first_kind

        self.metric = metric
        function = getattr(metric, "forward", metric.__call__)
        with blame("reading the annotations of what it is given"):
            kind, asked = first_kind(function) or "image", fields_named(function)
        require(kind != "vector", "it measures vectors. Metrics measure images or class ids.")
        parameters = inspect.signature(function).parameters.values()
        positional = [p for p in parameters if p.kind not in (p.KEYWORD_ONLY, p.VAR_KEYWORD)]
        self.compares = len(positional) > 1 or positional[0].kind is inspect.Parameter.VAR_POSITIONAL
        self.takes_mask = any(p.name == "mask" and p.kind is p.KEYWORD_ONLY for p in parameters)
        self.output, self.target = _compared(kind)
        self.fields = {name: _drawn(field) for name, field in asked.items()}
        if any(p.kind is p.VAR_KEYWORD for p in parameters):
            self.fields = {"target": self.target, "source": _some(SOURCE), **self.fields}

    def see(self, output: Tensor, mask: Tensor | None = None, items: slice = slice(None)) -> Tensor:
        """Return what the metric returns of some items, which must be something of each."""
        given = (output[items], self.target[items]) if self.compares else (output[items],)
        named = {name: values[items] for name, values in self.fields.items()}
        if mask is not None:
            named["mask"] = mask[items]
        seen = called("the metric", lambda *images: self.metric(*images, **named), *given)
        require(seen.shape[:1] == given[0].shape[:1], f"it returns {tuple(seen.shape)}. Return (N, ...): each item's.")
        return seen

    def mask(self) -> Tensor:
        """Return one of all pixels."""
        return self.output.new_ones(ITEMS, HEIGHT, WIDTH).bool()


def _check_words(metric: Any) -> None:
    better: Any = getattr(metric, "better", "")
    words = isinstance(better, str) and not better.endswith(".")
    require(words, f"better is {better!r}. Say it in words that go on after 'it is', without a full stop.")
    with blame("caution()"):
        said = metric.caution(ITEMS) if hasattr(metric, "caution") else ""
    require(isinstance(said, str), f"caution() returns a {type(said).__name__}, not words.")


def _check_frozen(metric: Any) -> None:
    from torch import nn

    weights = metric.named_parameters() if isinstance(metric, nn.Module) else ()
    trained = [name for name, weight in weights if weight.requires_grad]
    require(
        not trained, f"its weights ask for a gradient: {', '.join(trained[:3])}. Freeze them: requires_grad_(False)."
    )


def _check_of_items(shown: _Shown, higher: bool) -> None:
    figures = shown.see(shown.output)
    check_tensor("the figures", figures, (ITEMS,))
    alone = [shown.see(shown.output, items=slice(at, at + 1))[0] for at in range(ITEMS)]
    for at, (one, figure) in enumerate(zip(alone, figures, strict=True)):
        close = bool((one - figure).abs() <= 1e-4 * figure.abs())
        require(close, f"item {at} scores {one:.6g} alone and {figure:.6g} in a batch.")
    again = shown.see(shown.output)
    require(bool((again == figures).all()), f"an item scores {figures[0]:.6g}, and when asked again {again[0]:.6g}.")
    if shown.compares:
        perfect = shown.see(shown.target)
        require(not bool(perfect.isnan().any()), "the figure of items that equal their targets is not a number.")
        worst = int((perfect - figures).argmin() if higher else (perfect - figures).argmax())
        _check_best("items", float(perfect[worst]), float(figures[worst]), higher)
    if shown.takes_mask:
        _check_masked(shown, figures)


def _check_masked(shown: _Shown, figures: Tensor) -> None:
    mask = shown.mask()
    mask[0] = False
    first, *others = shown.see(shown.output, mask).tolist()
    for figure, whole in zip(others, figures.tolist()[1:], strict=True):
        close = abs(figure - whole) <= 1e-4 * abs(whole)
        require(close, f"a mask of all pixels scores {figure:.6g}, and no mask {whole:.6g}.")
    require(
        math.isnan(first),
        f"an item whose mask has no pixel scores {first:.4g}. Return NaN: there is nothing to measure.",
    )


def _check_of_sets(shown: _Shown, higher: bool) -> None:
    """Require finite numbers of all that was seen, however it was put into batches, and the best ones of equal sets."""
    pairs: Any = getattr(type(shown.metric), "pairs", None)
    require(type(pairs) is bool, f"pairs is {pairs!r}. Set it on the class: True where items are compared one by one.")
    whole = _set_figures(shown, shown.output, (slice(None),))
    halves = _set_figures(shown, shown.output, (slice(0, ITEMS // 2), slice(ITEMS // 2, None)))
    for name, figure in whole.items():
        close = abs(halves[name] - figure) <= 1e-3 * abs(figure)
        require(close, f"a set scores {figure:.6g} in one batch and {halves[name]:.6g} in two.")
    if shown.compares:
        equal = _set_figures(shown, shown.target, (slice(None),))
        # an unbiased estimate may be better than that of equal sets by chance where sets are near each other
        far = whole if pairs else _set_figures(shown, shown.output / 4 + 0.5, (slice(None),))
        for name, figure in far.items():
            _check_best("sets", equal[name], figure, higher)
    if shown.takes_mask:
        masked = _set_figures(shown, shown.output, (slice(None),), shown.mask())
        for name, figure in whole.items():
            close = abs(masked[name] - figure) <= 1e-4 * abs(figure)
            require(close, f"a mask of all pixels scores {masked[name]:.6g}, and no mask {figure:.6g}.")


def _set_figures(
    shown: _Shown, output: Tensor, batches: tuple[slice, ...], mask: Tensor | None = None
) -> dict[str, float]:
    import torch

    seen = torch.cat([shown.see(output, mask, items) for items in batches])
    with blame("aggregate()"):
        figures = shown.metric.aggregate(seen)
    named = dict(figures) if isinstance(figures, Mapping) else {"": figures}
    for figure in named.values():
        require(isinstance(figure, float), f"aggregate() returns a {type(figure).__name__}, not a float.")
        require(math.isfinite(figure), f"aggregate() returns {figure}, which is not finite.")
    return named


def _check_best(what: str, equal: float, others: float, higher: bool) -> None:
    agrees = equal > others if higher else equal < others
    require(agrees, f"equal {what} score {equal:.4g}, others {others:.4g}, but higher_is_better is {higher}.")


def _check_map(shown: _Shown) -> None:
    differs = called("map()", shown.metric.map, shown.output, shown.target)
    check_tensor("map()", differs, (ITEMS, HEIGHT, WIDTH))
    equal = called("map() of equal items", shown.metric.map, shown.target, shown.target)
    less = bool(equal.mean() < differs.mean())
    require(
        less, f"map() has a mean of {equal.mean():.4g} where items are equal, and of {differs.mean():.4g} elsewhere."
    )


def _compared(kind: Kind) -> tuple[Tensor, Tensor]:
    """Draw images, or ids of four classes of which some pixels have none, and the same with some noise."""
    import torch

    generator = torch.Generator().manual_seed(1)
    target = _some(TARGET)
    noise = torch.rand(target.shape, generator=generator) * 2 - 1
    if kind == "image":
        return (target + 0.3 * noise).clamp(-1, 1), target
    ids = ((target[:, 0] + 1) * 2).long().clamp(max=CLASSES - 1)
    known = torch.rand(ids.shape, generator=generator) < 0.9
    return ids.where(noise[:, 0] < 0.5, (ids + 1) % CLASSES), ids.where(known, -100)


def _drawn(asked: Asked) -> Tensor:
    """Draw a field that a metric names."""
    if asked.kind == "ids":
        return _compared("ids")[1]
    return _some(SOURCE) if asked.kind == "image" else _some(SOURCE)[:, :, 0, 0]


def _some(channels: int) -> Tensor:
    """Draw images of even squares, (8, channels, 64, 48): with edges, colours and structure."""
    import torch

    squares = torch.cat([images(channels, HEIGHT // SQUARE, WIDTH // SQUARE, seed) for seed in range(ITEMS // 2)])
    return squares.repeat_interleave(SQUARE, 2).repeat_interleave(SQUARE, 3)
