"""What is proposed where memory does not suffice: settings that fit, that networks take, and no more than three."""

import re
from pathlib import Path
from typing import Any

import pytest
from training_runs import tiny

from i2i.training import memory
from i2i.training.memory import KEPT_A_PARAMETER, needed, smaller_settings
from i2i.training.workload import Workload

PLENTY = 10**12


def ways(folder: Path, limit: int = PLENTY, **sections: Any) -> dict[str, float]:
    """Each way that is named, and how many megabytes it takes."""
    said = smaller_settings(tiny(folder, **sections), limit)
    found = re.findall(r"(?:with|,|or) ([a-z.\[\]_=,0-9]+(?: with [a-z_.=0-9]+)?) \(.*?; ([0-9.]+) MB\)", said)
    return {way: float(takes) for way, takes in found}


def takes_now(folder: Path, **sections: Any) -> float:
    found = re.match(r"A step takes about ([0-9.]+) MB\.", smaller_settings(tiny(folder, **sections), PLENTY))
    assert found
    return float(found[1])


def test_a_step_needs_its_results_and_what_adam_keeps_of_each_parameter() -> None:
    assert needed(Workload(operations=0, results=100, parameters=7)) == 100 + 7 * 4 * 4
    assert KEPT_A_PARAMETER == 4 * 4


def test_each_way_takes_less_than_what_did_not_fit_and_there_are_three(shared_pairs: Path) -> None:
    settings: dict[str, Any] = {"training": {"batch_size": 64}, "data": {"crop": 64}}
    found, now = ways(shared_pairs, **settings), takes_now(shared_pairs, **settings)
    assert [*found] == ["training.recompute=true", "training.batch_size=32", "data.crop=32"]
    assert all(takes <= 0.9 * now for takes in found.values())
    # results are in proportion to the batch, and to the area
    assert found["training.batch_size=32"] == pytest.approx(now / 2, rel=0.1)
    assert found["data.crop=32"] == pytest.approx(now / 4, rel=0.1)


def test_settings_are_lowered_until_they_fit_into_what_is_there(shared_pairs: Path) -> None:
    settings: dict[str, Any] = {"training": {"batch_size": 64, "recompute": True}, "data": {"crop": 64}}
    limit = 0.3 * takes_now(shared_pairs, **settings)
    found = ways(shared_pairs, int(limit * 1e6), **settings)
    assert [*found][:2] == ["training.batch_size=16", "data.crop=32"]
    assert all(takes <= 0.9 * limit for takes in found.values())


def test_a_generator_that_takes_no_smaller_image_is_to_be_less_deep(shared_pairs: Path) -> None:
    batch: dict[str, Any] = {"training": {"batch_size": 256, "recompute": True}}
    assert "data.crop=8 with generator.depth=3" in ways(shared_pairs, generator={"depth": 4}, **batch)
    assert "data.crop=[16,8]" in ways(shared_pairs, generator={"depth": 3}, data={"crop": [32, 16]}, **batch)


def test_where_nothing_smaller_fits_networks_are_to_be_smaller(shared_pairs: Path) -> None:
    assert smaller_settings(tiny(shared_pairs), 1).endswith("Begin a run with smaller networks.")


def test_what_cannot_be_counted_is_not_claimed(shared_pairs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object, **__: object) -> Workload:
        raise RuntimeError("Tensor.item() cannot be called on meta tensors")

    monkeypatch.setattr(memory, "workload_of", refuses)
    assert smaller_settings(tiny(shared_pairs)).startswith("Begin a run with smaller networks, a smaller data.crop")
