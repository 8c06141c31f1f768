"""Two processes make the steps of one; what one has for itself is saved, and what happens to it is known to both."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from every_recipe import ADAM, CASES, Case, Unchanging, built, items, portion
from safetensors.torch import load_file, save_file
from torch import Tensor
from training_runs import TINY, rows
from two_ranks import finished, pair

from i2i.config import RunConfig, resolve
from i2i.data.batches import KeyedBatches, steps_per_epoch
from i2i.errors import DataError, I2iError, RankGoneError, UsageError
from i2i.system.rank import ALONE, Rank
from i2i.training import resume, train
from i2i.training.portions import divided
from i2i.training.ranks import Ranks, joined
from i2i.training.updates import Updater

NORMED: dict[str, Any] = {
    "generator": {"name": "unet", "depth": 2, "base_channels": 4, "norm": "batch", "dropout": 0},
    "discriminator": {"name": "patchgan", "layers": 1, "base_channels": 4, "norm": "batch"},
    "penalties": {"name": "r1", "every": 2},
}
BATCH_NORMS = Case("pix2pix", {}, NORMED)
STEPS = [5, 4, 1]
"""Items of each step: of 5, one process has 3 and the other 2, and of 1, one of them has none."""


def pooled(pairs: Path, steps: int) -> RunConfig:
    """A run with pools, dropout and an uneven last batch."""
    generator = {"blocks": 1, "base_channels": 2, "dropout": 0.5}
    discriminator = {"layers": 1, "base_channels": 2}
    said: dict[str, Any] = {section: TINY[section] for section in ("data", "validation")}
    said |= {
        "recipe": {"name": "cyclegan", "pool": 3},
        "dataset": {"name": "pairs"},
        "schedule": {"name": "constant"},
        "average": {"generator": 0.9},
    }
    said |= {"generator": generator, "generator_back": generator}
    said |= {"discriminator": discriminator, "discriminator_back": discriminator}
    length = {"steps": steps, "threads": 1, "batch_size": 1, "accumulate": 2}
    return resolve([said, {"data": {"path": str(pairs)}, "training": length}])


def trained(case: Case, size: int, ranks: Ranks) -> dict[str, Tensor]:
    """Weights and buffers after steps of `STEPS`, computed in portions of a size, and the losses of the last step."""
    recipe, fields = built(case)
    updater, data = Updater(recipe, ADAM, ranks=ranks), items(fields, max(STEPS))
    for step, whole in enumerate(STEPS):
        keys = list(range(whole))[ranks.rank.number :: ranks.count] or [0]
        batch = {name: values[keys] for name, values in data.items()}
        with Unchanging():
            parts = divided(batch, size, whole, ranks.rank)
            said = updater.step_in([portion(recipe, fields, part, share, step) for part, share in parts])
    return {name: value.clone() for name, value in {**recipe.state_dict(), **said.losses}.items()}


def work(pairs: Path, out: Path) -> None:
    """All that the two processes do; each saves what it found under its number."""
    torch.set_num_threads(1)
    found: dict[str, Tensor] = {}
    with joined("cpu") as ranks:
        number = ranks.rank.number
        for name, case in CASES.items():
            found |= {f"{name}/{key}": value for key, value in trained(case, 1, ranks).items()}
        found |= {f"batch norm/{key}": value for key, value in trained(BATCH_NORMS, 3, ranks).items()}
        save_file(found, out / f"weights-{number}.safetensors")
        (out / f"said-{number}").write_text("\n".join(_talk(ranks)))
        train(pooled(pairs, 6), out / "whole")
        train(pooled(pairs, 4), out / "parts")
        resume(out / "parts", {"training": {"steps": 6}})
        if number == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        began = time.monotonic()
        try:
            while True:
                ranks.add_up([torch.zeros(3)])
        except RankGoneError:
            (out / "gone").write_text(str(time.monotonic() - began))


def _talk(ranks: Ranks) -> list[str]:
    """What a process hears from the other."""
    number = ranks.rank.number
    heard = [str(ranks.told(10 + number)), str(ranks.gathered(bytes([number]) * 3 * number))]

    def caught(failing: list[I2iError | None]) -> str:
        try:
            with ranks.agreeing():
                if (error := failing[number]) is not None:
                    raise error
        except I2iError as error:
            return f"{type(error).__name__} {error.exit_code} {error.is_of_one_process}"
        return "fine"

    failures: list[list[I2iError | None]] = [[None, None], [None, DataError("")], [UsageError(""), DataError("")]]
    heard += map(caught, failures)
    with ranks.in_turn():
        heard.append(f"turn of {number}")
    return heard


@pytest.fixture(scope="module")
def out(shared_pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the two processes have left what they found."""
    folder = tmp_path_factory.mktemp("ranks")
    processes = pair(work, shared_pairs, folder)
    assert finished(processes) == [0, -signal.SIGKILL]
    return folder


