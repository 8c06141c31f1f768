"""Recipes, optimizers and averages in whole runs: logged, saved, resumed to the bit."""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from training_runs import TINY, rows, tiny

import i2i
from i2i import contracts
from i2i.config import RunConfig, read_file, resolve
from i2i.contracts import Clock, Generator, Recipe, Update, Wire
from i2i.errors import DataError
from i2i.fields import Fields
from i2i.kinds import COMPONENTS
from i2i.plugins import installed
from i2i.training import resume, setup, train
from i2i.training.facts import facts_of
from i2i.training.reporting import NonFiniteError, Reporter


class Signs(torch.optim.Optimizer):
    """Steps of one length, against the signs of the running mean of the gradient."""

    def __init__(self, parameters: Any, *, lr: float = 1e-3, decay: float = 0.5) -> None:
        super().__init__(parameters, {"lr": lr, "decay": decay})

    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            for parameter in group["params"]:
                mean = self.state[parameter].setdefault("mean", torch.zeros_like(parameter))
                mean.lerp_(parameter.grad, 1 - group["decay"])
                parameter.data.sub_(group["lr"] * mean.sign())


class SignsPlugin:
    @i2i.hookimpl
    def i2i_optimizers(self) -> dict[str, type[torch.optim.Optimizer]]:
        return {"signs": Signs}


def test_an_optimizer_of_a_plugin_trains_and_resumes_to_the_bit(shared_pairs: Path, tmp_path: Path) -> None:
    installed(COMPONENTS).register(SignsPlugin(), "signs", "i2i-signs", "3.1")
    own: dict[str, Any] = {"optimizer": {"discriminator": {"name": "signs", "decay": 0.9}}}
    try:
        train(tiny(shared_pairs, **own), tmp_path / "whole")
        train(tiny(shared_pairs, **own, training={"steps": 5}), tmp_path / "parts")
        resume(tmp_path / "parts", {"training": {"steps": 12}})
    finally:
        installed.cache_clear()
    for file in ("model/generator", "model/discriminator", "optimizer-discriminator"):
        folders = (tmp_path / run / "checkpoints" / "step-000000012" for run in ("whole", "parts"))
        whole, parts = (folder / f"{file}.safetensors" for folder in folders)
        assert whole.read_bytes() == parts.read_bytes()
    recorded = json.loads((tmp_path / "parts" / "environment.json").read_text())
    assert "i2i-signs 3.1" in recorded["plugins"]
    settings = read_file(tmp_path / "parts" / "config.yaml")["optimizer"]
    assert settings["discriminator"] == {"name": "signs", "lr": 1e-3, "decay": 0.9}


def saved_tensors(run: Path, step: int, file: str) -> dict[str, torch.Tensor]:
    return load_file(run / "checkpoints" / f"step-{step:09d}" / f"{file}.safetensors")


def test_models_have_the_average_and_checkpoints_both_it_and_the_weights(shared_pairs: Path, tmp_path: Path) -> None:
    average: dict[str, Any] = {"average": {"generator": 0.75}}
    train(tiny(shared_pairs, **average, training={"checkpoint_every": 11}), tmp_path / "whole")
    before, after = (saved_tensors(tmp_path / "whole", step, "average-generator") for step in (11, 12))
    weights = saved_tensors(tmp_path / "whole", 12, "model/generator")
    model = load_file(tmp_path / "whole" / "model-last" / "generator.safetensors")
    assert after.keys() <= model.keys() == weights.keys()
    for name, value in after.items():
        torch.testing.assert_close(value, 0.75 * before[name] + 0.25 * weights[name])
        assert torch.equal(value, model[name])
        assert not torch.equal(value, weights[name])
    train(tiny(shared_pairs, **average, training={"steps": 5}), tmp_path / "parts")
    resume(tmp_path / "parts", {"training": {"steps": 12}})
    for file in ("average-generator", "model/generator", "model/discriminator"):
        whole, parts = (saved_tensors(tmp_path / run, 12, file) for run in ("whole", "parts"))
        assert whole.keys() == parts.keys()
        assert all(torch.equal(value, parts[name]) for name, value in whole.items()), file


