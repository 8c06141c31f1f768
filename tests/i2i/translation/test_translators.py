"""Models of recipes unlike pix2pix: several fields in, one of several out, class ids, noise and options."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from small_models import any_model, model_folder
from toy_recipes import Toys

from i2i import images
from i2i.errors import DataError, UsageError
from i2i.fields import Field
from i2i.kinds import COMPONENTS
from i2i.plugins import installed
from i2i.translation.model import read_config
from i2i.translation.parts import load_model
from i2i.translation.translator import Translator

Cli = Callable[..., tuple[int, str, str]]

TWO = {"source": Field(channels=3, group="a"), "target": Field(channels=1, group="b")}
CLASSES = {
    "source": Field(channels=3),
    "target": Field(channels=4, kind="ids", void=255),
    "instances": Field(channels=0, kind="ids", dtype="uint16"),
}


@pytest.fixture(autouse=True)
def toys() -> Iterator[None]:
    plugin = Toys()
    installed(COMPONENTS).register(plugin, "toys", "i2i-toys", "1.0")
    yield
    installed(COMPONENTS).manager.unregister(plugin)


def picture(height: int, width: int, channels: int = 3, seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def both_ways(folder: Path, **config: Any) -> Path:
    return any_model(folder, "both-ways", {}, TWO, **config)


def classes(folder: Path, fields: dict[str, Field] = CLASSES, **config: Any) -> Path:
    return any_model(folder, "classes", {"generator": {"multiple": 4}}, fields, **config)


def noisy(folder: Path) -> Path:
    return any_model(folder, "noisy", {}, {"source": Field(channels=3), "target": Field(channels=3)})


def test_a_model_makes_each_field_that_its_recipe_translates_to(tmp_path: Path) -> None:
    folder = both_ways(tmp_path / "m")
    assert sorted(file.name for file in folder.glob("*.safetensors")) == [
        "generator.safetensors",
        "generator_back.safetensors",
    ]
    there, back = Translator.load(folder), Translator.load(folder, "source")
    assert (there.to, there(picture(5, 7)).shape) == ("target", (5, 7, 1))
    assert (back.to, back(picture(5, 7, 1)).shape) == ("source", (5, 7, 3))


def test_only_what_one_translator_needs_is_loaded(tmp_path: Path) -> None:
    folder = both_ways(tmp_path / "m")
    (folder / "generator_back.safetensors").unlink()
    assert load_model(folder, "target")[1]["generator_back"] is None
    with pytest.raises(DataError, match=r"generator_back\.safetensors is missing"):
        load_model(folder)


@pytest.mark.parametrize(("direction", "made"), [("AtoB", ("source", "target")), ("BtoA", ("target", "source"))])
def test_a_and_b_are_source_and_target_by_the_direction(tmp_path: Path, direction: str, made: tuple[str, str]) -> None:
    folder = both_ways(tmp_path / "m", direction=direction)
    assert tuple(Translator.load(folder, to).to for to in ("A", "B")) == made


def test_a_field_that_is_not_made_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no 'targt'\. Did you mean 'target'\? It makes target and source\."):
        Translator.load(both_ways(tmp_path / "m"), "targt")
    with pytest.raises(UsageError, match=r"no 'source'\. It makes target\."):
        Translator.load(model_folder(tmp_path / "p"), "A")


def test_class_ids_come_out_as_numbers_of_the_dtype_of_the_data(tmp_path: Path) -> None:
    for dtype in ("uint8", "uint16", "int32"):
        fields = {**CLASSES, "target": Field.model_validate({"channels": 4, "kind": "ids", "dtype": dtype})}
        translator = Translator.load(classes(tmp_path / dtype, fields))
        made = translator(picture(5, 7))
        assert (made.shape, made.dtype) == ((5, 7, 1), np.dtype("uint8" if dtype == "int32" else dtype))
        assert made.max() < 4
        assert len(np.unique(made)) > 1


def test_class_ids_are_those_of_the_largest_logit(tmp_path: Path) -> None:
    translator = Translator.load(classes(tmp_path / "m"))
    image = picture(6, 5)
    weight, bias = translator.predictor.parts["generator"].state_dict().values()
    logits = np.einsum("oc,hwc->hwo", weight[..., 0, 0].numpy(), image / 127.5 - 1) + bias.numpy()
    np.testing.assert_array_equal(translator(image)[..., 0], logits.argmax(-1))


def test_further_fields_are_given_by_name(tmp_path: Path) -> None:
    translator = Translator.load(classes(tmp_path / "m"))
    image, instances = picture(5, 7), np.zeros((5, 7), np.uint16)
    instances[1:3] = 9
    plain, changed = translator(image), translator(image, instances=instances)
    assert (changed[1:3] == 0).all()
    np.testing.assert_array_equal(changed[3:], plain[3:])
    palette = Image.fromarray(instances.astype(np.uint8))
    palette.putpalette(bytes(range(256)) * 3)
    np.testing.assert_array_equal(translator(image, instances=palette), changed)


def test_a_vector_is_a_field_too(tmp_path: Path) -> None:
    fields = {**CLASSES, "code": Field(channels=4, kind="vector", dtype="float32")}
    translator = Translator.load(classes(tmp_path / "m", fields))
    assert (translator(picture(5, 7), code=[0, 0, 100, 0]) == 2).all()
    with pytest.raises(DataError, match=r"code is of shape \(3,\)"):
        translator(picture(5, 7), code=[0, 0, 1])


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"instance": 0}, r"takes no 'instance'\. Did you mean 'instances'\? It takes source, instances\."),
        ({"instances": np.zeros((5, 7, 3), np.uint8)}, r"instances has 3 channels of uint8"),
        ({"instances": np.zeros((7, 5), np.uint8)}, r"source is 7x5 and instances is 5x7"),
        ({"instances": np.zeros((5, 7), np.float32)}, r"instances has 1 channels of float32"),
    ],
)
def test_what_is_none_of_the_fields_is_refused(tmp_path: Path, given: dict[str, Any], complaint: str) -> None:
    with pytest.raises((DataError, UsageError), match=complaint):
        Translator.load(classes(tmp_path / "m"))(picture(5, 7), **given)


def test_a_label_that_was_not_declared_is_refused(tmp_path: Path) -> None:
    fields = {"source": Field(channels=4, kind="ids", void=9), "target": Field(channels=3)}
    translator = Translator.load(any_model(tmp_path / "m", "noisy", {}, fields))
    ids = np.arange(4, dtype=np.uint8).reshape(2, 2)
    assert translator(ids).shape == (2, 2, 3)
    assert translator(ids + 6 * (ids == 3)).shape == (2, 2, 3)
    with pytest.raises(DataError, match=r"has the label 4\. 4 classes are declared"):
        translator(ids + 1)


def test_samples_have_the_seeds_from_the_first_on(tmp_path: Path) -> None:
    folder, image = noisy(tmp_path / "m"), picture(6, 6)
    samples = Translator.load(folder, seed=5)(image, samples=3)
    assert len(samples) == 3
    for sample, made in enumerate(samples):
        np.testing.assert_array_equal(made, Translator.load(folder, seed=5 + sample)(image))
    assert (samples[0] != samples[1]).any()


def test_an_option_of_translating_has_the_recipes_value_unless_told_otherwise(tmp_path: Path) -> None:
    translator, image = Translator.load(noisy(tmp_path / "m")), picture(6, 6)
    np.testing.assert_array_equal(translator(image), translator(image, steps=3))
    assert (translator(image, steps=9) != translator(image)).any()
    with pytest.raises(UsageError, match=r"to make 'target': option 'steps': input should be greater"):
        translator(image, steps=0)


@pytest.mark.parametrize("mode", ["paper", "deterministic", "running"])
def test_a_list_gives_what_each_would_give_alone(tmp_path: Path, mode: Any) -> None:
    translator = Translator.load(model_folder(tmp_path / "m"), mode=mode)
    pictures = [picture(16, 16, seed=seed) for seed in range(10)] + [picture(9, 12), picture(16, 16, seed=11)]
    together = translator(pictures)
    assert len(together) == 12
    for made, each in zip(together, pictures, strict=True):
        assert np.abs(made.astype(int) - translator(each)).max() <= (mode == "running")  # batches round otherwise


def test_lists_of_fields_belong_together_one_by_one(tmp_path: Path) -> None:
    translator = Translator.load(classes(tmp_path / "m"))
    pictures, ids = [picture(4, 4, seed=seed) for seed in range(2)], [np.full((4, 4), n, np.uint8) for n in (0, 1)]
    first, second = translator(pictures, instances=ids, samples=2)
    np.testing.assert_array_equal(first[1], translator(pictures[0]))
    assert not second[0].any()
    with pytest.raises(DataError, match="lists differ in length"):
        translator(pictures, instances=ids[:1])
    with pytest.raises(DataError, match="lists differ in length"):
        translator(pictures, instances=ids[0])


def test_a_part_that_is_no_network_has_no_file(tmp_path: Path) -> None:
    folder = noisy(tmp_path / "m")
    assert sorted(read_config(folder).sha256) == ["generator.safetensors"]
    assert load_model(folder)[1]["ramp"].factor == 0.01


def test_weights_of_every_network_are_compared_with_their_file(tmp_path: Path) -> None:
    folder = both_ways(tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())
    config["fields"]["target"]["channels"] = 2
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(DataError, match=r"generator\.safetensors does not fit generator 'linear'"):
        load_model(folder)
    with pytest.raises(DataError, match=r"generator_back\.safetensors does not fit generator_back 'linear'"):
        load_model(folder, "source")


def test_loading_is_frozen_and_draws_nothing(tmp_path: Path) -> None:
    folder = both_ways(tmp_path / "m")
    before = torch.get_rng_state()
    _, parts = load_model(folder)
    assert torch.equal(torch.get_rng_state(), before)
    assert not any(value.requires_grad for part in parts.values() for value in part.parameters())


def test_the_command_line_makes_the_field_that_is_asked_for(run_cli: Cli, tmp_path: Path) -> None:
    folder = both_ways(tmp_path / "m")
    images.write(tmp_path / "a.png", picture(5, 7, 1))
    code, said, _ = run_cli("translate", folder, tmp_path / "a.png", "--to", "A", "--out", tmp_path / "out")
    assert (code, "1 image, to source, mode deterministic" in said) == (0, True)
    expected = Translator.load(folder, "source")(picture(5, 7, 1))
    np.testing.assert_array_equal(images.read(tmp_path / "out" / "a.png").pixels, expected)


def test_class_ids_are_stored_as_png_of_ids(run_cli: Cli, tmp_path: Path) -> None:
    folder = classes(tmp_path / "m")
    for name, pixels in (("source", picture(5, 7)), ("instances", np.eye(5, 7, dtype=np.uint16)[..., None])):
        (tmp_path / "in" / name).mkdir(parents=True)
        images.write(tmp_path / "in" / name / "x.png", pixels)
    assert run_cli("translate", folder, tmp_path / "in", "--out", tmp_path / "out")[0] == 0
    made = images.read(tmp_path / "out" / "x.png", reading="ids").pixels
    expected = Translator.load(folder)(picture(5, 7), instances=np.eye(5, 7, dtype=np.uint16))
    np.testing.assert_array_equal(made, expected)
    assert (made[np.eye(5, 7) > 0] == 0).all()


def test_samples_become_numbered_files_which_are_known_again(run_cli: Cli, tmp_path: Path) -> None:
    folder, out = noisy(tmp_path / "m"), tmp_path / "out"
    images.write(tmp_path / "a.png", picture(5, 7))
    command = ("translate", folder, tmp_path / "a.png", "--out", out, "--seed", 2, "--set", "steps=8")
    assert run_cli(*command, "--samples", 3)[0] == 0
    expected = Translator.load(folder, seed=2)(picture(5, 7), samples=3, steps=8)
    for number, made in enumerate(expected, 1):
        np.testing.assert_array_equal(images.read(out / f"a-{number:04d}.png").pixels, made)
    assert "1 were there already" in run_cli(*command, "--samples", 3)[1]
    assert "1 translated" in run_cli(*command, "--samples", 4)[1]
    assert "1 translated" in run_cli(*command, "--samples", 4, "--set", "steps=7")[1]
    assert sorted(file.name for file in out.glob("*.png")) == [f"a-{number:04d}.png" for number in range(1, 5)]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--set", "stepps=8"), "no option 'stepps'. Did you mean 'steps'?"),
        (("--set", "steps"), "is not NAME=VALUE, such as steps=8"),
        (("--set", "generator.depth=8"), "is not NAME=VALUE, such as steps=8"),
        (("--to", "source"), "The model makes no 'source'. It makes target."),
    ],
)
def test_what_the_model_has_not_stops_before_anything_is_read(
    run_cli: Cli, tmp_path: Path, words: tuple[str, ...], complaint: str
) -> None:
    code, _, err = run_cli("translate", noisy(tmp_path / "m"), tmp_path / "none.png", "--out", tmp_path / "out", *words)
    assert code == 2
    assert complaint in err
