"""Presets: of the engine and of recipes, below what is said and above the paper."""

from importlib.resources import files
from typing import Any

import pytest

from i2i import safe_yaml
from i2i.config import RunConfig, resolve
from i2i.errors import UsageError
from i2i.plugins import catalogue
from i2i.presets import PRESETS
from i2i.training.memory import size_multiple

CASES = [(recipe, name) for recipe, found in catalogue("recipe").items() for name in {**PRESETS, **found.cls.presets}]


def with_preset(recipe: str, name: str | None, *said: dict[str, Any]) -> RunConfig:
    return resolve([{"recipe": {"name": recipe}, "data": {"path": "nowhere"}}, *said], name)


@pytest.mark.parametrize(("recipe", "name"), CASES)
def test_every_recipe_can_be_trained_with_every_preset_that_it_has(recipe: str, name: str) -> None:
    config = with_preset(recipe, name)
    assert all(side % size_multiple(config.selection) == 0 for side in config.data.size)


def test_a_preset_lies_over_the_paper_and_below_all_that_is_said() -> None:
    config = with_preset("pix2pix", "small", {"generator": {"depth": 5}, "training": {"steps": 7}})
    generator = config.selection.network("generator").options
    assert (generator["depth"], generator["base_channels"]) == (5, 32)
    assert (config.training.steps, config.training.batch_size, config.data.crop) == (7, 4, 128)
    assert config.optimizer.options["betas"] == [0.5, 0.999]  # the paper's


def test_the_papers_preset_is_none() -> None:
    assert with_preset("pix2pix", "paper") == with_preset("pix2pix", None)


def test_a_preset_that_does_not_exist_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"No preset 'smal'. Did you mean 'small'\? Presets: paper, small, fast"):
        with_preset("pix2pix", "smal")


def test_the_demo_trains_with_the_small_preset_of_pix2pix() -> None:
    settings = safe_yaml.load((files("i2i_demo") / "settings.yaml").read_text(), "settings.yaml")
    assert with_preset("pix2pix", None, settings) == with_preset("pix2pix", "small")
