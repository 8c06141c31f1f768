from pathlib import Path
from typing import Any

import pytest

from i2i.config import RunConfig, merge, parse_assignments, parse_choices, read_file, resolve
from i2i.errors import MissingInputError, UnknownNameError, UsageError

BASE: dict[str, Any] = {"recipe": {"name": "pix2pix"}, "data": {"path": "somewhere"}}


def test_defaults_are_those_of_the_paper() -> None:
    config = resolve([BASE])
    assert (config.optimizer.lr, config.optimizer.betas) == (2e-4, (0.5, 0.999))
    assert (config.data.crop, config.data.resize, config.data.mirror) == (256, "auto", True)
    assert (config.training.batch_size, config.schedule.name) == (1, "constant")
    assert config.inference.mode == "paper"
    assert {part: c.name for part, c in config.selection.parts.items()} == {
        "generator": "unet",
        "discriminator": "patchgan",
        "gan_loss": "non-saturating",
        "pixel_loss": "l1",
    }


def test_crop_and_resize_are_one_number_or_height_and_width() -> None:
    assert resolve([BASE]).data.size == (256, 256)
    data = resolve([BASE, parse_assignments(["data.crop=[256,128]", "data.resize=[300,150]"])]).data
    assert (data.size, data.resized) == ((256, 128), (300, 150))
    for resize, complaint in ((300, "say two numbers, or auto"), ([300, 100], r"\(\[300,100\]\) is smaller than crop")):
        with pytest.raises(UsageError, match=complaint):
            resolve([BASE, {"data": {"crop": [256, 128], "resize": resize}}])


def test_later_layers_overrule_earlier_ones() -> None:
    file = {"generator": {"depth": 7}, "optimizer": {"lr": 1.0}}
    config = resolve([BASE, file, parse_assignments(["generator.depth=6", "optimizer.betas=[0.9, 0.99]"])])
    assert config.selection.parts["generator"].options["depth"] == 6
    assert (config.optimizer.lr, config.optimizer.betas) == (1.0, (0.9, 0.99))


def test_epochs_said_later_replace_steps() -> None:
    steps, epochs = {"training": {"steps": 5}}, {"training": {"epochs": 1}}
    assert resolve([BASE, steps, epochs]).training.steps is None
    assert resolve([BASE, epochs, steps]).training.steps == 5


def test_another_component_drops_the_options_of_the_one_before() -> None:
    file = {"gan_loss": {"name": "non-saturating", "smooth": 1}}
    assert merge([file, parse_choices(["gan_loss=least-squares"])]) == {"gan_loss": {"name": "least-squares"}}


def test_a_weight_of_zero_needs_no_part() -> None:
    config = resolve([BASE, {"recipe": {"gan_weight": 0}}])
    assert set(config.selection.parts) == {"generator", "pixel_loss"}


def test_saved_configuration_resolves_to_itself(tmp_path: Path) -> None:
    config = resolve([BASE, {"generator": {"depth": 5}, "schedule": {"name": "linear"}, "recipe": {"pixel_weight": 3}}])
    file = tmp_path / "config.yaml"
    file.write_text(config.to_yaml())
    again: RunConfig = resolve([read_file(file)])
    assert again == config
    assert again.to_yaml() == config.to_yaml()


@pytest.mark.parametrize(
    ("layer", "complaint"),
    [
        ({"generater": {}}, "No section 'generater'. Did you mean 'generator'"),
        ({"generator": {"depht": 3}}, "generator 'unet': no option 'depht'. Did you mean 'depth'"),
        ({"generator": {"depth": 0}}, "generator 'unet': option 'depth'.*greater than or equal to 1.*got 0"),
        ({"optimizer": {"lr": "fast"}}, "optimizer: option 'lr'"),
        ({"training": {"seed": -1}}, "training: option 'seed'"),
        ({1: {}}, "1 is not the name of a section"),
        ({"generator": {1: 2}}, "generator: 1 is not the name of an option"),
        ({"generator": {"name": None}}, "generator.name is None"),
        ({"optimizer": {"betas": [1.5, 2]}}, r"optimizer: option 'betas\.0'"),
        ({"optimizer": {"lr": float("inf")}}, "optimizer: option 'lr'"),
        ({"data": {"resize": 10}}, "resize .10. is smaller than crop .256."),
        ({"recipe": {"gan_weight": 0}, "discriminator": {"nonsense": 1}}, "no option 'nonsense'"),
        ({"training": 3}, "'training' is 3. It is a section"),
        ({"validation": {"select": "fid"}}, "validation.select is 'fid', which is not measured"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(layer: dict[Any, Any], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint) as refusal:
        resolve([BASE, layer])
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("layer", [{"generator": {"name": "unett"}}, {"validation": {"metrics": ["l1", "psnrr"]}}])
def test_unknown_components_are_named_with_the_nearest(layer: dict[str, Any]) -> None:
    with pytest.raises(UnknownNameError, match=r"Did you mean '(unet|psnr)'"):
        resolve([BASE, layer])


@pytest.mark.parametrize("text", ["depth=3", "generator.depth", "a.b.c=1", ".depth=3", "=3"])
def test_malformed_assignments_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"SECTION\.OPTION=VALUE"):
        parse_assignments([text])


def test_recipe_and_data_must_be_said() -> None:
    with pytest.raises(UsageError, match="--plugin"):
        resolve([{"data": {"path": "x"}}])
    with pytest.raises(UsageError, match="--data"):
        resolve([{"recipe": {"name": "pix2pix"}}])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"nothing\.yaml"):
        read_file(tmp_path / "nothing.yaml")
