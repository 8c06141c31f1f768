"""Checkpoints of CycleGAN: a model that goes both ways out of two generators and their discriminators, and back."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from cyclegan import Patches, Resnet, Unet, trained
from safetensors.torch import load_file
from torch import Tensor, nn

from i2i import Translator, images, training
from i2i.config import resolve
from i2i.said import parse_assignments
from i2i.training.initial import initial_settings
from i2i.translation.model import read_config
from i2i_import.importing import import_checkpoint

Cli = Callable[..., tuple[int, str, str]]

FILES = {
    "generator": "latest_net_G_A.pth",
    "generator_back": "latest_net_G_B.pth",
    "discriminator": "latest_net_D_A.pth",
    "discriminator_back": "latest_net_D_B.pth",
}
FLAGS = {"generator_back": "--back", "discriminator": "--discriminator", "discriminator_back": "--discriminator-back"}


def networks(source: int = 3, target: int = 3) -> dict[str, nn.Module]:
    """Four networks, each with weights of its own."""
    built = {
        "generator": Resnet(source, target, 2, 2, "instance", False),
        "generator_back": Resnet(target, source, 1, 3, "instance", False),
        "discriminator": Patches(target, 1, 2, "instance"),
        "discriminator_back": Patches(source, 2, 3, "instance"),
    }
    return {part: trained(network, seed) for seed, (part, network) in enumerate(built.items())}


def save(folder: Path, saved: dict[str, nn.Module]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for part, network in saved.items():
        torch.save(network.state_dict(), folder / FILES[part])
    return folder


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training with gray sources and targets in colour."""
    return save(tmp_path_factory.mktemp("checkpoints"), networks(1, 3))


@pytest.fixture(scope="module")
def model(checkpoints: Path) -> Path:
    """The model of all four networks."""
    import_checkpoint(checkpoints, checkpoints / "model")
    return checkpoints / "model"


def expected(network: nn.Module, pixels: np.ndarray) -> np.ndarray:
    """What the network makes of an image, in values of 8 bits."""
    with torch.no_grad():
        fake: Tensor = network(torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1)[0]
    return ((fake.permute(1, 2, 0) + 1) * 127.5).numpy()


def test_model_translates_both_ways_as_the_networks_do(model: Path) -> None:
    ways = {"target": ("generator", 1), "source": ("generator_back", 3), "B": ("generator", 1)}
    for to, (part, channels) in ways.items():
        pixels = np.random.default_rng(0).integers(0, 256, (16, 24, channels), np.uint8)
        made = Translator.load(model, to=to, device="cpu")(pixels)
        wanted = expected(networks(1, 3)[part], pixels)
        assert made.shape == wanted.shape
        assert np.abs(made - wanted).max() <= 0.51
        assert made.std() > 5


def test_model_is_one_of_the_recipe_for_images_that_are_no_pairs(model: Path) -> None:
    config = read_config(model)
    assert config.selection.recipe.name == "cyclegan"
    assert [(name, field.channels, field.group) for name, field in config.fields.items()] == [
        ("source", 1, "source"),
        ("target", 3, "target"),
    ]
    assert all(config.holds(part) for part in FILES)
    assert config.selection.network("generator_back").options["base_channels"] == 3
    assert config.selection.network("discriminator_back").options["layers"] == 2


def test_identity_loss_is_left_as_it_is_where_channels_are_equal(model: Path, tmp_path: Path) -> None:
    import_checkpoint(save(tmp_path, networks()), tmp_path / "model")
    weights = [read_config(each).selection.recipe.options["identity_weight"] for each in (model, tmp_path / "model")]
    assert weights == [0, 0.5]


def test_all_networks_come_back_with_their_names_order_and_bits(model: Path, tmp_path: Path, run_cli: Cli) -> None:
    flags = [word for part, flag in FLAGS.items() for word in (flag, tmp_path / "back" / FILES[part])]
    code, out, err = run_cli("import", "--reverse", model, tmp_path / "back" / FILES["generator"], *flags)
    assert (code, err) == (0, "")
    assert "discriminator of 2 layers, 3 wide, with instance norm, for channels 1" in out
    for part, network in networks(1, 3).items():
        state = torch.load(tmp_path / "back" / FILES[part], weights_only=True)
        assert list(state) == list(network.state_dict())
        assert all(torch.equal(state[key], tensor) for key, tensor in network.state_dict().items())


def test_networks_may_be_given_one_by_one(checkpoints: Path, model: Path, tmp_path: Path, run_cli: Cli) -> None:
    flags = [word for part, flag in FLAGS.items() for word in (flag, checkpoints / FILES[part])]
    code, out, err = run_cli("import", checkpoints / FILES["generator"], tmp_path / "model", *flags)
    assert (code, err) == (0, "")
    assert out.count("ResNet of") == out.count("discriminator of") == 2
    for part in FILES:
        name = f"{part}.safetensors"
        assert (tmp_path / "model" / name).read_bytes() == (model / name).read_bytes()


def test_generators_alone_make_a_model(checkpoints: Path, tmp_path: Path) -> None:
    generator, back = (checkpoints / FILES[part] for part in ("generator", "generator_back"))
    import_checkpoint(generator, tmp_path / "model", back=back)
    config = read_config(tmp_path / "model")
    assert [part for part in FILES if config.holds(part)] == ["generator", "generator_back"]
    assert Translator.load(tmp_path / "model", to="source", device="cpu")(np.zeros((8, 8, 3), np.uint8)).shape[2] == 1


