"""The recipe against section 3 of the paper: the same weights as the loop written out in plain torch."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from i2i.assembly import assemble
from i2i.contracts import Clock, Recipe
from i2i.errors import UsageError
from i2i.fields import Field, Fields
from i2i.selection import select
from i2i.training.updates import Updater
from i2i_pix2pix import Pix2Pix

SMALL = {
    "generator": {"depth": 3, "base_channels": 4},
    "discriminator": {"layers": 1, "base_channels": 4},
}


FIELDS = Fields({"source": Field(channels=2), "target": Field(channels=3)}, (16, 16))


def build(options: dict[str, Any], parts: dict[str, Any] | None = None) -> Any:
    selection = select("pix2pix", options, {**SMALL, **(parts or {})}, FIELDS)
    torch.manual_seed(0)
    return assemble(selection, FIELDS)


def batches() -> list[dict[str, Any]]:
    """Draw what three steps are given."""
    random = torch.Generator().manual_seed(1)
    pairs = [[torch.rand(2, channels, 16, 16, generator=random) * 2 - 1 for channels in (2, 3)] for _ in range(3)]
    return [{"source": s, "target": t, "clock": Clock(step, 3, 0)} for step, (s, t) in enumerate(pairs)]


def textbook(
    generator: nn.Module,
    discriminator: nn.Module | None,
    criterion: Callable[[Tensor, Tensor], Tensor],
    conditional: bool,
    gan_weight: float,
    pixel_weight: float,
) -> None:
    """Three steps of algorithm and objective as the paper has them, without any part of ours but the networks."""
    opt_g = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    opt_d = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999)) if discriminator else None
    for x, y in ((batch["source"], batch["target"]) for batch in batches()):
        g = generator(x)
        loss_g = pixel_weight * torch.abs(y - g).sum() / y.numel() if pixel_weight else torch.tensor(0.0)
        if discriminator is not None and opt_d is not None:
            real = discriminator(torch.cat([x, y], 1) if conditional else y)
            fake = discriminator(torch.cat([x, g.detach()], 1) if conditional else g.detach())
            opt_d.zero_grad()
            loss_d = criterion(real, torch.ones_like(real)) + criterion(fake, torch.zeros_like(fake))
            (loss_d / 2).backward()
            opt_d.step()
            fake = discriminator(torch.cat([x, g], 1) if conditional else g)
            loss_g = loss_g + gan_weight * criterion(fake, torch.ones_like(fake))
        opt_g.zero_grad()
        loss_g.backward()
        opt_g.step()


BCE = nn.functional.binary_cross_entropy_with_logits
MSE = nn.functional.mse_loss


@pytest.mark.parametrize(
    ("options", "pixel_weight", "gan_loss", "criterion"),
    [
        pytest.param({}, 100, "non-saturating", BCE, id="L1+cGAN"),
        pytest.param({}, 0, "non-saturating", BCE, id="cGAN"),
        pytest.param({"conditional": False}, 100, "non-saturating", BCE, id="L1+GAN"),
        pytest.param({"conditional": False}, 0, "non-saturating", BCE, id="GAN"),
        pytest.param({"gan_weight": 0}, 100, "non-saturating", BCE, id="L1"),
        pytest.param({"gan_weight": 0.5}, 10, "least-squares", MSE, id="least-squares"),
    ],
)
def test_three_steps_equal_the_textbook_loop(
    options: dict[str, Any], pixel_weight: float, gan_loss: str, criterion: Any
) -> None:
    pixel_loss: Any = {"weight": pixel_weight} if pixel_weight else []
    recipe = build(options, {"gan_loss": {"name": gan_loss}, "pixel_loss": pixel_loss})
    generator, discriminator = copy.deepcopy(recipe.generator), copy.deepcopy(recipe.discriminator)
    before = {name: weight.clone() for name, weight in recipe.state_dict().items()}

    updater = Updater(recipe, {"betas": [0.5, 0.999]})
    torch.manual_seed(2)  # of dropout
    for batch in batches():
        updater.step(**batch)
    torch.manual_seed(2)
    complete = {"conditional": True, "gan_weight": 1.0, **options}
    textbook(generator, discriminator, criterion, **complete, pixel_weight=pixel_weight)

    expected = {f"generator.{name}": weight for name, weight in generator.state_dict().items()}
    if discriminator is not None:
        expected |= {f"discriminator.{name}": weight for name, weight in discriminator.state_dict().items()}
    assert expected.keys() == recipe.state_dict().keys()
    for name, weight in recipe.state_dict().items():
        torch.testing.assert_close(weight, expected[name], rtol=1e-5, atol=1e-6, msg=name)
        assert not torch.equal(weight, before[name]), f"{name} was never trained"


def test_discriminator_step_leaves_the_generator_alone() -> None:
    recipe = build({})
    sum(next(recipe.step(**batches()[0])).terms.values()).backward()
    assert all(p.grad is None for p in recipe.generator.parameters())
    assert all(p.grad is not None for p in recipe.discriminator.parameters())


@pytest.mark.parametrize(
    ("options", "pixel_loss", "losses", "judged"),
    [
        ({"gan_weight": 0}, {}, ["generator/pixel"], None),
        ({"conditional": False}, [], ["discriminator/gan", "generator/gan"], 3),
        ({}, [], ["discriminator/gan", "generator/gan"], 5),
        ({"conditional": False}, {}, ["discriminator/gan", "generator/pixel", "generator/gan"], 3),
        ({}, {}, ["discriminator/gan", "generator/pixel", "generator/gan"], 5),
    ],
    ids=["L1", "GAN", "cGAN", "L1+GAN", "L1+cGAN"],
)
def test_each_row_of_table_1_learns_from_its_terms(
    options: dict[str, Any], pixel_loss: Any, losses: list[str], judged: int | None
) -> None:
    recipe = build(options, {"pixel_loss": pixel_loss})
    assert list(Updater(recipe, {}).step(**batches()[0]).losses) == losses
    assert (recipe.discriminator is None) == (recipe.gan_loss is None) == (judged is None)
    if judged is not None:
        assert recipe.discriminator.stack[0].in_channels == judged


def test_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no pixel_loss"):
        build({"gan_weight": 0}, {"pixel_loss": []})


def test_option_of_old_configurations_is_refused_with_what_to_write() -> None:
    with pytest.raises(UsageError, match=r"no option 'pixel_weight' any more. Write pixel_loss.weight=10\."):
        build({"pixel_weight": 10})


def test_several_pixel_losses_are_weighted_and_logged_by_name() -> None:
    recipe = build({"gan_weight": 0}, {"pixel_loss": [{"name": "l1", "weight": 3}, {"name": "l2", "weight": 5}]})
    (update,) = recipe.step(**(given := batches()[0]))
    assert list(update.terms) == ["pixel.l1", "pixel.l2"]
    absolute, squared = (update.terms[f"pixel.{name}"] / weight for name, weight in (("l1", 3), ("l2", 5)))
    assert absolute**2 <= squared  # Jensen
    difference = given["target"] - given["target"]
    assert recipe.pixel_loss(difference, difference + 2) == {"l1": 6, "l2": 20}


def test_pixel_loss_that_cannot_be_called_is_refused() -> None:
    with pytest.raises(UsageError, match="NonSaturating does not serve as Loss"):
        build({}, {"pixel_loss": {"name": "non-saturating"}})


def test_defaults_and_settings_are_the_papers() -> None:
    assert issubclass(Pix2Pix, Recipe)
    selection = select("pix2pix", {}, {})
    assert selection.recipe.options == {"conditional": True, "gan_weight": 1.0}
    assert {place: component.name for place, _, component in selection.components()} == {
        "generator": "unet",
        "discriminator": "patchgan",
        "gan_loss": "non-saturating",
        "pixel_loss.l1": "l1",
    }
    assert selection.model_dump()["parts"]["pixel_loss"] == [{"name": "l1", "weight": 100}]
    assert Pix2Pix.settings["optimizer"] == {"lr": 2e-4, "betas": [0.5, 0.999]}


def test_spectral_norm_bears_three_calls_in_a_step() -> None:
    recipe = build({}, {"discriminator": {**SMALL["discriminator"], "spectral": True}})
    before = {name: weight.detach().clone() for name, weight in recipe.named_parameters()}
    updater = Updater(recipe, {"lr": 2e-4, "betas": [0.5, 0.999]})
    for batch in batches()[:2]:
        updater.step(**batch)
    for name, weight in recipe.named_parameters():
        assert bool(weight.isfinite().all()), name
        assert not torch.equal(weight, before[name]), f"{name} was never trained"


def test_relativistic_loss_and_penalties_are_those_of_their_papers() -> None:
    penalties = [{"name": "r1", "weight": 3, "every": 1}, {"name": "r2", "weight": 5, "every": 2}]
    still = {
        "generator": {**SMALL["generator"], "dropout": 0.0},
        "discriminator": {**SMALL["discriminator"], "norm": "none"},
    }
    objective = {"gan_loss": {"name": "relativistic"}, "penalties": penalties, "pixel_loss": []}
    recipe = build({}, {**still, **objective})
    for given in batches()[:2]:
        pairs = [
            torch.cat([given["source"], image], 1) for image in (given["target"], recipe.generator(given["source"]))
        ]
        pairs = [pair.detach().requires_grad_() for pair in pairs]
        real, fake = (recipe.discriminator(pair) for pair in pairs)
        real_slope, fake_slope = torch.autograd.grad(real.sum() + fake.sum(), pairs)
        judged, learned = recipe.step(**given)
        ones = torch.ones_like(real)
        expected = {"gan": BCE(real - fake, ones), "r1": 3 * real_slope.square().sum() / 2 / 2}
        if given["clock"].step == 0:
            expected["r2"] = 2 * 5 * fake_slope.square().sum() / 2 / 2
        assert judged.terms.keys() == expected.keys()
        torch.testing.assert_close(dict(judged.terms), expected)
        torch.testing.assert_close(learned.terms["gan"], BCE(fake - real, ones))
