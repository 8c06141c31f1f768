"""The recipe against section 3 of the paper: the same weights as the loop written out in plain torch, in all stages."""

import copy
import shutil
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from i2i import Translator, images
from i2i.assembly import assemble
from i2i.config import resolve
from i2i.contracts import Clock, Verdict
from i2i.errors import UsageError
from i2i.fields import Field, Fields
from i2i.selection import select
from i2i.testing import check_recipe
from i2i.training import resume, train
from i2i.training.updates import Updater
from i2i_pix2pixhd import GlobalGenerator, LocalEnhancer, Pix2PixHD
from i2i_pix2pixhd.recipe import boundaries, feature_matching, translate

SIZE = (16, 24)
FIELDS = {"source": Field(channels=2), "target": Field(channels=3), "instances": Field(channels=0, kind="ids")}
SMALL: dict[str, Any] = {
    "generator": {"base_channels": 4, "downsamplings": 2, "blocks": 1},
    "enhancer": {"blocks": 1},
    "discriminator": {"base_channels": 4, "layers": 1, "scales": 2},
}
STAGES = {"stages": (0.3, 0.6)}
"""Of three steps, one a stage."""


def build(options: dict[str, Any] = STAGES, parts: dict[str, Any] | None = None, fields: Any = FIELDS) -> Any:
    data = Fields(fields, SIZE)
    selection = select("pix2pixhd", options, {**SMALL, **(parts or {})}, data)
    torch.manual_seed(0)
    return assemble(selection, data)


def batches(dtype: torch.dtype = torch.float32) -> list[dict[str, Any]]:
    random = torch.Generator().manual_seed(1)
    return [
        {
            "source": torch.rand(2, 2, *SIZE, generator=random).to(dtype) * 2 - 1,
            "target": torch.rand(2, 3, *SIZE, generator=random).to(dtype) * 2 - 1,
            "instances": torch.randint(3, (2, *SIZE), generator=random),
            "clock": Clock(step, 3, 0),
        }
        for step in range(3)
    ]


def edges(instances: Tensor) -> Tensor:
    """1 where the object of a pixel is not that of the pixel to the left, right, above or below, else 0."""
    count, height, width = instances.shape
    found = torch.zeros(count, 1, height, width)
    for n, rows in enumerate(instances.tolist()):
        for y, x in product(range(height), range(width)):
            around = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
            inside = [rows[v][u] for v, u in around if 0 <= v < height and 0 <= u < width]
            found[n, 0, y, x] = any(other != rows[y][x] for other in inside)
    return found


def textbook(generator: Any, enhancer: Any, discriminator: Any) -> None:
    """One step of each stage, as paper and original code have it, without any part of ours but the networks."""
    g, e, d = (torch.optim.Adam(m.parameters(), 2e-4, (0.5, 0.999)) for m in (generator, enhancer, discriminator))
    pool = nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False)
    for batch, learning in zip(batches(torch.float64), ([g], [e], [g, e]), strict=True):
        x, y = torch.cat([batch["source"], edges(batch["instances"])], 1), batch["target"]
        if learning == [g]:
            x, y = pool(x), pool(y)
            fake = generator(x)
        else:
            fake = enhancer(x, generator.features(pool(x)))
        real, made = discriminator(torch.cat([x, y], 1)), discriminator(torch.cat([x, fake], 1))
        loss = sum((logits - 1).pow(2).mean() for logits in made.logits)
        for k in range(2):  # scales
            for i in range(2):  # hidden layers
                difference = made.features[2 * k + i] - real.features[2 * k + i].detach()
                loss = loss + 10 * (1 / 2) * (4 / 2) * difference.abs().sum() / difference.numel()
        for optimizer in (g, e):
            optimizer.zero_grad()
        loss.backward()
        for optimizer in learning:
            optimizer.step()
        made = discriminator(torch.cat([x, fake.detach()], 1))
        d.zero_grad()
        real = discriminator(torch.cat([x, y], 1))
        (
            sum((r - 1).pow(2).mean() + m.pow(2).mean() for r, m in zip(real.logits, made.logits, strict=True)) / 2
        ).backward()
        d.step()


