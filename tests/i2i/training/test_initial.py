"""A run that begins with a model has its weights and, unless told otherwise, its settings."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from i2i import Translator, training
from i2i.config import RunConfig, read_file, resolve
from i2i.errors import DataError, MissingInputError, UsageError
from i2i.said import parse_assignments
from i2i.training.initial import begin, initial_settings, load_initial
from i2i.training.reporting import Reporter
from i2i.training.setup import Setup, set_up

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
    assert config.selection.network("generator").options["depth"] == 3
    assert config.selection.recipe.options["gan_weight"] == 0
    assert (config.data.crop, config.inference.mode) == (32, "paper")
    assert config.dataset.options["direction"] == "BtoA"
    said = configured(shared_pairs, "data.crop=16", "inference.mode=running", "dataset.direction=AtoB", init=model)
    assert (said.data.crop, said.inference.mode, said.dataset.options["direction"]) == (16, "running", "AtoB")


def test_weights_are_the_models_bit_for_bit(model: Path, shared_pairs: Path) -> None:
    config = configured(shared_pairs, "recipe.gan_weight=1", "discriminator.layers=1", init=model)
    setup = set_up(config, Reporter())
    drawn = {name: tensor.clone() for name, tensor in setup.recipe.state_dict().items()}
    assert load_initial(setup) == ["generator"]
    saved = load_file(model / "model" / "generator.safetensors")
    for name, tensor in setup.recipe.state_dict().items():
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
    with pytest.raises(UsageError, match=r"'unet' with its options: base_channels is 3, the model has 2\. Leave"):
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
    with pytest.raises(UsageError, match=r"are 3 and 3 for the model in .*, 1 and 3 in the data"):
        training.train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


NETWORKS = ("generator", "discriminator")
GAN = [line for line in SMALL if "gan_weight" not in line] + ["discriminator.layers=1", "discriminator.base_channels=2"]


@pytest.fixture(scope="module")
def run(shared_pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of both networks: its best model is that of step 1, its newest checkpoint that of step 2."""
    folder = tmp_path_factory.mktemp("gan") / "run"
    said = ["training.seed=7", "training.checkpoint_every=1", "optimizer.lr=0.1"]
    said += ["validation.every=1", "validation.select=l1"]
    training.train(configured(shared_pairs, *GAN, *said, "training.steps=2"), folder)
    assert json.loads((folder / "model" / "config.json").read_text())["step"] == 1
    return folder


def checkpoint_of(run: Path, step: int) -> Path:
    return run / "checkpoints" / f"step-{step:09d}"


def begun(config: RunConfig) -> tuple[Setup, str]:
    setup = set_up(config, Reporter())
    return setup, begin(setup)


def test_averages_begin_with_the_weights_that_the_run_begins_with(run: Path, shared_pairs: Path) -> None:
    setup, _ = begun(configured(shared_pairs, "average.generator=0.5", init=run))
    saved = load_file(checkpoint_of(run, 2) / "model" / "generator.safetensors")
    averaged = dict(setup.translating("generator").named_parameters())
    assert averaged
    assert all(torch.equal(value, saved[name]) for name, value in averaged.items())


@pytest.mark.parametrize(("place", "step"), [("", 2), ("checkpoints", 2), ("checkpoints/step-000000001", 1)])
def test_run_gives_every_network_of_its_newest_or_the_chosen_checkpoint(
    run: Path, shared_pairs: Path, place: str, step: int
) -> None:
    setup, _ = begun(configured(shared_pairs, init=run / place))
    for part in NETWORKS:
        saved = load_file(checkpoint_of(run, step) / "model" / f"{part}.safetensors")
        state = setup.recipe.get_submodule(part).state_dict()
        assert state.keys() == saved.keys()
        assert all(torch.equal(state[name], saved[name]) for name in saved)


def test_steps_that_learn_nothing_give_back_the_networks_bit_for_bit(
    run: Path, shared_pairs: Path, tmp_path: Path, run_cli: Cli
) -> None:
    none = ["--set", "optimizer.lr=1.0e-60", "--steps", 2, "--workers", 0]  # less than any float32
    code, out, err = run_cli("train", "--init", run, "--data", shared_pairs, "--out", tmp_path / "again", *none)
    assert code == 0, err
    assert f"generator,discriminatorof{checkpoint_of(run, 2)}" in "".join(out.split())  # the table breaks long lines
    assert read_file(tmp_path / "again" / "config.yaml")["training"]["init"] == str(checkpoint_of(run, 2))
    for part in NETWORKS:
        before, after = (
            load_file(checkpoint_of(r, 2) / "model" / f"{part}.safetensors") for r in (run, tmp_path / "again")
        )
        learned = [name for name in before if name.endswith(("weight", "bias"))]  # the rest are running averages
        assert learned
        assert all(torch.equal(before[name], after[name]) for name in learned)


def test_model_of_a_run_gives_the_generator_alone_and_that_is_said(run: Path, shared_pairs: Path) -> None:
    _, said = begun(configured(shared_pairs, init=run / "model"))
    assert said == f"generator of {run / 'model'}; discriminator drawn"


def test_run_that_went_on_does_not_change_what_another_began_with(
    run: Path, shared_pairs: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    shutil.copytree(run, first)
    training.train(configured(shared_pairs, init=first), second)
    shutil.rmtree(second / "checkpoints")  # as if killed before it had any
    training.resume(first, {"training": {"steps": 3}})
    training.resume(second)
    assert read_file(second / "config.yaml")["training"]["init"] == str(checkpoint_of(first, 2))


def test_damaged_checkpoint_is_named_before_the_run_begins(run: Path, shared_pairs: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    damaged = checkpoint_of(tmp_path / "run", 2) / "model" / "discriminator.safetensors"
    data = damaged.read_bytes()
    damaged.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(DataError, match=r"step-000000002/model/discriminator\.safetensors is damaged"):
        training.train(configured(shared_pairs, init=tmp_path / "run"), tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_checkpoint_translates_as_the_model_of_its_step(run: Path) -> None:
    pixels = torch.randint(0, 256, (32, 32, 3), dtype=torch.uint8).numpy()
    made = [Translator.load(folder, device="cpu")(pixels) for folder in (checkpoint_of(run, 2), run / "model-last")]
    assert (made[0] == made[1]).all()


@pytest.mark.parametrize("export", ["translators", "all"])
def test_models_hold_the_networks_that_they_are_asked_to(shared_pairs: Path, tmp_path: Path, export: str) -> None:
    training.train(configured(shared_pairs, *GAN, f"training.export={export}"), tmp_path / "run")
    for model in ("model", "model-last"):
        found = {file.stem for file in (tmp_path / "run" / model).glob("*.safetensors")}
        assert found == ({*NETWORKS} if export == "all" else {"generator"})
    _, said = begun(configured(shared_pairs, init=tmp_path / "run" / "model"))
    assert ("drawn" in said) == (export == "translators")
