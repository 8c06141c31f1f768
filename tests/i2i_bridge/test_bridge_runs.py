"""A short run of the bridge: it resumes to the bit, and its model makes several pictures of one source."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import i2i
from i2i.config import resolve
from i2i.training import resume, train

STEPS = 4


def sections(data: Path, steps: int) -> dict[str, Any]:
    return {
        "recipe": {"name": "bridge"},
        "velocity": {"base_channels": 4, "depth": 1, "blocks": 1},
        "data": {"path": str(data), "crop": 16, "workers": 0},
        "optimizer": {"lr": 0.01},
        "average": {"velocity": 0.5},
        "training": {"steps": steps, "threads": 1},
        "validation": {"every": steps, "images": 2, "samples": 2},
    }


@pytest.fixture(scope="module")
def run(shared_pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(resolve([sections(shared_pairs, STEPS)]), tmp_path_factory.mktemp("bridge") / "run").folder


def test_a_resumed_run_ends_with_the_same_bytes(run: Path, shared_pairs: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    train(resolve([sections(shared_pairs, STEPS // 2)]), again)
    resume(again, {"training": {"steps": STEPS}, "validation": {"every": STEPS}})
    (weights,) = [file.relative_to(run) for file in (run / "model-last").glob("*.safetensors")]
    assert (again / weights).read_bytes() == (run / weights).read_bytes()


def test_samples_of_one_source_differ_and_a_seed_repeats_them(run: Path) -> None:
    source = np.zeros((16, 16, 3), np.uint8)
    translator = i2i.Translator.load(run, seed=5)
    first, second = translator(source, samples=2)
    assert not np.array_equal(first, second)
    assert np.array_equal(translator(source, samples=2)[1], second)
    assert np.array_equal(i2i.Translator.load(run, seed=6)(source), second)


def test_steps_are_an_option_of_translating(run: Path) -> None:
    source = np.zeros((16, 16, 3), np.uint8)
    translator = i2i.Translator.load(run)
    assert not np.array_equal(translator(source, steps=1), translator(source, steps=8))
    assert np.array_equal(translator(source), translator(source, steps=8))
