"""The recipe against section 3 of the paper: the same weights as the loop written out in plain torch."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from i2i.assembly import assemble, select
from i2i.contracts import Batch, Recipe
from i2i.errors import UsageError
from i2i.training.updates import Updater
from i2i_pix2pix import Pix2Pix

SMALL = {
    "generator": {"depth": 3, "base_channels": 4},
    "discriminator": {"layers": 1, "base_channels": 4},
}


def build(options: dict[str, Any], parts: dict[str, dict[str, Any]] | None = None) -> Any:
    selection = select("pix2pix", options, {**SMALL, **(parts or {})})
    torch.manual_seed(0)
    return assemble(selection, 2, 3)


def batches() -> list[Batch]:
    random = torch.Generator().manual_seed(1)
    pairs = [[torch.rand(2, channels, 16, 16, generator=random) * 2 - 1 for channels in (2, 3)] for _ in range(3)]
    return [Batch(source, target) for source, target in pairs]


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
    for x, y in batches():
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
    ("options", "gan_loss", "criterion"),
    [
        pytest.param({}, "non-saturating", BCE, id="L1+cGAN"),
        pytest.param({"pixel_weight": 0}, "non-saturating", BCE, id="cGAN"),
        pytest.param({"conditional": False}, "non-saturating", BCE, id="L1+GAN"),
        pytest.param({"conditional": False, "pixel_weight": 0}, "non-saturating", BCE, id="GAN"),
        pytest.param({"gan_weight": 0}, "non-saturating", BCE, id="L1"),
        pytest.param({"gan_weight": 0.5, "pixel_weight": 10}, "least-squares", MSE, id="least-squares"),
    ],
)
def test_three_steps_equal_the_textbook_loop(options: dict[str, Any], gan_loss: str, criterion: Any) -> None:
    recipe = build(options, {"gan_loss": {"name": gan_loss}})
    generator, discriminator = copy.deepcopy(recipe.generator), copy.deepcopy(recipe.discriminator)
    before = {name: weight.clone() for name, weight in recipe.state_dict().items()}

    updater = Updater(recipe, {"betas": [0.5, 0.999]})
    torch.manual_seed(2)  # of dropout
    for batch in batches():
        updater.step(batch)
    torch.manual_seed(2)
    complete = {"conditional": True, "gan_weight": 1.0, "pixel_weight": 100.0, **options}
    textbook(generator, discriminator, criterion, **complete)

    expected = {f"generator.{name}": weight for name, weight in generator.state_dict().items()}
    if discriminator is not None:
        expected |= {f"discriminator.{name}": weight for name, weight in discriminator.state_dict().items()}
    assert expected.keys() == recipe.state_dict().keys()
    for name, weight in recipe.state_dict().items():
        torch.testing.assert_close(weight, expected[name], rtol=1e-5, atol=1e-6, msg=name)
        assert not torch.equal(weight, before[name]), f"{name} was never trained"


def test_discriminator_step_leaves_the_generator_alone() -> None:
    recipe = build({})
    sum(next(recipe.step(batches()[0])).terms.values()).backward()
    assert all(p.grad is None for p in recipe.generator.parameters())
    assert all(p.grad is not None for p in recipe.discriminator.parameters())


@pytest.mark.parametrize(
    ("options", "parts", "judged"),
    [
        ({"gan_weight": 0}, {"generator", "pixel_loss"}, None),
        ({"conditional": False, "pixel_weight": 0}, {"generator", "discriminator", "gan_loss"}, 3),
        ({"pixel_weight": 0}, {"generator", "discriminator", "gan_loss"}, 5),
        ({"conditional": False}, {"generator", "discriminator", "gan_loss", "pixel_loss"}, 3),
        ({}, {"generator", "discriminator", "gan_loss", "pixel_loss"}, 5),
    ],
    ids=["L1", "GAN", "cGAN", "L1+GAN", "L1+cGAN"],
)
def test_each_row_of_table_1_builds_only_its_terms(
    options: dict[str, Any], parts: set[str], judged: int | None
) -> None:
    assert select("pix2pix", options, {}).parts.keys() == parts
    recipe = build(options)
    assert {part for part in Pix2Pix.defaults if getattr(recipe, part) is not None} == parts
    if judged is None:
        assert list(Updater(recipe, {}).step(batches()[0]).losses) == ["generator/pixel"]
    else:
        assert recipe.discriminator.stack[0].in_channels == judged


def test_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(UsageError, match="both 0"):
        build({"gan_weight": 0, "pixel_weight": 0})


def test_pixel_loss_that_cannot_be_called_is_refused() -> None:
    with pytest.raises(UsageError, match="NonSaturating does not serve as Loss"):
        build({}, {"pixel_loss": {"name": "non-saturating"}})


def test_defaults_and_settings_are_the_papers() -> None:
    assert issubclass(Pix2Pix, Recipe)
    selection = select("pix2pix", {}, {})
    assert selection.recipe.options == {"conditional": True, "gan_weight": 1.0, "pixel_weight": 100.0}
    names = {part: component.name for part, component in selection.parts.items()}
    assert names == {
        "generator": "unet",
        "discriminator": "patchgan",
        "gan_loss": "non-saturating",
        "pixel_loss": "l1",
    }
    assert Pix2Pix.settings["optimizer"] == {"lr": 2e-4, "betas": [0.5, 0.999]}


def test_spectral_norm_bears_three_calls_in_a_step() -> None:
    recipe = build({}, {"discriminator": {**SMALL["discriminator"], "spectral": True}})
    before = {name: weight.detach().clone() for name, weight in recipe.named_parameters()}
    updater = Updater(recipe, {"lr": 2e-4, "betas": [0.5, 0.999]})
    for batch in batches()[:2]:
        updater.step(batch)
    for name, weight in recipe.named_parameters():
        assert bool(weight.isfinite().all()), name
        assert not torch.equal(weight, before[name]), f"{name} was never trained"
