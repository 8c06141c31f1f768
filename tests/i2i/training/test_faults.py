"""Components that fail, in every phase of a run and of a translation."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from small_models import model_folder
from torch import Tensor, nn

import i2i
from i2i import images, optimizers
from i2i.data.dataset import Pairs
from i2i.kinds import COMPONENTS
from i2i.pairs import Pair, Pixels
from i2i.plugins import installed
from i2i_losses import L1

Cli = Callable[..., tuple[int, str, str]]

phase = ""


def fail(now: str) -> None:
    """Raise what no component should, if this is the phase of the test."""
    if now == phase:
        raise KeyError("boom")


class Backward(torch.autograd.Function):
    """Gives back what it is given, and fails when gradients are computed."""

    @staticmethod
    def forward(_: Any, value: Tensor) -> Tensor:
        return value.view_as(value)

    @staticmethod
    def backward(_: Any, *gradients: Tensor) -> Tensor:
        fail("gradients")
        return gradients[0]


class Generator(nn.Module):
    """One convolution."""

    drawn: ClassVar[int] = 0

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        fail("building")
        self.conv = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, source: Tensor) -> Tensor:
        fail("a step" if torch.is_grad_enabled() else "translating")
        Generator.drawn += not torch.is_grad_enabled()
        if Generator.drawn > 1:
            fail("drawing samples")
        return torch.tanh(Backward.apply(self.conv(source)))  # type: ignore[no-untyped-call]

    def get_extra_state(self) -> Tensor:
        fail("saving")
        return torch.zeros(1)

    def set_extra_state(self, _: Tensor) -> None:
        fail("resuming")


class Loss(L1):
    """Fails or not."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        fail("a loss")
        if phase == "the updates":
            return super().forward(output, target).detach()
        return super().forward(output, target)


class Optimizer(optimizers.SGD):
    """Gradient descent, or not.

    Args:
        lr: Learning rate.
    """

    def __init__(self, parameters: Any, *, lr: float = 0.1) -> None:
        super().__init__(parameters, lr=lr)
        fail("the optimizer")

    def step(self, closure: Any = None) -> Any:
        fail("an optimizer's step")
        super().step()


class Metric(nn.Module):
    """Fails at once or at the first validation."""

    higher_is_better: ClassVar[bool] = True
    calls: ClassVar[int] = 0

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        Metric.calls += 1
        fail("measuring before the first step" if Metric.calls == 1 else "validation")
        return torch.ones(len(output))


class Failing(Pairs):
    """Reads pairs, except in one phase."""

    def __getitem__(self, index: int, /) -> Pair | dict[str, Pixels]:
        fail("reading")
        return super().__getitem__(index)

    def read_noted(self, index: int) -> tuple[Pair | dict[str, Pixels], tuple[str, ...]]:
        fail("reading in a worker")
        return super().read_noted(index)


class Plugin:
    @i2i.hookimpl
    def i2i_generators(self) -> dict[str, type[nn.Module]]:
        return {"boom": Generator}

    @i2i.hookimpl
    def i2i_losses(self) -> dict[str, type[nn.Module]]:
        return {"boom": Loss}

    @i2i.hookimpl
    def i2i_optimizers(self) -> dict[str, type[Optimizer]]:
        return {"boom": Optimizer}

    @i2i.hookimpl
    def i2i_metrics(self) -> dict[str, type[nn.Module]]:
        return {"boom": Metric}

    @i2i.hookimpl
    def i2i_datasets(self) -> dict[str, type[Pairs]]:
        return {"boom": Failing}


@pytest.fixture(autouse=True)
def plugin() -> Iterator[None]:
    installed(COMPONENTS).register(Plugin(), "booming", "i2i-booming", "1.0")
    Metric.calls = Generator.drawn = 0
    yield
    installed.cache_clear()


def assert_named(code: int, err: str, words: str = "fails: KeyError: 'boom' (at ") -> None:
    assert code == 2, err
    assert err.count("\n") == 1, err
    assert f"plugin 'booming' (i2i-booming 1.0) {words}" in err.replace("fails on an image of 16x16:", "fails:")
    assert "boom' (at " not in err or f"{__file__}:{fail.__code__.co_firstlineno + 3})" in err


PHASES = [
    *("building", "reading", "reading in a worker", "measuring before the first step", "drawing samples", "a step"),
    *("a loss", "gradients", "validation", "saving", "the optimizer", "an optimizer's step"),
]


def train(run_cli: Cli, pairs: Path, run: Path, *words: object) -> tuple[int, str, str]:
    return run_cli(
        *("train", "--plugin", "pix2pix", "--data", pairs, "--out", run, "--quiet", "--size", 16, "--steps", 2),
        *("--use", "generator=boom", "--use", "pixel_loss=boom", "--set", "dataset.name=boom", "--device", "cpu"),
        *("--set", "validation.metrics=[boom]", "--set", "validation.select=boom", "--set", "recipe.gan_weight=0"),
        *("--set", "optimizer.name=boom"),
        *("--workers", int(phase == "reading in a worker"), *words),
    )


@pytest.mark.parametrize("fails_in", PHASES)
def test_component_that_raises_in_a_run_is_one_line_with_plugin_distribution_and_place(
    run_cli: Cli, shared_pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_in: str
) -> None:
    monkeypatch.setitem(globals(), "phase", fails_in)
    code, _, err = train(run_cli, shared_pairs, tmp_path / "run")
    assert_named(code, err)


def test_debugging_shows_the_traceback_before_the_line(
    run_cli: Cli, shared_pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "phase", "a loss")
    code, _, line = train(run_cli, shared_pairs, tmp_path / "run")
    again, _, err = train(lambda *words: run_cli("--debug", *words), shared_pairs, tmp_path / "again")
    assert again == code == 2
    assert err.endswith(line)
    assert err.startswith("Traceback (most recent call last):\n")
    assert "KeyError: 'boom'\n" in err
    assert ", in forward\n" in err  # of the loss


def test_recipe_is_named_where_torch_refuses_its_update(
    run_cli: Cli, shared_pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "phase", "the updates")
    code, _, err = train(run_cli, shared_pairs, tmp_path / "run")
    assert (code, err.count("\n")) == (2, 1)
    assert "recipe 'pix2pix' cannot make a step of 16x16 pixels with generator 'boom'" in err
    assert "RuntimeError: element 0 of tensors does not require grad" in err


def test_component_that_raises_when_a_run_is_resumed_is_named(
    run_cli: Cli, shared_pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert train(run_cli, shared_pairs, tmp_path / "run")[0] == 0
    monkeypatch.setitem(globals(), "phase", "resuming")
    code, _, err = run_cli("train", "--resume", tmp_path / "run", "--quiet")
    assert_named(code, err)


@pytest.mark.parametrize("fails_in", ["building", "translating"])
def test_component_that_raises_in_a_translation_is_named(
    run_cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_in: str
) -> None:
    model = model_folder(tmp_path / "model", parts={"generator": {"name": "boom"}})
    images.write(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))
    monkeypatch.setitem(globals(), "phase", fails_in)
    code, _, err = run_cli("translate", model, tmp_path / "a.png", "--out", tmp_path / "out", "--quiet")
    words = "fails on an image of 8x8: KeyError: 'boom' (at " if fails_in == "translating" else None
    assert_named(code, err, *([words] if words else []))