def test_an_average_that_is_not_used_stays_in_checkpoints(shared_pairs: Path, tmp_path: Path) -> None:
    train(tiny(shared_pairs, average={"generator": 0.75, "use": False}, training={"steps": 2}), tmp_path / "run")
    weights = saved_tensors(tmp_path / "run", 2, "model/generator")
    model = load_file(tmp_path / "run" / "model-last" / "generator.safetensors")
    assert all(torch.equal(value, model[name]) for name, value in weights.items())
    average = saved_tensors(tmp_path / "run", 2, "average-generator")
    assert not all(torch.equal(value, weights[name]) for name, value in average.items())


class Faulty(Recipe):
    """Trains well until some step, then its loss is not a number."""

    defaults: ClassVar[dict[str, str]] = {"generator": "unet"}

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator
        self.steps: torch.Tensor
        self.register_buffer("steps", torch.zeros(()))

    @classmethod
    def wiring(cls, fields: Fields, options: Any) -> dict[str, Wire]:
        return {"generator": Wire(fields["source"].channels, fields["target"].channels)}

    def step(self, source: contracts.Image, target: contracts.Image) -> Iterator[Update]:
        self.steps += 1
        loss = (self.generator(source) - target).abs().mean()
        figures = {"steps": self.steps, "slope": 1 / (self.steps - 3)}
        yield Update("generator", {"pixel": loss if self.steps < 8 else loss * float("nan")}, figures)


class FaultyPlugin:
    @i2i.hookimpl
    def i2i_recipes(self) -> dict[str, type[nn.Module]]:
        return {"faulty": Faulty}


@pytest.fixture
def faulty() -> Iterator[None]:
    installed(COMPONENTS).register(FaultyPlugin(), "faulty")
    yield
    installed.cache_clear()


@pytest.mark.usefixtures("faulty")
def test_a_loss_that_is_not_finite_stops_the_run_and_reaches_no_file(pairs_folder: Path, tmp_path: Path) -> None:
    layers = {k: v for k, v in TINY.items() if k != "discriminator"}
    layers |= {"recipe": {"name": "faulty"}, "data": {**TINY["data"], "path": str(pairs_folder)}}
    with pytest.raises(NonFiniteError, match=r"'generator/pixel' is nan at step 8 \(images: 0\d\)"):
        train(resolve([layers]), tmp_path / "run")
    assert [row["step"] for row in rows(tmp_path / "run") if "lr" in row] == list(range(1, 8))
    assert [p.name for p in (tmp_path / "run" / "checkpoints").glob("step-*")] == ["step-000000005"]
    # figures are logged, and one that is not finite stops nothing
    assert [row["generator/steps"] for row in rows(tmp_path / "run") if "lr" in row] == [1, 2, 3, 4, 5, 6, 7]
    slopes = [row["generator/slope"] for row in rows(tmp_path / "run") if "lr" in row]
    assert slopes == [-0.5, -1, None, 1, 0.5, pytest.approx(1 / 3), 0.25]


class Pooled(Recipe):
    """Keeps some of its fakes in a pool that grows, and draws how often it did by Python's generator."""

    defaults: ClassVar[dict[str, str]] = {"generator": "unet"}
    refused: ClassVar[Any] = None
    pool: torch.Tensor

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator
        self.register_buffer("pool", torch.empty(0))
        self.counts: dict[str, int] = {}

    @classmethod
    def wiring(cls, fields: Fields, options: Any) -> dict[str, Wire]:
        return {"generator": Wire(fields["source"].channels, fields["target"].channels)}

    def step(self, source: contracts.Image, target: contracts.Image) -> Iterator[Update]:
        fake = self.generator(source)
        if random.random() < 0.5:
            self.pool = torch.cat([self.pool.reshape(-1, *fake.shape[1:]), fake.detach()])[-7:]
        self.counts[f"{len(self.pool)}"] = self.counts.get(f"{len(self.pool)}", 0) + 1
        old = self.pool.mean() if len(self.pool) else 0.0
        yield Update("generator", {"pixel": (fake - target - old).abs().mean() * len(self.counts)})

    def get_extra_state(self) -> Any:
        return self.counts if self.refused is None else self.refused

    def set_extra_state(self, counts: Any) -> None:
        self.counts = counts


class PooledPlugin:
    @i2i.hookimpl
    def i2i_recipes(self) -> dict[str, type[nn.Module]]:
        return {"pooled": Pooled}


