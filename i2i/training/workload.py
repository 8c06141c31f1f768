"""How much a training step computes and keeps, counted without values, memory or time."""

from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from i2i.assembly import assemble
from i2i.contracts import Clock, Recipe
from i2i.fields import Fields
from i2i.parameters import given_to
from i2i.selection import Selection
from i2i.system.unfilled import unfilled
from i2i.training.recompute import blocks_of
from i2i.training.rehearsal import KeptShapes, imagined_batch, undrawn, without_values
from i2i.uncompiled import uncompiled


class Workload(NamedTuple):
    """What one step takes."""

    operations: int
    """Floating-point operations of convolutions and products, with those for gradients."""
    results: int
    """Bytes of all that functions return: most of it is kept until its gradient is computed."""
    parameters: int
    """Numbers that are trained."""


def workload(recipe: Recipe, fields: Fields, batch_size: int, steps: int = 1, *, recompute: bool = False) -> Workload:
    """Count what the first step of a recipe takes; nothing of it changes, and no random number is drawn.

    A layer costs the gradient of its weight where its network is updated after it ran, in the same step.

    Raises:
        Exception: Whatever a step raises that cannot be made without values; see `i2i.training.rehearsal`.
    """
    counted = _Counted()
    with undrawn(), uncompiled(), torch.device("meta"), counted:
        imagined = without_values(recipe)
        if recompute:
            counted.forget_inside(imagined)
        owner = {id(p): name for name, network in imagined.named_children() for p in network.parameters()}
        batch = imagined_batch(fields, batch_size)
        learned = 0
        for update in imagined.step(**given_to(imagined.step, batch, fields, Clock(0, steps, 0))):
            learned += counted.learned({weight for weight, name in owner.items() if name in update.names})
    parameters = sum(p.numel() for p in recipe.parameters() if p.requires_grad)
    # a layer, the gradient of what it is given, and that of its weight take as many operations each
    return Workload(2 * counted.operations + learned, counted.results + counted.largest, parameters)


def workload_of(selection: Selection, fields: Fields, batch_size: int, *, recompute: bool = False) -> Workload:
    """Count the same for a recipe that is not built.

    Args:
        selection: What it is made of.
        fields: What the data has.
        batch_size: Items in a batch.
        recompute: Whether blocks compute again what they made; see `i2i.training.recompute`.

    Raises:
        I2iError: If its parts do not go together.
        Exception: As for `workload`.
    """
    with unfilled("the recipe"):
        recipe = assemble(selection, fields)
    return workload(recipe, fields, batch_size, recompute=recompute)


class _Counted(KeptShapes):
    """Counts what functions compute and return."""

    def __init__(self) -> None:
        super().__init__()
        self.operations = self.results = self.largest = 0
        self._of_weight: dict[int, int] = {}
        self._outside: list[int] = []

    def forget_inside(self, recipe: Recipe) -> None:
        """Count of each block of the recipe what it returns alone, and what is inside the largest one once."""

        def begin(block: nn.Module, given: Any) -> None:
            self._outside.append(self.results)

        def end(block: nn.Module, given: Any, returned: Any) -> None:
            before = self._outside.pop()
            self.largest = max(self.largest, self.results - before)
            self.results = before + (returned.nbytes if isinstance(returned, Tensor) else self.results - before)

        for block in (block for network in recipe.children() for block in blocks_of(network)):
            block.register_forward_pre_hook(begin)
            block.register_forward_hook(end)

    def learned(self, weights: set[int]) -> int:
        """Return the operations with these weights that were not asked for before."""
        return sum(self._of_weight.pop(weight) for weight in weights & self._of_weight.keys())

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        returned = super().__torch_function__(func, types, args, kwargs)
        if isinstance(returned, Tensor) and returned.is_floating_point():
            self.results += returned.nbytes if returned.requires_grad else 0
            if operations := _operations(func, args, returned):
                self.operations += operations
                weight = id(args[1])
                self._of_weight[weight] = self._of_weight.get(weight, 0) + operations
        return returned


def _operations(func: Any, args: Any, returned: Tensor) -> int:
    """Return the additions and multiplications of a convolution or a product; 0 of anything else."""
    if func in CONVOLUTIONS:
        return 2 * returned.numel() * _in_one(args[1])
    if func in TRANSPOSED:
        return 2 * int(args[0].numel()) * _in_one(args[1])
    if func is functional.linear:
        return 2 * int(returned.numel()) * int(args[1].shape[1])
    if func in PRODUCTS:
        return 2 * int(returned.numel()) * int(args[0].shape[-1])
    if func is functional.scaled_dot_product_attention:
        return 4 * int(args[0].numel()) * int(args[1].shape[-2])
    return 0


def _in_one(weight: Tensor) -> int:
    """Return how many numbers of a weight come to one value."""
    return prod(weight.shape[1:])


CONVOLUTIONS = {functional.conv1d, functional.conv2d, functional.conv3d}
TRANSPOSED = {functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d}
PRODUCTS = {torch.matmul, torch.bmm, torch.mm, Tensor.matmul, Tensor.bmm, Tensor.mm, Tensor.__matmul__}
