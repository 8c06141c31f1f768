"""Each fault that is planted is said once, with since when it is; runs without faults are left in peace."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from training_runs import Heard, tiny

from i2i.config import RunConfig
from i2i.contracts import Discriminator, Generator, Image, Recipe, Update, Wire
from i2i.fields import Fields
from i2i.pairs import Pixels
from i2i.parts import Adversarial, Penalties
from i2i.plugins import catalogue, lookup
from i2i.training import health, train
from i2i.training.health import WINDOW, Health, odds_of

GUESSED = {"non-saturating": np.log(2), "least-squares": 0.25, "hinge": 2.0, "relativistic": np.log(2)}
"""What each adversarial loss costs a discriminator that says the same of everything, by its formula."""


class Duel(Recipe):
    """Of a recipe, what is looked at: its parts and their contracts."""

    defaults: ClassVar[Mapping[str, str]] = {
        "generator": "unet",
        "critic": "patchgan",
        "gan_loss": "hinge",
        "costs": "",
    }

    def __init__(self, generator: Generator, critic: Discriminator, gan_loss: Adversarial, costs: Penalties) -> None:
        super().__init__()
        self.generator, self.critic, self.gan_loss, self.costs = generator, critic, gan_loss, costs

    @classmethod
    def wiring(cls, fields: Fields, options: Mapping[str, Any]) -> Mapping[str, Wire]:
        return {}

    def step(self, source: Image) -> Iterator[Update]:
        yield from ()


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(scope="module")
def config(shared_pairs: Path) -> RunConfig:
    return tiny(shared_pairs, data={"workers": 1})


def duel(loss: str, *, scales: int = 1, penalties: Mapping[str, Any] = {}) -> Duel:
    adversarial = Adversarial(lookup("loss", loss).cls())
    adversarial.scales = scales
    identity = torch.nn.Identity()
    return Duel(identity, identity, adversarial, Penalties(penalties, dict.fromkeys(penalties, 1.0)))


def rows(values: Sequence[Mapping[str, float]], start: int = 1) -> list[dict[str, Any]]:
    return [{"step": start + place, "epoch": 1, "lr": 2e-4, **each} for place, each in enumerate(values)]


def said(recipe: Recipe, config: RunConfig, values: Sequence[Mapping[str, float]]) -> list[str]:
    return list(Health(recipe, config, ["source", "target"]).advanced(rows(values)))


def around(value: float, count: int, spread: float = 0.3) -> list[float]:
    """Values near one, as losses of batches are."""
    return list(value * (1 + spread * np.random.default_rng(0).uniform(-1, 1, count)))


def test_guessing_costs_what_the_formulas_say_and_winning_nothing() -> None:
    for name, cost in GUESSED.items():
        guess, won = odds_of(lookup("loss", name).cls())
        assert (guess, won) == (pytest.approx(cost, rel=1e-5), pytest.approx(0, abs=1e-6))


@pytest.mark.parametrize(("share", "paid"), [(0.004, "0.4%"), (1e-5, "less than 0.1%")])
@pytest.mark.parametrize("loss", GUESSED)
def test_a_discriminator_that_wins_is_said_once_with_its_setting(
    loss: str, share: float, paid: str, config: RunConfig
) -> None:
    costs = [*around(0.4 * GUESSED[loss], WINDOW), *around(share * GUESSED[loss], 8 * WINDOW, 0.01)]
    (line,) = said(duel(loss), config, [{"critic/gan": cost} for cost in costs])
    assert line.startswith(f"critic tells every fake since step {WINDOW + 1}: it pays {paid} of what guessing costs")
    assert "optimizer.critic.lr (now 0.0002) to 5e-05" in line
    assert f"--use costs={next(iter(catalogue('penalty')))}" in line


def test_scales_are_counted_and_penalties_are_not(config: RunConfig) -> None:
    costs = [{"critic/gan": cost, "critic/r1": 5.0} for cost in around(3 * 0.005 * 2.0, 4 * WINDOW, 0.1)]
    recipe = duel("hinge", scales=3, penalties={"r1": lookup("penalty", "r1").cls()})
    (line,) = said(recipe, config, costs)
    assert "0.5%" in line
    assert "--use" not in line  # it is held back already
    assert not said(duel("hinge", scales=1), config, costs)  # two terms of which nobody knows which is which


def test_a_discriminator_that_guesses_for_long_is_said(config: RunConfig) -> None:
    costs = [{"critic/gan": cost} for cost in around(0.25, 12 * WINDOW, 0.001)]
    (line,) = said(duel("least-squares"), config, costs)
    assert line.startswith("critic only guesses since step 1: it pays 0.25 at every step")
    assert not said(duel("least-squares"), config, costs[: 9 * WINDOW])  # it may be slow to begin


def test_a_balance_that_swings_is_left_in_peace(config: RunConfig) -> None:
    swing = 0.5 + 0.45 * np.sin(np.arange(40 * WINDOW) / WINDOW)
    costs = [{"critic/gan": 2.0 * share, "generator/gan": 2 - share} for share in swing]
    assert not said(duel("hinge"), config, costs)


def test_a_loss_that_explodes_is_said_where_it_is(config: RunConfig) -> None:
    sizes = [*around(3.0, 3 * WINDOW), *around(-3000.0, 2 * WINDOW)]
    (line,) = said(duel("hinge"), config, [{"generator/gan": size, "generator/pixel": 20.0} for size in sizes])
    assert line.startswith(f"generator/gan explodes since step {3 * WINDOW + 1}: it is ")
    assert "optimizer.lr (now 0.0002)" in line


def test_a_term_that_begins_at_nothing_may_grow_to_its_size(config: RunConfig) -> None:
    sizes = [*around(1e-4, 2 * WINDOW), *around(1.5, 4 * WINDOW)]
    assert not said(duel("hinge"), config, [{"generator/gan": size} for size in sizes])


def trained(health: Health, clock: Clock, windows: int, waited: float, stepped: float) -> list[str]:
    """Go through windows of steps of which each waits and computes for so many seconds."""
    lines: list[str] = []
    for start in range(1, windows * WINDOW + 1, WINDOW):
        for _ in range(WINDOW):
            with health.waiting():
                clock.seconds += waited
            clock.seconds += stepped
        lines += health.advanced(rows([{}] * WINDOW, start))
    return lines


def test_steps_that_wait_for_images_are_said_with_the_share_and_the_workers_needed(
    config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "available_cpus", lambda: 8)
    clock = Clock()
    # a worker needs 0.4 s for what is computed in 0.15 s: three of them come in time
    (line,) = trained(Health(duel("hinge"), config, [], clock), clock, 9, waited=0.25, stepped=0.15)
    assert line.startswith(f"Steps wait for images since step {WINDOW + 1}, 62% of the time. ")
    assert "Raise data.workers (now 1) to 3, keep them in memory (--set data.cache=memory), or" in line
    monkeypatch.setattr(health, "available_cpus", lambda: 1)
    (line,) = trained(Health(duel("hinge"), config, [], clock), clock, 9, waited=0.25, stepped=0.15)
    assert "There are no more CPUs than data.workers (1)" in line


def test_waiting_that_is_short_or_is_where_reading_begins_is_not_said(config: RunConfig) -> None:
    clock = Clock()
    assert not trained(Health(duel("hinge"), config, [], clock), clock, 9, waited=0.1, stepped=0.4)
    assert not trained(Health(duel("hinge"), config, [], clock), clock, 3, waited=0.4, stepped=0.1)
    assert not trained(Health(duel("hinge"), config, [], clock), clock, 9, waited=0.002, stepped=0.001)


def pictures(seed: int, contrast: float = 1.0) -> list[dict[str, Pixels]]:
    """Items whose outputs differ by so much of what their targets do."""
    rng = np.random.default_rng(seed)
    items = []
    for _ in range(4):
        source, target = rng.integers(0, 256, (2, 8, 8, 3), np.uint8)
        output = (128 + contrast * (target.astype(float) - 128)).astype(np.uint8)
        items.append({"source": source, "output": output, "target": target})
    return items


def test_outputs_that_stay_the_same_are_said_once(config: RunConfig) -> None:
    seen = Health(duel("hinge"), config, ["source", "target"])
    lines = [line for step in range(0, 900, 100) for line in seen.pictured(step, pictures(step, 0.01))]
    assert len(lines) == 1
    assert "(output) is the same picture whatever the source, since step 100." in lines[0]


def test_outputs_that_are_pale_or_the_same_only_at_first_are_not_said(config: RunConfig) -> None:
    seen = Health(duel("hinge"), config, ["source", "target"])
    for step in range(0, 900, 50):
        assert not list(seen.pictured(step, pictures(step, 0.01 if step < 200 else 0.2)))
    single = Health(duel("hinge"), config, ["source", "target"])
    assert not [line for step in range(0, 900, 50) for line in single.pictured(step, pictures(step, 0.01)[:1])]


def test_noise_that_changes_nothing_is_said(config: RunConfig) -> None:
    for reaction, count in ((0.0, 1), (0.05, 0)):
        seen = Health(duel("hinge"), config, ["source", "target"])
        lines = [
            line for step in range(0, 900, 100) for line in seen.pictured(step, pictures(step), {"target": reaction})
        ]
        assert [line.split(",")[0] for line in lines] == ["Noise does not change what is made of target"] * count


def test_a_run_passes_on_what_is_found_in_its_rows(
    shared_pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "WINDOW", 2)
    monkeypatch.setattr(health, "WON", 100.0)  # so that any discriminator is found to win
    heard = Heard()
    train(tiny(shared_pairs, training={"steps": 8}, validation={"every": 8}), tmp_path / "run", heard)
    assert [line.split(":")[0] for line in heard.warnings] == ["discriminator tells every fake since step 1"]
