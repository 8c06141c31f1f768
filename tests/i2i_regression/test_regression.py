"""The recipe against its loop in plain torch, for images and for class ids."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from i2i.assembly import assemble
from i2i.config import resolve
from i2i.contracts import Clock
from i2i.errors import UsageError
from i2i.fields import Field, Fields
from i2i.parameters import given_to
from i2i.selection import select
from i2i.testing import check_recipe
from i2i.training import resume, train
from i2i.training.updates import Updater
from i2i_regression import Regression

NAFNET: dict[str, Any] = {
    "name": "nafnet",
    "base_channels": 4,
    "encoder_blocks": [1],
    "middle_blocks": 1,
    "decoder_blocks": [1],
}
UNET: dict[str, Any] = {"name": "unet", "depth": 3, "base_channels": 4}
CLASSES = 5
IMAGES = Fields({"source": Field(channels=2), "target": Field(channels=3)}, (16, 16))
LABELS = Fields({"source": Field(channels=2), "target": Field(channels=CLASSES, kind="ids")}, (16, 16))


def build(fields: Fields, **parts: Any) -> Any:
    selection = select("regression", {}, {"generator": NAFNET, **parts}, fields)
    torch.manual_seed(0)
    return assemble(selection, fields)


def batches(fields: Fields) -> list[dict[str, Tensor]]:
    """Draw what three steps are given; some pixels have no class."""
    random = torch.Generator().manual_seed(1)
    found = []
    for _ in range(3):
        source = torch.rand(2, 2, 16, 16, generator=random) * 2 - 1
        target = torch.rand(2, 3, 16, 16, generator=random) * 2 - 1
        if fields["target"].kind == "ids":
            target = torch.randint(CLASSES, (2, 16, 16), generator=random)
            target[:, :3] = -100
        found.append({"source": source, "target": target})
    return found


def trained(recipe: Any, fields: Fields) -> None:
    updater = Updater(recipe, {"lr": 1e-3})
    for batch in batches(fields):
        updater.step(**given_to(recipe.step, batch, fields, Clock(0, 3, 0)))


def distance(output: Tensor, target: Tensor) -> Tensor:
    return (output - target).abs().sum() / target.numel()


def surprise(output: Tensor, target: Tensor) -> Tensor:
    pixels, classes = output.movedim(1, -1).reshape(-1, CLASSES), target.flatten()
    shares = pixels[classes >= 0].softmax(1)
    chosen = shares[torch.arange(len(shares)), classes[classes >= 0]]
    return -chosen.log().mean()


@pytest.mark.parametrize(("fields", "loss"), [(IMAGES, distance), (LABELS, surprise)], ids=["images", "classes"])
def test_three_steps_equal_the_textbook_loop(fields: Fields, loss: Any) -> None:
    recipe = build(fields)
    generator = copy.deepcopy(recipe.generator)
    before = copy.deepcopy(generator.state_dict())
    trained(recipe, fields)
    optimizer = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.9, 0.999))
    for batch in batches(fields):
        optimizer.zero_grad()
        loss(generator(batch["source"]), batch["target"]).backward()
        optimizer.step()
    for name, weight in recipe.generator.state_dict().items():
        torch.testing.assert_close(weight, generator.state_dict()[name], rtol=1e-4, atol=1e-6, msg=name)
        assert not torch.equal(weight, before[name]), f"{name} was never trained"


def test_the_loss_follows_the_kind_of_the_target() -> None:
    images, labels = (select("regression", {}, {}, fields) for fields in (IMAGES, LABELS))
    assert {place: component.name for place, _, component in images.components()} == {
        "generator": "unet",
        "pixel_loss.l1": "l1",
    }
    assert {place: component.name for place, _, component in labels.components()} == {
        "generator": "unet",
        "class_loss.cross-entropy": "cross-entropy",
    }


@pytest.mark.parametrize("generator", [NAFNET, UNET], ids=lambda options: options["name"])
def test_images_are_held_and_logits_are_not(generator: dict[str, Any]) -> None:
    images, labels = (build(fields, generator=generator).generator for fields in (IMAGES, LABELS))
    assert images.bounded
    assert not labels.bounded


def test_losses_are_logged_by_their_names() -> None:
    recipe = build(IMAGES, pixel_loss=[{"name": "charbonnier", "weight": 2}, {"name": "ssim"}])
    (update,) = recipe.step(**batches(IMAGES)[0])
    assert list(update.terms) == ["pixel.charbonnier", "pixel.ssim"]


@pytest.mark.parametrize(
    ("fields", "part"), [(IMAGES, "pixel_loss"), (LABELS, "class_loss")], ids=["images", "classes"]
)
def test_nothing_to_learn_from_is_refused(fields: Fields, part: str) -> None:
    with pytest.raises(UsageError, match=f"there is no {part}"):
        build(fields, **{part: []})


def test_logits_that_the_user_would_hold_are_refused() -> None:
    with pytest.raises(UsageError, match="sets bounded to False for this data"):
        select("regression", {}, {"generator": {**NAFNET, "bounded": True}}, LABELS)


@pytest.mark.parametrize("fields", [IMAGES, LABELS], ids=["images", "classes"])
def test_it_keeps_the_contract_of_recipes(fields: Fields) -> None:
    check_recipe(Regression, {}, {"generator": NAFNET}, fields=dict(fields), size=fields.size)


def test_a_resumed_run_ends_with_the_same_bytes(shared_pairs: Path, tmp_path: Path) -> None:
    sections: dict[str, Any] = {
        "recipe": {"name": "regression"},
        "generator": NAFNET,
        "data": {"path": str(shared_pairs), "crop": 16, "workers": 0},
        "training": {"steps": 4, "threads": 1},
        "validation": {"every": 4, "images": 2, "samples": 2},
    }
    whole, run = tmp_path / "whole", tmp_path / "run"
    train(resolve([sections]), whole)
    train(resolve([sections, {"training": {"steps": 2}, "validation": {"every": 2}}]), run)
    resume(run, {"training": {"steps": 4}, "validation": {"every": 4}})
    weights = "model-last/generator.safetensors"
    assert (run / weights).read_bytes() == (whole / weights).read_bytes()