def test_a_step_of_each_stage_equals_the_textbook_loop() -> None:
    recipe = build().double()  # biases before a norm have no gradient but rounding, which Adam would blow up
    networks = [copy.deepcopy(getattr(recipe, name)) for name in ("generator", "enhancer", "discriminator")]
    before = {name: weight.clone() for name, weight in recipe.state_dict().items()}

    updater = Updater(recipe, Pix2PixHD.settings["optimizer"])
    for batch in batches(torch.float64):
        updater.step(**batch)
    textbook(*networks)

    named = zip(("generator", "enhancer", "discriminator"), networks, strict=True)
    expected = {f"{name}.{key}": weight for name, network in named for key, weight in network.state_dict().items()}
    assert expected.keys() == recipe.state_dict().keys()
    for name, weight in recipe.state_dict().items():
        torch.testing.assert_close(weight, expected[name], rtol=1e-7, atol=1e-7, msg=name)
        assert weight.ndim == 1 or not torch.equal(weight, before[name]), f"{name} was never trained"


@pytest.mark.parametrize(
    ("step", "learns", "rests"),
    [(0, {"generator"}, {"enhancer"}), (1, {"enhancer"}, {"generator"}), (2, {"generator", "enhancer"}, set())],
)
def test_each_stage_trains_its_networks_alone(step: int, learns: set[str], rests: set[str]) -> None:
    recipe = build()
    before = copy.deepcopy(recipe.state_dict())
    Updater(recipe, {}).step(**batches()[step])
    changed = {name.partition(".")[0] for name, weight in recipe.state_dict().items() if not weight.equal(before[name])}
    assert changed == learns | {"discriminator"}
    assert not changed & rests


def judged(recipe: Any, step: int) -> list[tuple[int, ...]]:
    """Shapes of what the discriminator sees at a step."""
    shapes: list[tuple[int, ...]] = []
    hook = recipe.discriminator.register_forward_hook(lambda _module, given, _output: shapes.append(given[0].shape))
    list(recipe.step(**batches()[step]))
    hook.remove()
    return shapes


def test_first_stage_is_of_half_the_size() -> None:
    assert set(judged(build(), 0)) == {(2, 2 + 1 + 3, 8, 12)}
    assert set(judged(build(), 1)) == set(judged(build(), 2)) == {(2, 2 + 1 + 3, *SIZE)}


def test_without_an_enhancer_the_generator_learns_at_full_size() -> None:
    recipe = build({"enhance": False})
    assert recipe.enhancer is None
    for step in range(3):
        assert [update.names for update in recipe.step(**batches()[step])] == [("generator",), ("discriminator",)]
        assert set(judged(recipe, step)) == {(2, 6, *SIZE)}


def test_boundaries_are_pixels_with_another_object_beside_them() -> None:
    instances = torch.tensor([[[7, 7, 7, 2], [7, 7, 7, 2], [7, 7, 7, 7], [7, 7, 7, 7]]])
    expected = torch.tensor([[[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]]])
    assert torch.equal(boundaries(instances)[:, 0].long(), expected)
    drawn = torch.randint(-2, 2, (2, 5, 7), generator=torch.Generator().manual_seed(0))
    assert torch.equal(boundaries(drawn).float(), edges(drawn))
    assert not boundaries(torch.full((1, 3, 1), 4)).any()


def test_translating_takes_the_way_through_the_enhancer() -> None:
    recipe, batch = build(), batches()[0]
    source = torch.cat([batch["source"], edges(batch["instances"])], 1)
    half = nn.functional.avg_pool2d(source, 3, 2, 1, count_include_pad=False)
    made = translate(recipe.generator, recipe.enhancer, batch["source"], batch["instances"])
    torch.testing.assert_close(made, recipe.enhancer(source, recipe.generator.features(half)))
    alone = translate(recipe.generator, None, batch["source"], batch["instances"])
    torch.testing.assert_close(alone, recipe.generator(source))


