"""Models of several networks and fields: all of them are published, and the card says which makes what of what."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from bench import Bench, contents
from small_models import any_model
from toy_recipes import Toys

import i2i
from i2i.fields import Field
from i2i.kinds import COMPONENTS
from i2i.plugins import installed
from i2i_hub.models import assemble

TWO = {"source": Field(channels=3, group="a"), "target": Field(channels=1, group="b")}
CLASSES = {
    "source": Field(channels=3),
    "target": Field(channels=4, kind="ids", void=255),
    "instances": Field(channels=0, kind="ids", dtype="uint16"),
    "code": Field(channels=4, kind="vector", dtype="float32"),
}


def test_both_directions_come_back_from_the_hub(bench: Bench, tmp_path: Path) -> None:
    small = {part: {"base_channels": 4, "blocks": 1} for part in ("generator", "generator_back")}
    model, name = any_model(tmp_path / "model", "cyclegan", small, TWO, {"identity_weight": 0}), bench.new_name()
    assert bench("push", model, name, "--licence", "mit").code == 0
    files = bench.repository(name).files()
    assert {"generator.safetensors", "generator_back.safetensors", "config.json"} <= files.keys()
    card = files["README.md"].decode()
    assert "- It makes `target` of `source`, by generator `resnet`.\n" in card
    assert "- It makes `source` of `target`, by generator\\_back `resnet`: `--to source`.\n" in card
    assert bench("pull", name, tmp_path / "pulled").code == 0
    pulled = contents(tmp_path / "pulled")
    assert {file: data for file, data in pulled.items() if file != "README.md"} == contents(model)
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 1), np.uint8)
    again = i2i.Translator.load(tmp_path / "pulled", "source")(image)
    np.testing.assert_array_equal(again, i2i.Translator.load(model, "source")(image))


@pytest.fixture
def toys() -> Iterator[None]:
    plugin = Toys()
    installed(COMPONENTS).register(plugin, "toys", "i2i-toys", "1.0")
    yield
    installed(COMPONENTS).manager.unregister(plugin)


@pytest.mark.usefixtures("toys")
def test_the_card_of_a_model_of_several_fields_shows_how_they_are_given(tmp_path: Path) -> None:
    model = any_model(tmp_path / "model", "classes", {}, CLASSES)
    made, _ = assemble(model, False, tmp_path / "published", "ada/x", {"license": "mit"})
    card = made.body
    assert "- It makes `target` of `source` and `instances` and `code`, by generator `linear`.\n" in card
    call = 'translator(Image.open("image.png"), instances=Image.open("instances.png"), code=[0.0] * 4)'
    assert f"{call}  # (H, W, 1) uint8\n" in card
    assert "The target is class ids from 0 to 3, and 255 where there is no class.\n" in card
    assert "The instances is ids, whole numbers that are no classes.\n" in card
    assert "The code is a vector of 4 numbers.\n" in card