@pytest.fixture
def pooled(shared_pairs: Path) -> Iterator[Callable[[int], RunConfig]]:
    installed(COMPONENTS).register(PooledPlugin(), "pooled")
    layers = {k: v for k, v in TINY.items() if k != "discriminator"} | {"recipe": {"name": "pooled"}}
    data = {**TINY["data"], "path": str(shared_pairs)}
    yield lambda steps: resolve([layers | {"data": data, "training": {**TINY["training"], "steps": steps}}])
    installed.cache_clear()


def test_a_pool_that_grows_resumes_to_the_bit(pooled: Callable[[int], RunConfig], tmp_path: Path) -> None:
    train(pooled(12), tmp_path / "whole")
    train(pooled(5), tmp_path / "parts")
    resume(tmp_path / "parts", {"training": {"steps": 12}})
    states = [
        json.loads((tmp_path / run / "checkpoints/step-000000012/state.json").read_text()) for run in ("whole", "parts")
    ]
    assert states[0]["recipe"] == states[1]["recipe"]
    assert len(states[0]["recipe"]["_extra_state"]) > 2
    whole, parts = (saved_tensors(tmp_path / run, 12, "recipe")["pool"] for run in ("whole", "parts"))
    assert torch.equal(whole, parts)
    assert len(whole) > 2
    weights = "model-last/generator.safetensors"
    assert (tmp_path / "whole" / weights).read_bytes() == (tmp_path / "parts" / weights).read_bytes()


def test_rehearsing_a_step_draws_no_number(pooled: Callable[[int], RunConfig]) -> None:
    states = []
    for rehearsal in (True, False):
        setup.set_up(pooled(5), Reporter(), rehearsal=rehearsal)
        states.append((random.getstate(), np.random.get_state(legacy=False)["state"]["key"].tolist()))
    assert states[0] == states[1]


def test_state_that_cannot_be_saved_is_refused_before_the_first_step(
    pooled: Callable[[int], RunConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pooled, "refused", {1, 2})
    with pytest.raises(DataError, match="'_extra_state' in the state of Pooled is a set that JSON does not give back"):
        train(pooled(5), tmp_path / "run")
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


class Timed(Recipe):
    """Logs when its steps happen."""

    defaults: ClassVar[dict[str, str]] = {"generator": "unet"}

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    @classmethod
    def wiring(cls, fields: Fields, options: Any) -> dict[str, Wire]:
        return {"generator": Wire(fields["source"].channels, fields["target"].channels)}

    def step(self, source: contracts.Image, target: contracts.Image, clock: Clock) -> Iterator[Update]:
        told = {"step": clock.step, "total": clock.total, "epoch": clock.epoch, "progress": clock.progress}
        loss = (self.generator(source) - target).abs().mean()
        yield Update("generator", {"pixel": loss}, {name: torch.tensor(float(value)) for name, value in told.items()})


def test_a_step_that_names_the_clock_is_told_when_it_happens_also_when_resumed(
    shared_pairs: Path, tmp_path: Path
) -> None:
    class Plugin:
        @i2i.hookimpl
        def i2i_recipes(self) -> dict[str, type[nn.Module]]:
            return {"timed": Timed}

    installed(COMPONENTS).register(Plugin(), "timed")
    layers = {k: v for k, v in TINY.items() if k != "discriminator"} | {"recipe": {"name": "timed"}}
    layers |= {"data": {**TINY["data"], "path": str(shared_pairs)}, "training": {**TINY["training"], "steps": 8}}
    try:
        train(resolve([layers]), tmp_path / "run")
        resume(tmp_path / "run", {"training": {"steps": 10}})
    finally:
        installed.cache_clear()
    steps = [row for row in rows(tmp_path / "run") if "lr" in row]
    told = [[row[f"generator/{name}"] for name in ("step", "total", "epoch")] for row in steps]
    assert told == [[step, 8 if step < 8 else 10, step // 6] for step in range(10)]
    assert steps[4]["generator/progress"] == 0.5


def test_a_run_says_its_losses_with_the_weights_that_they_have(shared_pairs: Path) -> None:
    losses: dict[str, Any] = {"pixel_loss": ["l1", {"name": "l2", "weight": 5}], "penalties": "r1"}
    made = setup.set_up(tiny(shared_pairs, **losses), Reporter())
    assert facts_of(made)["losses"] == "gan_loss non-saturating, pixel_loss 100*l1+5*l2, penalties 1*r1"
