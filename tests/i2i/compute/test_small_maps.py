"""Products of small maps are the convolutions that torch computes, with all of their derivatives, in every recipe."""

import contextlib
import copy
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from i2i.assembly import assemble
from i2i.compute.small_maps import SmallMaps
from i2i.contracts import Clock, Recipe
from i2i.fields import Field, Fields
from i2i.parameters import given_to
from i2i.plugins import catalogue
from i2i.selection import select
from i2i.training.updates import Updater


class _Unconvolved(TorchDispatchMode):
    """Fails where torch is asked for a convolution after all."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert "conv" not in str(func)
        return func(*args, **(kwargs or {}))


FIELDS = Fields({"source": Field(channels=3), "target": Field(channels=3)}, (16, 16))
RESNET = {"blocks": 1, "base_channels": 4}
PATCHGAN = {"layers": 1, "base_channels": 4}
RECIPES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "pix2pix": (
        {},
        {"generator": {"depth": 4, "base_channels": 4}, "discriminator": {"layers": 1, "base_channels": 4}},
    ),
    "pix2pix with R1": (
        {},
        {
            "generator": {"depth": 4, "base_channels": 4},
            "discriminator": {"layers": 1, "base_channels": 4},
            "penalties": [{"name": "r1", "every": 2}],
        },
    ),
    "pix2pixhd": (
        {"stages": [0.3, 0.6]},
        {
            "generator": {"base_channels": 4, "downsamplings": 2, "blocks": 1},
            "enhancer": {"blocks": 1},
            "discriminator": {"base_channels": 4, "layers": 1, "scales": 2},
        },
    ),
    "cyclegan": (
        {},
        {"generator": RESNET, "generator_back": RESNET, "discriminator": PATCHGAN, "discriminator_back": PATCHGAN},
    ),
    "regression": ({}, {"generator": {"name": "unet", "depth": 4, "base_channels": 4}}),
    "bridge": ({}, {"velocity": {"base_channels": 4, "depth": 2, "blocks": 1}}),
}
"""Options of each recipe and of its parts, so small that steps are quick and most maps are small ones."""
STEPS = 10


def test_every_recipe_is_tried() -> None:
    assert {name.partition(" ")[0] for name in RECIPES} == catalogue("recipe").keys()


def built(name: str, dtype: torch.dtype) -> Recipe:
    options, parts = RECIPES[name]
    torch.manual_seed(0)
    recipe = assemble(select(name.partition(" ")[0], options, parts, FIELDS), FIELDS).to(dtype)
    for chain in (module for module in recipe.modules() if isinstance(module, nn.Sequential)):
        for before, after in pairwise(chain):
            if isinstance(after, nn.InstanceNorm2d):
                before.register_parameter(
                    "bias", None
                )  # its gradient is nothing but rounding, of which Adam makes whole steps
    return recipe


def batches(recipe: Recipe, dtype: torch.dtype) -> Iterator[dict[str, Any]]:
    random = torch.Generator().manual_seed(1)
    for step in range(STEPS):
        fields = {name: torch.rand(1, 3, 16, 16, generator=random, dtype=dtype) * 2 - 1 for name in FIELDS}
        yield given_to(recipe.step, fields, FIELDS, Clock(step, STEPS, 0))


@pytest.fixture
def double() -> Iterator[None]:
    """Have what recipes draw in float64 too."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def trained_plainly(recipe: Recipe, dtype: torch.dtype) -> Mapping[str, Tensor]:
    """Return the weights after the recipe's steps, each update by torch's own Adam and convolutions."""
    networks = {name: list(network.parameters()) for name, network in recipe.named_children()}
    adams = {name: torch.optim.Adam(own, lr=1e-3) for name, own in networks.items() if own}
    for given in batches(recipe, dtype):
        for update in recipe.step(**given):
            trained = [p for name in update.names for p in networks[name] if p.requires_grad]
            gradients = torch.autograd.grad(sum(update.terms.values(), torch.zeros(())), trained, allow_unused=True)
            for parameter, gradient in zip(trained, gradients, strict=True):
                parameter.grad = gradient
            for name in update.names:
                adams[name].step()
    return recipe.state_dict()


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.usefixtures("double")
def test_ten_steps_of_every_recipe_equal_those_by_plain_convolutions(name: str) -> None:
    recipe = built(name, torch.float64)
    torch.manual_seed(2)
    expected = trained_plainly(copy.deepcopy(recipe), torch.float64)
    before = copy.deepcopy(recipe.state_dict())
    torch.manual_seed(2)
    updater = Updater(recipe, {"name": "adam", "lr": 1e-3, "betas": [0.9, 0.999]})
    for given in batches(recipe, torch.float64):
        updater.step(**given)
    for key, value in recipe.state_dict().items():
        torch.testing.assert_close(value, expected[key], rtol=0, atol=1e-10, msg=key)
    assert any((value != before[key]).any() for key, value in recipe.state_dict().items())


