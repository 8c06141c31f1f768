"""Whatever goes wrong between, all is there or nothing has changed; the long form is `benchmarks/hub_faults.py`."""

from pathlib import Path

import pytest
from bench import Bench, Files
from hub_ordeal import Ordeal

PUSHES, PUSHES_OF_DATA = (2, 14, 22), (9, 21)
"""Seeds of which most lose the answer to a commit."""


@pytest.fixture
def ordeal(bench: Bench, run: Path, shared_pairs: Path, tmp_path: Path) -> Ordeal:
    return Ordeal(bench, run, shared_pairs, tmp_path)


def test_random_faults_leave_one_commit_or_none(ordeal: Ordeal, bench: Bench, run: Path) -> None:
    endings = [ordeal.push(seed) for seed in PUSHES] + [ordeal.push_data(seed) for seed in PUSHES_OF_DATA]
    assert {"done", "refused"} <= set(endings)  # or the faults are too few, or too many
    assert bench.hub.requests
    assert ordeal.leaks(bench.home, run, ordeal.scratch) == []


def test_random_faults_leave_a_whole_model_or_none(ordeal: Ordeal, bench: Bench, pushed: Files) -> None:
    endings = [ordeal.pull(seed, pushed) for seed in range(4)]
    assert {"done", "refused"} <= set(endings)
    assert ordeal.leaks(bench.home, ordeal.scratch) == []
