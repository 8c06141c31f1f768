import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from small_models import model_folder
from torch import Tensor

import i2i
from i2i import images
from i2i.config import Mode
from i2i.errors import ContractError, DataError, I2iError, MissingInputError, UnknownNameError, UsageError
from i2i.translation.parts import load_model
from i2i.translation.translator import Translator


def noise(height: int, width: int, channels: int = 3) -> Any:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)


def test_a_model_gives_the_same_images_after_a_round_trip(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "m")
    image = noise(16, 24)
    first, again = i2i.Translator.load(folder)(image), i2i.Translator.load(str(folder))(Image.fromarray(image))
    assert first.shape == (16, 24, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("mode", ["P", "RGBA", "1", "L", "LA", "I;16"])
def test_pictures_of_every_mode_are_seen_as_they_look(tmp_path: Path, mode: str) -> None:
    translator = Translator.load(model_folder(tmp_path / "m"))
    picture = Image.fromarray(noise(8, 12))
    if mode == "I;16":
        picture = Image.fromarray(np.random.default_rng(1).integers(0, 65536, (8, 12), np.uint16))
    else:
        picture = picture.quantize(16) if mode == "P" else picture.convert(mode)
    picture.save(tmp_path / "picture.png")
    np.testing.assert_array_equal(translator(picture), translator(images.read(tmp_path / "picture.png").pixels))


def test_float_images_beyond_their_range_are_refused(tmp_path: Path) -> None:
    translator = Translator.load(model_folder(tmp_path / "m"))
    for value in (200.0, float("nan")):
        with pytest.raises(DataError, match=r"values outside \[-1, 1\]"):
            translator(np.full((4, 4, 3), value, np.float32))


def test_files_of_numbers_for_a_model_without_a_range_are_refused_with_their_extremes(tmp_path: Path) -> None:
    translator = Translator.load(model_folder(tmp_path / "m"))
    np.save(tmp_path / "x.npy", np.linspace(-3, 812, 300).reshape(10, 10, 3))
    with pytest.raises(DataError, match=r"from -3 to 812\. The model was trained without a range") as refused:
        translator.read({"source": [tmp_path / "x.npy"]})
    assert "Declare" not in str(refused.value)


def test_an_option_younger_than_the_model_has_its_default(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "m")
    config, weights = json.loads((folder / "config.json").read_text()), load_model(folder)[1]["generator"].state_dict()
    del config["selection"]["recipe"]["gan_weight"]
    (folder / "config.json").write_text(json.dumps(config))
    loaded = load_model(folder)[1]["generator"].state_dict()
    assert all(torch.equal(loaded[name], weights[name]) for name in weights)


def test_output_has_the_channels_and_the_depth_of_the_targets(tmp_path: Path) -> None:
    translator = Translator.load(model_folder(tmp_path / "m", source=1, target=2, dtype="uint16"))
    for image in (noise(10, 12, 1), noise(10, 12, 3), noise(10, 12, 1)[:, :, 0]):
        fake = translator(image)
        assert (fake.shape, fake.dtype) == ((10, 12, 2), np.uint16)


def test_noise_is_repeatable_and_can_be_changed(tmp_path: Path) -> None:
    folder, image = model_folder(tmp_path / "m", mode="paper"), noise(16, 16)
    one, same, other = (Translator.load(folder, seed=seed)(image) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    assert (Translator.load(folder, mode="deterministic")(image) != one).any()


@pytest.mark.parametrize("mode", ["paper", "deterministic", "running"])
def test_four_threads_make_the_pictures_that_one_makes_and_change_nothing(tmp_path: Path, mode: Mode) -> None:
    translator = Translator.load(model_folder(tmp_path / "m"), mode=mode, device="cpu")
    generator = translator.predictor.parts["generator"]
    pictures = [noise(16 + size % 7, 16 + size % 5) for size in range(40)]
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    flags, state = [module.training for module in generator.modules()], torch.get_rng_state()
    serial = [translator(picture) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        threaded = list(pool.map(translator, pictures))
    assert all(map(np.array_equal, serial, threaded))
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())
    assert [module.training for module in generator.modules()] == flags
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(parameter.requires_grad for parameter in generator.parameters())


def test_channels_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    translator = Translator.load(model_folder(tmp_path / "m"))
    with pytest.raises(DataError, match="image of 4 channels cannot become one of 3"):
        translator(noise(8, 8, 4))
    with pytest.raises(DataError, match=r"shape \(H, W\) or \(H, W, C\)"):
        translator(noise(8, 8)[None])


def edit(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


def test_what_cannot_be_loaded_says_why(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="neither a model folder"):
        Translator.load(tmp_path / "nothing")
    folder = model_folder(tmp_path / "m")
    edit(folder, surprise=1)
    with pytest.raises(UsageError, match=r"config\.json: no option 'surprise'"):
        load_model(folder)
    model_folder(folder)
    edit(folder, format=1)
    with pytest.raises(
        UsageError, match=r"has format 1, which i2i does not read any more.*Train the model anew, or impo"
    ):
        load_model(folder)
    edit(folder, format=3, i2i="9.0")
    with pytest.raises(UsageError, match=r"was made by i2i '9\.0'.*pip install -U i2i-toolkit"):
        load_model(folder)


def test_a_flipped_bit_in_the_weights_is_found(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "m")
    weights = bytearray((folder / "generator.safetensors").read_bytes())
    weights[-5] ^= 1
    (folder / "generator.safetensors").write_bytes(weights)
    with pytest.raises(DataError, match="is damaged"):
        load_model(folder)


def test_a_missing_plugin_is_named_with_what_to_install(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())
    config["selection"]["parts"]["generator"]["name"] = "resnet-of-a-stranger"
    config["providers"]["generator"] = {"plugin": "resnet", "distribution": "i2i-resnet", "version": "1.2"}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UnknownNameError, match=r"i2i-resnet 1\.2: pip install i2i-resnet"):
        load_model(folder)


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())
    config["selection"]["parts"]["generator"]["base_channels"] = 8
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(I2iError, match=r"does not fit generator 'unet'") as refusal:
        load_model(folder)
    assert "\n" not in str(refusal.value)


def bent(folder: Path, bend: Callable[[Tensor], Any]) -> Translator:
    config, parts = load_model(model_folder(folder))
    parts["generator"].register_forward_hook(lambda _, __, fake: bend(fake))
    return Translator(config, parts, device="cpu")


def test_the_plugin_of_a_generator_that_breaks_the_contract_is_named(tmp_path: Path) -> None:
    named = r"^generator 'unet' of plugin 'pix2pix' \(i2i-toolkit .*\) returns a tuple"
    with pytest.raises(ContractError, match=named):
        bent(tmp_path / "m", lambda fake: (fake, fake))(noise(8, 8))


def test_values_beyond_the_range_are_cut_off_and_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    translator = bent(tmp_path / "m", lambda fake: fake * 0 - 3)
    assert [int(translator(noise(8, 8)).max()) for _ in range(2)] == [0, 0]
    assert [record.getMessage() for record in caplog.records] == [
        f"{translator.predictor.maker} makes values outside [-1, 1], from -3 to -3 here. They are cut off."
    ]


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not finite"):
        bent(tmp_path / "m", lambda fake: fake / 0)(noise(8, 8))
