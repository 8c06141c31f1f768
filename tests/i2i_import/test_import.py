"""``i2i import`` from end to end: a model like any other out of a checkpoint, and the checkpoint back out of it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cyclegan import Patches, Pixels, Resnet, Unet, stray_statistics, trained
from safetensors.torch import load_file, save_file
from torch import Tensor

from i2i import Translator, training
from i2i.config import resolve
from i2i.said import parse_assignments
from i2i.training.initial import initial_settings
from i2i.translation.model import read_config
from i2i_import.importing import import_checkpoint

Cli = Callable[..., tuple[int, str, str]]

UNET, CRITIC = Unet(3, 3, 5, 4, "batch", dropout=True), Patches(6, 1, 4, "batch")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generator in a zip, and its discriminator as an old file of ``DataParallel``."""
    folder = tmp_path_factory.mktemp("checkpoints")
    torch.save(trained(UNET).state_dict(), folder / "G.pth")
    state = renamed(dict(trained(CRITIC, 1).state_dict()), "module.")
    torch.save(state, folder / "D.pth", _use_new_zipfile_serialization=False)
    return folder


@pytest.fixture(scope="module")
def model(files: Path) -> Path:
    """The model folder of both."""
    import_checkpoint(files / "G.pth", files / "model", discriminator=files / "D.pth")
    return files / "model"


def test_model_says_everything_about_itself(model: Path) -> None:
    config = read_config(model)
    assert config.selection.network("generator").model_dump() == {
        "name": "unet",
        "depth": 5,
        "base_channels": 4,
        "norm": "batch",
        "dropout": 0.5,
        "dropout_layers": [],
        "upsample": "transposed",
        "bounded": True,
    }
    assert config.selection.network("discriminator").options == {
        "layers": 1,
        "base_channels": 4,
        "norm": "batch",
        "spectral": False,
    }
    assert config.selection.recipe.options["conditional"] is True
    assert (config.direction, config.mode, config.size, config.step) == ("AtoB", "paper", (32, 32), 0)
    assert [(side.channels, side.dtype) for side in config.fields.values()] == [(3, "uint8")] * 2
    assert config.sha256.keys() == {"generator.safetensors", "discriminator.safetensors"}


@pytest.mark.parametrize("mode", ["paper", "running"])
def test_model_translates_as_the_network_does(model: Path, mode: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 64, 3), np.uint8)
    reference = trained(Unet(3, 3, 5, 4, "batch", dropout=True)).train(mode == "paper")
    with torch.no_grad():
        fake = reference(torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1)[0]
    expected = (fake.permute(1, 2, 0).numpy() + 1) * 127.5
    made = Translator.load(model, device="cpu", mode=mode)(pixels)  # type: ignore[arg-type]
    assert np.abs(made - expected).max() <= 0.51
    assert made.std() > 5


def test_checkpoint_comes_back_with_its_names_order_and_bits(model: Path, files: Path, run_cli: Cli) -> None:
    code, out, err = run_cli(
        "import", "--reverse", model, files / "back" / "G.pth", "--discriminator", files / "back" / "D.pth"
    )
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "U-Net of depth 5, 4 wide, with batch norm, for channels 3 -> 3"
    for name, network in (("G.pth", trained(UNET)), ("D.pth", trained(CRITIC, 1))):
        state = torch.load(files / "back" / name, weights_only=True)
        assert list(state) == list(network.state_dict())
        assert all(torch.equal(state[key], tensor) for key, tensor in network.state_dict().items())
        network.load_state_dict(state, strict=True)


@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
@pytest.mark.parametrize("dropout", [True, False])
def test_resnet_comes_back_as_it_was(norm: str, dropout: bool, tmp_path: Path, run_cli: Cli) -> None:
    network = trained(Resnet(2, 3, 1, 2, norm, dropout))
    torch.save(stray_statistics(network), tmp_path / "G.pth")
    code, _, err = run_cli("import", tmp_path / "G.pth", tmp_path / "model", "--direction", "BtoA", "--size", 99)
    assert code == 0, err
    assert ("statistics of instance norms left out" in err) == (norm == "instance")
    config = read_config(tmp_path / "model")
    assert (config.direction, config.size, config.fields["source"].channels) == ("BtoA", (99, 99), 2)
    assert run_cli("import", "--reverse", tmp_path / "model", tmp_path / "back.pth")[0] == 0
    state = torch.load(tmp_path / "back.pth", weights_only=True)
    assert list(state) == list(network.state_dict())
    assert all(torch.equal(state[key], tensor) for key, tensor in network.state_dict().items())


