"""What a GPU is given, as far as a CPU can tell."""

from pathlib import Path

import pytest
import torch
from torch import nn
from training_runs import Heard, rows, tiny

from i2i.compute.gpu import laid_out, sent, tuned
from i2i.training import resume, train

CPU = torch.device("cpu")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def test_a_cpu_is_left_as_it_is() -> None:
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.benchmark
    with tuned(CPU):
        assert (torch.get_float32_matmul_precision(), torch.backends.cudnn.benchmark) == before
    network = nn.Conv2d(4, 4, 3)
    laid_out(network, CPU)
    assert network.weight.is_contiguous()


def test_a_batch_that_is_there_is_not_copied() -> None:
    batch = {"source": torch.zeros(1, 3, 4, 4), "ids": torch.zeros(1, 4, 4, dtype=torch.long)}
    assert all(sent(batch, CPU)[name] is values for name, values in batch.items())


def test_a_run_with_channels_last_goes_on_as_if_it_had_not_stopped(
    shared_pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("i2i.compute.gpu.prefers_channels_last", lambda _: True)
    whole = train(tiny(shared_pairs), tmp_path / "whole").folder
    half = train(tiny(shared_pairs, training={"steps": 7}), tmp_path / "half").folder
    resume(half, {"training": {"steps": 12}})
    weights = "model-last/generator.safetensors"
    assert (whole / weights).read_bytes() == (half / weights).read_bytes()


@needs_gpu
def test_a_gpu_multiplies_in_tf32_for_a_while() -> None:
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.benchmark
    with tuned(torch.device("cuda", 0)):
        assert (torch.get_float32_matmul_precision(), torch.backends.cudnn.benchmark) == ("high", True)
    assert (torch.get_float32_matmul_precision(), torch.backends.cudnn.benchmark) == before


@needs_gpu
def test_a_run_on_a_gpu_is_recorded_and_learns_what_one_made_step_by_step_does(
    shared_pairs: Path, tmp_path: Path
) -> None:
    fast, heard = tiny(shared_pairs, training={"device": "cuda", "precision": "float32"}), Heard()
    plain = fast.change(training={"capture": False}, data={"cache": "none"})
    recorded = rows(train(fast, tmp_path / "fast", heard).folder)
    made = rows(train(plain, tmp_path / "plain").folder)
    assert not [line for line in heard.warnings if "recorded" in line]
    for one, other in zip(recorded[:6], made[:6], strict=True):
        assert one.get("generator/pixel") == pytest.approx(other.get("generator/pixel"), rel=0.01)


@needs_gpu
def test_a_run_on_a_gpu_in_bf16_goes_on_from_where_it_stopped(shared_pairs: Path, tmp_path: Path) -> None:
    half = train(tiny(shared_pairs, training={"device": "cuda", "steps": 7}), tmp_path / "run").folder
    outcome = resume(half, {"training": {"steps": 12}})
    assert (outcome.begun, outcome.step) == (7, 12)