def test_data_without_instances_has_no_channel_of_boundaries() -> None:
    fields = {name: FIELDS[name] for name in ("source", "target")}
    recipe, batch = build(fields=fields), batches()[0]
    del batch["instances"]
    assert [update.names for update in recipe.step(**batch)] == [("generator",), ("discriminator",)]
    assert translate(recipe.generator, recipe.enhancer, batch["source"]).shape == (2, 3, *SIZE)


def test_feature_matching_is_the_mean_of_layers_times_four() -> None:
    real = Verdict([], [torch.tensor([1.0, 2.0]), torch.tensor([0.0])])
    fake = Verdict([], [torch.tensor([2.0, 5.0]), torch.tensor([-1.0])])
    assert float(feature_matching(fake, real)) == 4 * ((1 + 3) / 2 + 1) / 2


def test_no_gradient_flows_into_the_features_of_real_images() -> None:
    made, seen = torch.ones(3, requires_grad=True), torch.zeros(3, requires_grad=True)
    feature_matching(Verdict([], [made]), Verdict([], [seen])).backward()
    assert made.grad is not None
    assert seen.grad is None


def test_perceptual_losses_are_added_by_name() -> None:
    recipe, batch = build(parts={"perceptual_loss": [{"name": "l1", "weight": 10}]}), batches()[2]
    drawn: list[Tensor] = []
    recipe.enhancer.register_forward_hook(lambda _module, _given, output: drawn.append(output))
    (perceptual,) = next(recipe.step(**batch)).losses["perceptual"].values()
    torch.testing.assert_close(perceptual, 10 * (drawn[0] - batch["target"]).abs().mean())
    assert next(build().step(**batch)).terms.keys() == {"gan", "features"}


def test_settings_are_the_papers() -> None:
    selection = select("pix2pixhd", {}, {})
    assert selection.recipe.options == {"enhance": True, "stages": [0.667, 0.7], "feature_weight": 10.0}
    assert {part: chosen.name for part, chosen in selection.parts.items() if not isinstance(chosen, list)} == {
        "generator": "global",
        "enhancer": "local",
        "discriminator": "multi-scale",
        "gan_loss": "least-squares",
    }
    assert selection.parts["perceptual_loss"] == []
    assert Pix2PixHD.settings == {"optimizer": {"lr": 2e-4, "betas": [0.5, 0.999]}, "schedule": {"name": "linear"}}