Save = Callable[[Path, dict[str, Tensor]], None]
BROUGHT: dict[str, Save] = {
    "compiled": lambda path, state: torch.save(renamed(state, "_orig_mod."), path),
    "compiled and parallel": lambda path, state: torch.save(renamed(state, "module._orig_mod."), path),
    "parallel and compiled": lambda path, state: torch.save(renamed(state, "_orig_mod.module."), path),
    "compiled inside": lambda path, state: torch.save(
        {name.replace("model.", "model._orig_mod.", 1): tensor for name, tensor in state.items()}, path
    ),
    "wrapped": lambda path, state: torch.save({"state_dict": state, "epoch": 3, "opt": {"lr": 0.1}}, path),
    "wrapped, of the older serialisation": lambda path, state: torch.save(
        {"netG": renamed(state, "module.")}, path, _use_new_zipfile_serialization=False
    ),
    "safetensors": lambda path, state: save_file(state, path),
}


def renamed(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {f"{prefix}{name}": tensor for name, tensor in state.items()}


@pytest.mark.parametrize("how", BROUGHT)
def test_checkpoint_is_the_same_however_it_was_saved(how: str, files: Path, model: Path, tmp_path: Path) -> None:
    BROUGHT[how](tmp_path / "latest_net_G.pth", dict(torch.load(files / "G.pth", weights_only=True)))
    converted = import_checkpoint(tmp_path, tmp_path / "model")  # the folder stands for the file in it
    assert (tmp_path / "model" / "generator.safetensors").read_bytes() == (model / "generator.safetensors").read_bytes()
    assert bool(converted.notes) == how.startswith("wrapped")


def test_folder_without_a_newest_generator_names_what_it_has(tmp_path: Path, run_cli: Cli) -> None:
    for name in ("10_net_G.pth", "20_net_G.pth", "opt.txt"):
        (tmp_path / name).touch()
    code, _, err = run_cli("import", tmp_path, tmp_path / "model")
    assert code == 66
    assert "has no latest_net_G.pth. Give one of its files: 10_net_G.pth, 20_net_G.pth." in err


def test_dropout_of_a_unet_can_be_said(tmp_path: Path, run_cli: Cli, files: Path) -> None:
    code, _, err = run_cli("import", files / "G.pth", tmp_path / "model", "--no-dropout", "--mode", "running")
    assert code == 0, err
    config = read_config(tmp_path / "model")
    assert (config.selection.network("generator").options["dropout"], config.mode) == (0.0, "running")


def test_discriminator_of_targets_alone_is_unconditional(files: Path, tmp_path: Path) -> None:
    torch.save(Pixels(3, 2, "instance").state_dict(), tmp_path / "D.pth")
    import_checkpoint(files / "G.pth", tmp_path / "model", discriminator=tmp_path / "D.pth")
    config = read_config(tmp_path / "model")
    assert config.selection.recipe.options["conditional"] is False
    assert config.selection.network("discriminator").options["layers"] == 0


def test_discriminator_of_another_model_is_refused(files: Path, tmp_path: Path, run_cli: Cli) -> None:
    torch.save(Pixels(4, 2, "instance").state_dict(), tmp_path / "D.pth")
    code, _, err = run_cli("import", files / "G.pth", tmp_path / "m", "--discriminator", tmp_path / "D.pth")
    assert code == 2
    assert "judges images of 4 channels, but the generator maps 3 to 3. One that goes with it has 6, or 3" in err
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("flag", [["--direction", "AtoB"], ["--no-dropout"], ["--mode", "paper"], ["--size", 8]])
def test_flags_of_reading_do_not_go_with_reverse(model: Path, tmp_path: Path, run_cli: Cli, flag: list[str]) -> None:
    code, _, err = run_cli("import", "--reverse", model, tmp_path / "G.pth", *flag)
    assert code == 2
    assert "says how to read a checkpoint, and --reverse writes one" in err


def test_nothing_is_replaced(model: Path, files: Path, run_cli: Cli) -> None:
    before = (files / "G.pth").read_bytes()
    for arguments in ([files / "G.pth", model], ["--reverse", model, files / "G.pth"]):
        code, _, err = run_cli("import", *arguments)
        assert code == 2
        assert "is there already. Choose another name, or delete it." in err
    assert (files / "G.pth").read_bytes() == before


def test_model_trains_on_with_the_weights_of_both_networks(model: Path, pairs_folder: Path, tmp_path: Path) -> None:
    settings = initial_settings(model)
    said = ["training.steps=1", "data.workers=0", "optimizer.lr=1.0e-12", "recipe.gan_weight=1"]
    config = resolve([settings, {"data": {"path": str(pairs_folder)}}, parse_assignments(said)])
    assert config.selection == read_config(model).selection
    assert (config.data.crop, config.inference.mode) == (32, "paper")
    training.train(config, tmp_path / "run")
    learned = next((tmp_path / "run" / "checkpoints").glob("step-*")) / "model"
    for part in ("generator", "discriminator"):
        weights, after = (load_file(folder / f"{part}.safetensors") for folder in (model, learned))
        for name, tensor in weights.items():
            if name.endswith(("weight", "bias")):
                torch.testing.assert_close(after[name], tensor, rtol=0, atol=1e-9)


def test_networks_that_the_other_code_has_not_are_refused(tmp_path: Path, model: Path, run_cli: Cli) -> None:
    cases: dict[str, tuple[str, str, dict[str, Any], str]] = {
        "depth": ("generator", "unet", {"depth": 4}, "no U-Net of depth 4, only from 5 on."),
        "other": ("generator", "encoder-decoder", {"depth": 5}, "no generator 'encoder-decoder', only U-Nets and"),
        "upsample": ("generator", "unet", {"upsample": "resize"}, "no generator with upsample=resize. Keep the model"),
        "spectral": ("discriminator", "patchgan", {"spectral": True}, "no discriminator with spectral=True."),
    }
    for name, (part, component, options, line) in cases.items():
        folder = tmp_path / name
        folder.mkdir()
        config = json.loads((model / "config.json").read_text())
        config["selection"]["parts"][part] = {"name": component, **options}
        (folder / "config.json").write_text(json.dumps(config))
        critic = ["--discriminator", tmp_path / "D.pth"] if part == "discriminator" else []
        code, _, err = run_cli("import", "--reverse", folder, tmp_path / "G.pth", *critic)
        assert code == 2
        assert f"That code has {line}" in err


def train(pairs: Path, run: Path, *more: str) -> None:
    small = ["generator.depth=5", "generator.base_channels=1", "data.crop=32", "data.workers=0"]
    said = {"recipe": {"name": "pix2pix"}, "data": {"path": str(pairs)}, "training": {"steps": 1}}
    training.train(resolve([said, parse_assignments([*small, *more])]), run)


def test_both_networks_of_a_run_are_those_of_its_newest_checkpoint_there_and_back(
    tmp_path: Path, pairs_folder: Path, run_cli: Cli
) -> None:
    run, there, back = tmp_path / "run", tmp_path / "there", tmp_path / "back"
    train(pairs_folder, run, "discriminator.layers=1", "discriminator.base_channels=2")
    code, out, err = run_cli("import", "--reverse", run, there / "G.pth", "--discriminator", there / "D.pth")
    assert code == 0, err
    newest = run / "checkpoints" / "step-000000001"
    assert f"Note: Both networks are those of step 1: {newest}." in err
    assert "discriminator of 1 layer, 2 wide, with batch norm, for channels 6" in out
    code, _, err = run_cli("import", there / "G.pth", back, "--discriminator", there / "D.pth")
    assert code == 0, err
    for part in ("generator", "discriminator"):
        own, returned = (load_file(folder / f"{part}.safetensors") for folder in (newest / "model", back))
        assert own.keys() == returned.keys()
        assert all(torch.equal(own[name], returned[name]) for name in own)


def test_damaged_network_leaves_nothing_of_the_other(model: Path, tmp_path: Path, run_cli: Cli) -> None:
    shutil.copytree(model, tmp_path / "model")
    weights = tmp_path / "model" / "discriminator.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    both = [tmp_path / "G.pth", "--discriminator", tmp_path / "D.pth"]
    code, _, err = run_cli("import", "--reverse", tmp_path / "model", *both)
    assert code == 65
    assert "discriminator.safetensors is damaged" in err
    assert list(tmp_path.iterdir()) == [tmp_path / "model"]


def test_dropout_that_the_other_code_has_elsewhere_is_said(tmp_path: Path, pairs_folder: Path, run_cli: Cli) -> None:
    train(pairs_folder, tmp_path / "run", "recipe.gan_weight=0")
    code, _, err = run_cli("import", "--reverse", tmp_path / "run", tmp_path / "G.pth")
    assert code == 0
    assert "Note: That code has dropout=0.5, dropout_layers=[], unlike the model" in err
    Unet(3, 3, 5, 1, "batch", dropout=True).load_state_dict(torch.load(tmp_path / "G.pth", weights_only=True))
    both = [tmp_path / "G2.pth", "--discriminator", tmp_path / "D.pth"]
    code, _, err = run_cli("import", "--reverse", tmp_path / "run", *both)
    assert code == 66
    assert "holds no discriminator. Leave --discriminator away." in err