def test_generator_alone_is_a_pix2pix_as_before(checkpoints: Path, tmp_path: Path) -> None:
    import_checkpoint(checkpoints / FILES["generator"], tmp_path / "model")
    assert read_config(tmp_path / "model").selection.recipe.name == "pix2pix"


def test_unets_have_no_dropout_unless_it_is_said(tmp_path: Path) -> None:
    unets = {part: trained(Unet(3, 3, 5, 1, "batch", dropout=False)) for part in ("generator", "generator_back")}
    save(tmp_path, unets)
    import_checkpoint(tmp_path, tmp_path / "without")
    import_checkpoint(tmp_path, tmp_path / "with", dropout=True)
    for name, dropout in {"without": 0.0, "with": 0.5}.items():
        selection = read_config(tmp_path / name).selection
        assert [selection.network(part).options["dropout"] for part in unets] == [dropout] * 2


MISFITS: dict[str, tuple[list[str], int, str]] = {
    "back is alike": (
        ["--back", "latest_net_G_A.pth.copy"],
        2,
        "maps 1 channels to 3, and G maps 1 to 3. One of the way back maps 3 to 1. Give its own.",
    ),
    "one file twice": (["--back", FILES["generator"]], 2, "is given for two networks. Give each its own file."),
    "pix2pix": (
        ["--back", FILES["generator_back"], "--discriminator", "D4.pth"],
        2,
        "judges images of 4 channels, and its generator makes 3. It is one of pix2pix, which sees the source too. Of a",
    ),
    "swapped": (
        ["--back", FILES["generator_back"], "--discriminator-back", FILES["discriminator"]],
        2,
        "judges images of 3 channels, and its generator makes 1. Of a CycleGAN, give latest_net_D_B.pth; of pix2pix,",
    ),
    "lonely": (
        ["--discriminator-back", FILES["discriminator_back"]],
        2,
        "judges what the generator of the way back makes, which is not given. Give it with --back, or leave",
    ),
    "no generator": (["--back", FILES["discriminator"]], 65, "latest_net_D_A.pth is a discriminator. Give the"),
    "not there": (["--back", "nothing.pth"], 66, "There is no checkpoint"),
    "dropout": (["--back", FILES["generator_back"], "--dropout"], 2, "whose file tells its dropout. Leave --dropout"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_networks_that_do_not_go_together_are_one_line(
    name: str, checkpoints: Path, tmp_path: Path, run_cli: Cli
) -> None:
    words, expected_code, line = MISFITS[name]
    torch.save(networks(1, 3)["generator"].state_dict(), checkpoints / "latest_net_G_A.pth.copy")
    torch.save(Patches(4, 1, 2, "instance").state_dict(), checkpoints / "D4.pth")
    flags = [word if word.startswith("--") else checkpoints / word for word in words]
    code, _, err = run_cli("import", checkpoints / FILES["generator"], tmp_path / "m", *flags)
    assert code == expected_code
    assert line in err.replace(str(checkpoints / FILES["generator"]), "G")
    assert err.count("\n") == 1
    assert not (tmp_path / "m").exists()


def test_folder_with_one_of_two_generators_is_one_line(tmp_path: Path, run_cli: Cli) -> None:
    save(tmp_path, {"generator": networks()["generator"]})
    code, _, err = run_cli("import", tmp_path, tmp_path / "m")
    assert code == 66
    assert "has latest_net_G_A.pth and no latest_net_G_B.pth. Give latest_net_G_A.pth itself, and with --back" in err


def test_way_back_of_a_pix2pix_cannot_be_written(checkpoints: Path, tmp_path: Path, run_cli: Cli) -> None:
    import_checkpoint(checkpoints / FILES["generator"], tmp_path / "model")
    code, _, err = run_cli("import", "--reverse", tmp_path / "model", tmp_path / "A", "--back", tmp_path / "B")
    assert code == 66
    assert "holds no generator_back. Leave --back away." in err
    assert not (tmp_path / "A").exists()


def test_model_trains_on_with_the_weights_of_all_four_networks(tmp_path: Path) -> None:
    import_checkpoint(save(tmp_path, networks()), tmp_path / "model", size=16)
    for folder in ("trainA", "trainB"):
        (tmp_path / "zoo" / folder).mkdir(parents=True)
        images.write(tmp_path / "zoo" / folder / f"{folder}.png", np.full((16, 16, 3), 77, np.uint8))
    said = ["training.steps=1", "data.workers=0", "optimizer.lr=1.0e-12"]
    layers = [initial_settings(tmp_path / "model"), {"data": {"path": str(tmp_path / "zoo")}}, parse_assignments(said)]
    config = resolve(layers)
    assert config.dataset.name == "unpaired"
    assert config.selection == read_config(tmp_path / "model").selection
    training.train(config, tmp_path / "run")
    learned = next((tmp_path / "run" / "checkpoints").glob("step-*")) / "model"
    for part in FILES:
        weights, after = (load_file(folder / f"{part}.safetensors") for folder in (tmp_path / "model", learned))
        for name, tensor in weights.items():
            torch.testing.assert_close(after[name], tensor, rtol=0, atol=1e-9)