UNET = {"generator": {"name": "unet", "depth": 3, "base_channels": 4}}


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: build({"stages": (0.6, 0.3)}), r"\[0.6, 0.3\]. The third stage begins after the second"),
        (lambda: build(parts=UNET), "UNet has no `features` for a local enhancer to build on"),
        (lambda: build(parts={"discriminator": "patchgan"}), "PatchGAN does not serve as FeatureDiscriminator"),
    ],
)
def test_what_does_not_fit_is_refused_before_training(attempt: Callable[[], Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        attempt()


def test_any_generator_serves_without_an_enhancer() -> None:
    recipe = build({"enhance": False}, UNET)
    assert translate(recipe.generator, None, batches()[0]["source"], batches()[0]["instances"]).shape == (2, 3, *SIZE)


@pytest.mark.parametrize("options", [{"stages": (0.5, 0.5)}, {"enhance": False}])
def test_recipe_keeps_its_contract(options: dict[str, Any]) -> None:
    check_recipe(Pix2PixHD, options, SMALL, size=(32, 64))
    check_recipe(Pix2PixHD, options, SMALL, fields=FIELDS, size=(32, 64))


def test_pix2pix_trains_against_the_discriminators_of_several_sizes() -> None:
    data = Fields({name: FIELDS[name] for name in ("source", "target")}, SIZE)
    parts = {**UNET, "discriminator": {"name": "multi-scale", **SMALL["discriminator"]}}
    recipe = assemble(select("pix2pix", {}, parts, data), data)
    before = copy.deepcopy(recipe.state_dict())
    batch = {name: batches()[0][name] for name in ("source", "target", "clock")}
    losses = Updater(recipe, {}).step(**batch).losses
    assert losses.keys() == {"discriminator/gan", "generator/gan", "generator/pixel"}
    assert not [name for name, weight in recipe.state_dict().items() if weight.equal(before[name])]


def test_run_stopped_in_the_midst_of_a_stage_ends_with_the_same_bytes(pairs_folder: Path, tmp_path: Path) -> None:
    whole, run = tmp_path / "whole", tmp_path / "run"
    said: dict[str, Any] = {
        "recipe": {"name": "pix2pixhd", "stages": [0.25, 0.6]},
        **SMALL,
        "data": {"path": str(pairs_folder), "crop": 32, "workers": 0},
        "training": {"steps": 8, "threads": 1, "checkpoint_every": 3, "keep": 3},
        "validation": {"images": 1, "samples": 1, "metrics": ["l1"]},
    }
    train(resolve([said]), whole)
    shutil.copytree(whole, run)
    for later in ("step-000000006", "step-000000008"):
        shutil.rmtree(run / "checkpoints" / later)
    (run / "checkpoints" / "latest.json").unlink()  # as if killed while the enhancer learned alone
    resume(run)
    files = [p.relative_to(whole) for p in (whole / "checkpoints" / "step-000000008").rglob("*") if p.is_file()]
    assert any(file.suffix == ".safetensors" for file in files)
    assert [file for file in files if (whole / file).read_bytes() != (run / file).read_bytes()] == []


def test_trained_model_translates_through_the_enhancer_with_the_instances(pairs_folder: Path, tmp_path: Path) -> None:
    ids = np.random.default_rng(0).integers(0, 3, (32, 32, 1), np.uint8)
    for file in pairs_folder.glob("*/imageA/*"):
        folder = file.parents[1] / "instances"
        folder.mkdir(exist_ok=True)
        images.write(folder / file.name, ids)
    said: dict[str, Any] = {
        "recipe": {"name": "pix2pixhd", "stages": [0.5, 0.5]},
        **SMALL,
        "dataset": {
            "source": ["imageA"],
            "target": ["imageB"],
            "extra": {"instances": {"column": "instances", "kind": "ids"}},
        },
        "data": {"path": str(pairs_folder), "crop": 32, "workers": 0},
        "training": {"steps": 2, "threads": 1},
        "validation": {"images": 1, "samples": 1, "metrics": ["l1"]},
    }
    train(resolve([said]), tmp_path / "run")
    model = tmp_path / "run" / "model-last"
    assert {file.stem for file in model.glob("*.safetensors")} == {"generator", "enhancer"}

    generator = GlobalGenerator(3 + 1, 3, **SMALL["generator"])
    enhancer = LocalEnhancer(3 + 1, 3, generator, **SMALL["enhancer"])
    for name, network in (("generator", generator), ("enhancer", enhancer)):
        network.load_state_dict(load_file(model / f"{name}.safetensors"))
    source = images.read(next(pairs_folder.glob("val/imageA/*")), channels=3).pixels
    x = torch.from_numpy(source).movedim(-1, 0)[None] / 127.5 - 1
    x = torch.cat([x, edges(torch.from_numpy(ids[None, ..., 0]).long())], 1)
    with torch.no_grad():
        half = nn.functional.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
        expected = enhancer(x, generator.features(half))[0].movedim(0, -1)
    translator = Translator.load(model, device="cpu")
    assert np.abs(translator(source, instances=ids) - ((expected.numpy() + 1) * 127.5)).max() <= 0.51
    with pytest.raises(UsageError, match=r"takes 4 channels, got 3\. Give all fields that it was trained with"):
        translator(source)
