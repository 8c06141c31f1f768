"""Every recipe that comes with i2i, as small as it can be, in float64, with neither chance nor statistics of a batch.

So its steps depend on the items of their batches alone, however these are divided.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from i2i.assembly import assemble
from i2i.contracts import Clock, Recipe
from i2i.fields import Field, Fields
from i2i.parameters import given_to
from i2i.selection import select
from i2i.training.portions import Portion
from i2i.training.updates import Updater

UNET: dict[str, Any] = {"name": "unet", "depth": 2, "base_channels": 4, "norm": "none", "dropout": 0}
RESNET: dict[str, Any] = {"name": "resnet", "blocks": 1, "base_channels": 4}
PATCHGAN: dict[str, Any] = {"name": "patchgan", "layers": 1, "base_channels": 4, "norm": "instance"}
IMAGE, LABELS = Field(channels=3), Field(channels=4, kind="ids")
ALIKE: dict[str, Field] = {"source": IMAGE, "target": IMAGE}


class Case(NamedTuple):
    """A recipe and what it is built of."""

    recipe: str
    options: dict[str, Any]
    parts: dict[str, Any]
    fields: Mapping[str, Field] = ALIKE


CASES = {
    "pix2pix": Case(
        "pix2pix", {}, {"generator": UNET, "discriminator": PATCHGAN, "penalties": {"name": "r1", "every": 2}}
    ),
    "pix2pix relativistic": Case(
        "pix2pix",
        {"conditional": False},
        {
            "generator": UNET,
            "discriminator": PATCHGAN,
            "gan_loss": "relativistic",
            "penalties": [{"name": "r1", "every": 1}, {"name": "r2", "every": 1}],
        },
    ),
    "pix2pixhd": Case(
        "pix2pixhd",
        {"stages": [0.34, 0.67]},
        {
            "generator": {"base_channels": 4, "downsamplings": 1, "blocks": 1},
            "enhancer": {"blocks": 1},
            "discriminator": {"scales": 2, "layers": 1, "base_channels": 4},
        },
        {**ALIKE, "instances": Field(channels=0, kind="ids")},
    ),
    "cyclegan": Case(
        "cyclegan",
        {"pool": 0},
        {
            "generator": RESNET,
            "generator_back": RESNET,
            "discriminator": PATCHGAN,
            "discriminator_back": PATCHGAN,
        },
        {"source": IMAGE.model_copy(update={"group": "s"}), "target": IMAGE.model_copy(update={"group": "t"})},
    ),
    "bridge": Case("bridge", {}, {"velocity": {"base_channels": 4, "depth": 1, "blocks": 1}}),
    "regression of images": Case("regression", {}, {"generator": UNET}),
    "regression of classes": Case("regression", {}, {"generator": UNET}, {"source": IMAGE, "target": LABELS}),
}
SIZE = (16, 16)
# biases before a norm have no gradient but rounding, which Adam's usual eps of 1e-8 would make steps of
ADAM = {"lr": 1e-3, "betas": (0.5, 0.9), "eps": 1e-5}


class Unchanging(TorchFunctionMode):
    """Draws what is always the same for an item, in whatever batch it is."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.randn_like:
            return 0.5 * args[0].flip(-1)
        if func is torch.rand:
            return torch.full((args[0],), 0.3, dtype=torch.float64)
        return func(*args, **(kwargs or {}))


def built(case: Case) -> tuple[Recipe, Fields]:
    """Draw its networks, always the same."""
    fields = Fields(case.fields, SIZE)
    torch.manual_seed(0)
    return assemble(select(case.recipe, case.options, case.parts, fields), fields).double(), fields


def items(fields: Fields, count: int) -> dict[str, Tensor]:
    """Draw items, always the same."""
    drawn = torch.Generator().manual_seed(1)
    found: dict[str, Tensor] = {}
    for name, field in fields.items():
        if field.kind == "ids":
            found[name] = torch.randint(field.channels or 3, (count, *SIZE), generator=drawn)
        else:
            found[name] = torch.rand(count, field.channels, *SIZE, generator=drawn, dtype=torch.float64) * 2 - 1
    return found


def portion(recipe: Recipe, fields: Fields, batch: Mapping[str, Tensor], share: float, step: int) -> Portion:
    """What the step of a recipe is given of some items; a run has three steps."""
    return Portion(given_to(recipe.step, batch, fields, Clock(step, 3, 0)), share)


def weights(updater: Updater) -> dict[str, Tensor]:
    """All parameters by name."""
    return {name: parameter.detach() for name, parameter in updater.recipe.named_parameters()}