@pytest.mark.parametrize("name", RECIPES)
def test_first_gradients_of_every_recipe_are_those_of_plain_convolutions(name: str) -> None:
    made = []
    for mode in (contextlib.nullcontext(), SmallMaps()):
        recipe = built(name, torch.float32)
        torch.manual_seed(2)
        with mode:
            update = next(iter(recipe.step(**next(batches(recipe, torch.float32)))))
        trained = [p for own in update.names for p in recipe.get_submodule(own).parameters() if p.requires_grad]
        made.append(torch.autograd.grad(sum(update.terms.values(), torch.zeros(())), trained, allow_unused=True))
    for expected, gradient in zip(*made, strict=True):
        if expected is not None:
            torch.testing.assert_close(gradient, expected, rtol=0, atol=2e-5 * float(expected.abs().max()))


@pytest.mark.parametrize(
    ("function", "shape", "settings"),
    [
        (functional.conv2d, (1, 3, 4, 6), {"kernel": (4, 4), "stride": 2, "padding": 1}),
        (functional.conv2d, (3, 3, 5, 4), {"kernel": (3, 2), "stride": (2, 1), "padding": (2, 0), "dilation": (1, 2)}),
        (functional.conv2d, (2, 3, 2, 2), {"kernel": (1, 1)}),
        (functional.conv_transpose2d, (1, 3, 1, 1), {"kernel": (4, 4), "stride": 2, "padding": 1}),
        (functional.conv_transpose2d, (2, 3, 4, 3), {"kernel": (3, 4), "stride": (2, 3), "output_padding": (1, 0)}),
        (functional.conv_transpose2d, (2, 3, 3, 3), {"kernel": (3, 2), "padding": 1, "dilation": 2}),
    ],
)
@pytest.mark.parametrize("bias", [True, False])
def test_products_have_the_values_and_both_derivatives_of_convolutions(
    function: Any, shape: tuple[int, ...], settings: dict[str, Any], bias: bool
) -> None:
    random = torch.Generator().manual_seed(0)
    kernel, settings = settings["kernel"], {key: value for key, value in settings.items() if key != "kernel"}
    image, weight, shift = (
        torch.randn(*size, generator=random, dtype=torch.float64, requires_grad=True)
        for size in (shape, (3, 3, *kernel), (3,))
    )

    def computed() -> list[Tensor]:
        made = function(image, weight, shift if bias else None, **settings)
        given = [image, weight, *([shift] if bias else [])]
        first = torch.autograd.grad(made.sin().sum(), given, create_graph=True)
        return [made, *first, *torch.autograd.grad(first[0].square().sum() + first[1].square().sum(), given[:2])]

    expected = computed()
    with SmallMaps(), _Unconvolved():  # type: ignore[no-untyped-call]
        found = computed()
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
        assert one.is_contiguous()


def test_whatever_is_no_product_is_computed_by_torch() -> None:
    weight, wide = torch.randn(4, 4, 3, 3), torch.randn(1, 4, 20, 20)
    cases: list[tuple[Any, tuple[Tensor, ...], dict[str, Any]]] = [
        (torch.conv2d, (wide, weight), {}),
        (torch.conv2d, (wide[0, :, :5, :5], weight), {}),
        (torch.conv2d, (wide[..., :5, :5], weight[:, :2]), {"groups": 2}),
        (torch.conv2d, (wide[..., :5, :5], weight), {"padding": "same"}),
        (torch.conv_transpose2d, (wide, weight), {}),
        (torch.conv_transpose2d, (wide[..., :5, :5], weight[:, :2]), {"groups": 2}),
    ]
    for function, given, settings in cases:
        expected = function(*given, **settings)
        with SmallMaps():
            assert torch.equal(function(*given, **settings), expected)


def test_what_torch_refuses_is_refused_in_its_words() -> None:
    with SmallMaps(), pytest.raises(RuntimeError, match="expected input"):
        torch.conv2d(torch.zeros(1, 3, 4, 4), torch.zeros(2, 4, 3, 3))
    with SmallMaps(), pytest.raises(RuntimeError, match=r"[Kk]ernel size can't be greater"):
        torch.conv2d(torch.zeros(1, 4, 2, 2), torch.zeros(2, 4, 3, 3))
    with SmallMaps(), pytest.raises(RuntimeError, match=r"Input type|expected .*type|same"):
        torch.conv2d(torch.zeros(1, 4, 4, 4, dtype=torch.float64), torch.zeros(2, 4, 3, 3))


def test_under_autocast_small_maps_are_float32() -> None:
    image, weight = torch.randn(1, 4, 4, 4), torch.randn(4, 4, 3, 3)
    expected = functional.conv2d(image.bfloat16().float(), weight)
    with SmallMaps(), torch.autocast("cpu", torch.bfloat16):
        found = functional.conv2d(image.bfloat16(), weight)
    torch.testing.assert_close(found, expected)
