"""A run that begins with a model has its weights and, unless told otherwise, its settings."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from i2i import training
from i2i.config import RunConfig, parse_assignments, resolve
from i2i.errors import MissingInputError, UsageError
from i2i.reporting import Reporter
from i2i.training.folder import RunFolder
from i2i.training.initial import initial_settings, load_initial
from i2i.training.trainer import Trainer

SMALL = ["generator.depth=3", "generator.base_channels=2", "recipe.gan_weight=0", "data.crop=32", "data.workers=0"]
Cli = Callable[..., tuple[int, str, str]]


def configured(pairs: Path, *said: str, init: Path | None = None) -> RunConfig:
    base = initial_settings(init) if init else {"recipe": {"name": "pix2pix"}}
    data = {"data": {"path": str(pairs)}, "training": {"steps": 1, "threads": 1}}
    return resolve([base, data, parse_assignments(said)])


@pytest.fixture(scope="module")
def model(shared_pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose model is not that of any seed that the tests use."""
    folder = tmp_path_factory.mktemp("model") / "run"
    training.train(configured(shared_pairs, *SMALL, "training.seed=7", "dataset.direction=BtoA"), folder)
    return folder


def test_settings_are_the_models_unless_told_otherwise(model: Path, shared_pairs: Path) -> None:
    config = configured(shared_pairs, init=model)
    assert config.selection.parts["generator"].options["depth"] == 3
    assert config.selection.recipe.options["gan_weight"] == 0
    assert (config.data.crop, config.inference.mode) == (32, "paper")
    assert config.dataset.options["direction"] == "BtoA"
    said = configured(shared_pairs, "data.crop=16", "inference.mode=running", "dataset.direction=AtoB", init=model)
    assert (said.data.crop, said.inference.mode, said.dataset.options["direction"]) == (16, "running", "AtoB")


def test_weights_are_the_models_bit_for_bit(model: Path, shared_pairs: Path, tmp_path: Path) -> None:
    config = configured(shared_pairs, "recipe.gan_weight=1", "discriminator.layers=1", init=model)
    trainer = Trainer(RunFolder(tmp_path), config, Reporter())
    drawn = {name: tensor.clone() for name, tensor in trainer.recipe.state_dict().items()}
    assert load_initial(trainer.recipe, config, trainer.channels) == ["generator"]
    saved = load_file(model / "model" / "generator.safetensors")
    for name, tensor in trainer.recipe.state_dict().items():
        part, _, rest = name.partition(".")
        assert torch.equal(tensor, saved[rest] if part == "generator" else drawn[name])
    assert not torch.equal(drawn["generator.down.0.0.weight"], saved["down.0.0.weight"])


def test_run_goes_on_without_the_model_once_it_has_a_checkpoint(
    model: Path, shared_pairs: Path, tmp_path: Path
) -> None:
    shutil.copytree(model / "model", tmp_path / "model")
    training.train(configured(shared_pairs, init=tmp_path / "model"), tmp_path / "run")
    shutil.rmtree(tmp_path / "model")
    assert training.resume(tmp_path / "run", {"training": {"steps": 2}}).step == 2
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    with pytest.raises(MissingInputError, match="is neither a model folder"):
        training.resume(tmp_path / "run")


def test_weights_that_do_not_fit_stop_the_run_before_it_begins(model: Path, shared_pairs: Path, tmp_path: Path) -> None:
    config = configured(shared_pairs, "generator.base_channels=3", init=model)
    with pytest.raises(UsageError, match=r"generator\.safetensors does not fit generator 'unet' .*size mismatch"):
        training.train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_init_cannot_change_when_a_run_is_resumed(model: Path, run_cli: Cli) -> None:
    code, _, err = run_cli("train", "--resume", model, "--init", model)
    assert code == 2
    assert "training.init cannot change when a run is resumed" in err


def test_other_channels_than_the_models_are_named_before_anything_else(
    model: Path, shared_pairs: Path, tmp_path: Path
) -> None:
    config = configured(shared_pairs, "dataset.source_channels=1", init=model)
    with pytest.raises(UsageError, match="has 3 channels of sources and 3 of targets, the data has 1 and 3"):
        training.train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
