"""Steps that are recorded and repeated: what is recorded is what would be made, and what cannot be is not."""

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from i2i.contracts import Clock, Recipe, Update, Wire
from i2i.fields import Fields
from i2i.sections.networks import Power
from i2i.training.captured import WARM_UP, Batch, Captured, CudaGraph, make_capturable
from i2i.training.updates import Applied, Updater

T = TypeVar("T")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


class Again:
    """Records on any device: what was recorded is done anew each time, and nothing of it at first."""

    def __init__(self, waited: str = "") -> None:
        self.recorded = self.replayed = 0
        self.waited = waited

    def warm_up(self, work: Callable[[], T]) -> tuple[T, str]:
        return work(), self.waited

    def record(self, work: Callable[[], T]) -> Callable[[], T]:
        self.recorded += 1

        def replay() -> T:
            self.replayed += 1
            return work()

        return replay


class Two(Recipe):
    """A generator and a critic of it, with dropout and batch norm."""

    def __init__(self) -> None:
        super().__init__()
        layers = [nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Conv2d(4, 1, 1)]
        self.generator, self.discriminator = nn.Sequential(*layers), nn.Conv2d(1, 1, 3)

    @classmethod
    def wiring(cls, fields: Fields, options: Mapping[str, Any]) -> Mapping[str, Wire]:
        return {}

    def step(self, source: Tensor, target: Tensor, clock: Clock) -> Iterator[Update]:
        fake = self.generator(source)
        self.odd(clock)
        judged = self.discriminator(target).mean() - self.discriminator(fake.detach()).mean()
        yield Update("discriminator", {"gan": judged}, {"level": judged.detach() + 1})
        yield Update("generator", {"pixel": (fake - target).abs().mean(), "gan": self.discriminator(fake).mean()})

    def odd(self, clock: Clock) -> None:
        """Do what cannot be repeated."""


class Timed(Two):
    def odd(self, clock: Clock) -> None:
        assert clock.progress < 1


class Unpacked(Two):
    def odd(self, clock: Clock) -> None:
        _step, _total, _epoch = clock


class DrawingInPython(Two):
    def odd(self, clock: Clock) -> None:
        random.random()


class DrawingInNumpy(Two):
    def odd(self, clock: Clock) -> None:
        np.random.rand()


class Counting(Two):
    calls = 0

    def odd(self, clock: Clock) -> None:
        self.calls += 1


class Keeping(Two):
    def __init__(self) -> None:
        super().__init__()
        self.past: list[Tensor] = []

    def odd(self, clock: Clock) -> None:
        self.past.append(torch.ones(1))


class Growing(Two):
    seen: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(0))

    def odd(self, clock: Clock) -> None:
        self.seen = torch.cat([self.seen, torch.ones(1)])


def drawn(cls: type[Two], device: str = "cpu", optimizer: str = "adam") -> Updater:
    torch.manual_seed(0)
    return Updater(cls().to(device), {"name": optimizer, "lr": 0.01}, {"generator": 0.9})


def stepping(updater: Updater) -> Callable[[Batch, Clock], Applied]:
    return lambda batch, clock: updater.step(**batch, clock=clock)


def batches(count: int, device: str = "cpu", last: int = 2) -> list[dict[str, Tensor]]:
    numbers = torch.Generator().manual_seed(1)
    sizes = [2] * (count - 1) + [last]
    return [
        {name: torch.rand(size, 1, 6, 6, generator=numbers).to(device) for name in ("source", "target")}
        for size in sizes
    ]


def trained(make: Callable[[Batch, Clock], Applied], updater: Updater, given: list[dict[str, Tensor]]) -> list[Any]:
    """The losses of all steps, then the weights and averages."""
    seen = []
    for step, batch in enumerate(given):
        updater.scale(1 / (step + 1))
        seen.append(make(batch, Clock(step, len(given), 0)))
    logged = [{**applied.losses, **applied.figures} for applied in seen]
    return [*logged, dict(updater.recipe.state_dict()), updater.averages.weights, updater.averages.steps]


def assert_equal(one: list[Any], other: list[Any], tolerance: float = 0.0) -> None:
    torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop"])
def test_steps_that_are_repeated_are_the_steps(optimizer: str) -> None:
    plain, other, said = drawn(Two, optimizer=optimizer), drawn(Two, optimizer=optimizer), list[str]()
    make_capturable(plain)
    torch.manual_seed(2)
    expected = trained(stepping(plain), plain, batches(8))
    recorder = Again()
    torch.manual_seed(2)
    assert_equal(trained(Captured(stepping(other), other, recorder, said.append), other, batches(8)), expected)
    assert (recorder.recorded, recorder.replayed, said) == (1, 8 - WARM_UP, [])


def test_what_a_step_yielded_outlasts_the_next_one() -> None:
    updater = drawn(Two)
    make = Captured(stepping(updater), updater, Again(), pytest.fail)
    given = batches(WARM_UP + 2)
    *_, before = [make(batch, Clock(0, 9, 0)) for batch in given[:-1]]
    kept = {name: value.clone() for name, value in before.losses.items()}
    make(given[-1], Clock(0, 9, 0))
    assert_equal([before.losses], [kept])