@pytest.mark.parametrize("name", [*CASES, "batch norm"])
def test_two_processes_make_the_steps_of_one(name: str, out: Path) -> None:
    expected = trained(CASES.get(name, BATCH_NORMS), max(STEPS), Ranks())
    for number in range(2):
        found = load_file(out / f"weights-{number}.safetensors")
        for key, value in expected.items():
            torch.testing.assert_close(found[f"{name}/{key}"], value, rtol=0, atol=1e-9, msg=f"{number} {key}")


def test_both_processes_have_the_same_weights_to_the_bit(out: Path) -> None:
    one, other = (load_file(out / f"weights-{number}.safetensors") for number in range(2))
    assert one.keys() == other.keys()
    assert not [name for name in one if not torch.equal(one[name], other[name])]


def test_what_one_process_says_the_other_hears(out: Path) -> None:
    first, second = ((out / f"said-{number}").read_text().splitlines() for number in range(2))
    assert first[:2] == ["[10, 11]", str([b"", b"\1\1\1"])]
    assert second[:2] == ["[10, 11]", "[]"]
    assert first[2:] == ["fine", "ElsewhereError 65 False", "UsageError 2 True", "turn of 0"]
    assert second[2:] == ["fine", "DataError 65 True", "ElsewhereError 2 False", "turn of 1"]


def test_a_resumed_run_of_two_processes_equals_one_that_was_not_interrupted(out: Path) -> None:
    checkpoints = (out / run / "checkpoints" / "step-000000006" for run in ("whole", "parts"))
    one, other = ({path.name: path.read_bytes() for path in each.rglob("*.safetensors")} for each in checkpoints)
    assert one == other
    assert {"process-1.safetensors", "generator.safetensors", "average-generator.safetensors"} <= one.keys()
    of_steps = [[row for row in rows(out / run) if "lr" in row] for run in ("whole", "parts")]
    assert of_steps[0] == of_steps[1]
    assert [row["step"] for row in of_steps[0]] == [1, 2, 3, 4, 5, 6]


def test_each_process_has_generators_and_pools_of_its_own(out: Path) -> None:
    checkpoint = out / "whole" / "checkpoints" / "step-000000006"
    own = load_file(checkpoint / "process-1.safetensors")
    assert not torch.equal(own["rng.cpu"], load_file(checkpoint / "rng.safetensors")["cpu"])
    pool, other = own["recipe.pool.kept"], load_file(checkpoint / "recipe.safetensors")["pool.kept"]
    assert pool.shape == other.shape == (3, 3, 16, 16)
    assert not torch.equal(pool, other)


def test_a_run_of_two_processes_is_refused_to_one(out: Path) -> None:
    with pytest.raises(UsageError, match=r"2 processes trained this run.*Go on with --nproc 2"):
        resume(out / "whole", {"training": {"steps": 8}})


def test_a_dead_process_is_noticed_at_once(out: Path) -> None:
    assert float((out / "gone").read_text()) < 10


@pytest.mark.parametrize(("length", "batch", "count"), [(10, 4, 2), (7, 6, 3), (5, 3, 2), (4, 8, 4)])
def test_processes_share_every_batch_of_one(length: int, batch: int, count: int) -> None:
    steps = 3 * steps_per_epoch(length, batch) + 1

    def batches(rank: Rank) -> list[Any]:
        return list(KeyedBatches(1, length, batch, 1, steps, rank=rank))

    whole = batches(ALONE)
    shares = [batches(Rank(number, count)) for number in range(count)]
    for step, keys in enumerate(whole):
        parts = [share[step] for share in shares]
        told = [part for number, part in enumerate(parts) if number < len(keys)]
        assert sorted(key for part in told for key in part) == sorted(keys)
        assert all(part == keys[:1] for part in parts[len(told) :])  # an item that stands in
        assert max(map(len, told)) - min(map(len, told)) <= 1


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("whole", [1, 2, 5, 6, 7])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_every_process_has_as_many_portions_and_all_shares_add_up(whole: int, size: int, count: int) -> None:
    found = []
    for number in range(count):
        own = torch.arange(whole)[number::count] if number < whole else torch.arange(1)
        found.append(list(divided({"source": own}, size, whole, Rank(number, count))))
    assert len({len(parts) for parts in found}) == 1
    shares = [share for parts in found for _, share in parts]
    assert sum(shares) == pytest.approx(1)
    counted = [item for parts in found for batch, share in parts if share for item in batch["source"].tolist()]
    assert sorted(counted) == list(range(whole))
    assert all(1 <= len(batch["source"]) <= size for parts in found for batch, _ in parts)
