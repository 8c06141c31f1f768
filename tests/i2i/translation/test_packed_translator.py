"""A translator that is prepared for many images makes the pictures that it made before, of any size and in threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_models import model_folder

from i2i import images
from i2i.compute import packed
from i2i.translation import MANY, Translator


def noise(height: int, width: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return model_folder(tmp_path / "model")


def largest(one: Any, other: Any) -> int:
    return int(np.abs(one.astype(int) - other.astype(int)).max())


@pytest.mark.parametrize("mode", ["paper", "deterministic", "running"])
def test_pictures_are_the_same_but_for_a_rounded_level(model: Path, mode: Any) -> None:
    translator = Translator.load(model, mode=mode, seed=3)
    pictures = [noise(16, 16, seed) for seed in range(3)] + [noise(20, 12)]
    before = [translator(picture) for picture in pictures]
    translator.pack()
    assert max(map(largest, before, map(translator, pictures))) <= 1
    assert max(map(largest, before, translator(pictures))) <= 1


def test_other_sizes_and_other_translators_of_the_model_are_computed_as_ever(model: Path) -> None:
    prepared, other, picture = Translator.load(model), Translator.load(model), noise(16, 24)
    before = other(picture)
    prepared.pack()
    np.testing.assert_array_equal(prepared(picture), before)
    np.testing.assert_array_equal(other(picture), before)


def test_threads_make_what_one_makes_to_the_bit(model: Path) -> None:
    translator, pictures = Translator.load(model), [noise(16, 16, seed) for seed in range(8)]
    translator.pack()
    alone = [translator(picture) for picture in pictures]
    with ThreadPoolExecutor(4) as threads:
        for one, other in zip(alone, threads.map(translator, pictures), strict=True):
            np.testing.assert_array_equal(one, other)


def test_weights_that_cannot_be_packed_are_said_and_images_made_as_ever(
    model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    translator, picture = Translator.load(model), noise(16, 16)
    before = translator(picture)
    monkeypatch.setattr(packed, "NEEDED", ("_no_such_operator",))
    translator.pack()
    assert "Weights are not packed, so images take longer" in caplog.text
    np.testing.assert_array_equal(translator(picture), before)


def test_many_images_of_the_command_line_are_those_of_python(
    model: Path, tmp_path: Path, run_cli: Callable[..., tuple[int, str, str]]
) -> None:
    (tmp_path / "in").mkdir()
    for seed in range(MANY):
        images.write(tmp_path / "in" / f"{seed}.png", noise(16, 16, seed))
    code, _, _ = run_cli("translate", model, tmp_path / "in", "--out", tmp_path / "out")
    assert code == 0
    translator = Translator.load(model)
    translator.pack()
    for seed in range(MANY):
        made = images.read(tmp_path / "out" / f"{seed}.png").pixels
        np.testing.assert_array_equal(made, translator(noise(16, 16, seed)))


def test_bf16_makes_float32_that_is_near(model: Path) -> None:
    wide, narrow = (Translator.load(model, precision=each).predictor for each in ("float32", "bf16"))
    source = {"source": torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1}
    expected, found = wide(source), narrow(source)
    assert found.dtype is torch.float32
    assert not torch.equal(found, expected)
    assert (found - expected).abs().max() < 0.05 * expected.abs().max()


def test_another_precision_translates_anew(
    model: Path, tmp_path: Path, run_cli: Callable[..., tuple[int, str, str]]
) -> None:
    (tmp_path / "in").mkdir()
    images.write(tmp_path / "in" / "one.png", noise(16, 16))
    command = ("translate", model, tmp_path / "in", "--out", tmp_path / "out", "--precision")
    run_cli(*command, "float32")
    assert "1 were there already" in run_cli(*command, "float32")[1]
    assert "already" not in run_cli(*command, "bf16")[1]