def test_before_a_step_is_repeated_all_networks_are_said_to_be_updated() -> None:
    updater, recorder, said = drawn(Two), Again(), list[tuple[int, list[str]]]()
    updater.before = lambda networks: said.append((recorder.replayed, list(networks)))
    trained(Captured(stepping(updater), updater, recorder, pytest.fail), updater, batches(WARM_UP + 2))
    assert [names for done, names in said if len(names) == 2] == [["generator", "discriminator"]] * 2
    assert said[2 * WARM_UP] == (0, ["generator", "discriminator"])  # before the first time


def test_a_smaller_batch_is_made_as_it_is() -> None:
    plain, other, recorder = drawn(Two), drawn(Two), Again()
    make_capturable(plain)
    given = [*batches(6, last=1), *batches(2)]
    torch.manual_seed(2)
    expected = trained(stepping(plain), plain, given)
    torch.manual_seed(2)
    assert_equal(trained(Captured(stepping(other), other, recorder, pytest.fail), other, given), expected)
    assert recorder.replayed == 4  # three to warm up, one smaller


@pytest.mark.parametrize(
    ("cls", "reason"),
    [
        (Timed, "depends on the time"),
        (Unpacked, "depends on the time"),
        (DrawingInPython, "numbers of Python"),
        (DrawingInNumpy, "numbers of numpy"),
        (Counting, "'calls'"),
        (Keeping, "'past'"),
        (Growing, "'_buffers'"),
    ],
)
def test_what_cannot_be_recorded_goes_on_as_it_is_and_says_why_once(cls: type[Two], reason: str) -> None:
    plain, other, recorder, said = drawn(cls), drawn(cls), Again(), list[str]()
    make_capturable(plain)
    torch.manual_seed(2)
    expected = trained(stepping(plain), plain, batches(6))
    torch.manual_seed(2)
    assert_equal(trained(Captured(stepping(other), other, recorder, said.append), other, batches(6)), expected)
    assert recorder.recorded == 0
    assert len(said) == 1
    assert reason in said[0]


def test_an_average_whose_decay_changes_is_not_recorded() -> None:
    updater, said = Updater(Two(), {"lr": 0.01}, {"generator": Power(width=0.1)}), list[str]()
    trained(Captured(stepping(updater), updater, Again(), said.append), updater, batches(4))
    assert len(said) == 1
    assert "'average.steps'" in said[0]


def test_a_step_that_waits_for_the_device_is_not_recorded() -> None:
    updater, said, recorder = drawn(Two), list[str](), Again("a step waits for the device")
    trained(Captured(stepping(updater), updater, recorder, said.append), updater, batches(4))
    assert recorder.recorded == 0
    assert said == ["Steps are not recorded as a CUDA graph, and take longer: a step waits for the device."]


def test_an_error_while_recording_goes_on_as_it_is() -> None:
    class Failing(Again):
        def record(self, work: Callable[[], T]) -> Callable[[], T]:
            raise RuntimeError("operation not permitted when stream is capturing\nmore of it")

    plain, other, said = drawn(Two), drawn(Two), list[str]()
    make_capturable(plain)
    torch.manual_seed(2)
    expected = trained(stepping(plain), plain, batches(6))
    torch.manual_seed(2)
    assert_equal(trained(Captured(stepping(other), other, Failing(), said.append), other, batches(6)), expected)
    assert said == [
        "Steps are not recorded as a CUDA graph, and take longer: operation not permitted when stream is capturing."
    ]


def test_without_a_recorder_nothing_is_changed() -> None:
    plain, other = drawn(Two), drawn(Two)
    torch.manual_seed(2)
    expected = trained(stepping(plain), plain, batches(5))
    torch.manual_seed(2)
    assert_equal(trained(Captured(stepping(other), other, None, pytest.fail), other, batches(5)), expected)
    assert all(isinstance(group["lr"], float) for each in other.optimizers.values() for group in each.param_groups)


@needs_gpu
@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop"])
def test_a_graph_on_a_gpu_makes_the_same_steps(optimizer: str) -> None:
    plain, other = drawn(Two, "cuda", optimizer), drawn(Two, "cuda", optimizer)
    make_capturable(plain)
    given = [*batches(8, "cuda", last=1), *batches(3, "cuda")]
    torch.manual_seed(2)
    expected, drawn_so_far = trained(stepping(plain), plain, given), torch.cuda.get_rng_state()
    torch.manual_seed(2)
    make = Captured(stepping(other), other, CudaGraph(torch.device("cuda", 0)), pytest.fail)
    assert_equal(trained(make, other, given), expected, tolerance=1e-5)
    assert make._replay is not None
    assert torch.equal(torch.cuda.get_rng_state(), drawn_so_far)  # dropout goes on from where it would


class Asking(Two):
    def odd(self, clock: Clock) -> None:
        float(next(self.parameters()).detach().sum())


@needs_gpu
def test_a_step_that_asks_a_gpu_for_a_value_goes_on_as_it_is() -> None:
    updater, said = drawn(Asking, "cuda"), list[str]()
    make = Captured(stepping(updater), updater, CudaGraph(torch.device("cuda", 0)), said.append)
    trained(make, updater, batches(6, "cuda"))
    assert said == ["Steps are not recorded as a CUDA graph, and take longer: a step waits for the device."]
