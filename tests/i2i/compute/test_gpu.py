"""What a GPU is given, as far as a CPU can tell."""

from pathlib import Path

import pytest
import torch
from torch import nn
from training_runs import tiny

from i2i.compute.gpu import laid_out, sent, tuned
from i2i.training import resume, train

CPU = torch.device("cpu")


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


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_multiplies_in_tf32_for_a_while() -> None:
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.benchmark
    with tuned(torch.device("cuda", 0)):
        assert (torch.get_float32_matmul_precision(), torch.backends.cudnn.benchmark) == ("high", True)
    assert (torch.get_float32_matmul_precision(), torch.backends.cudnn.benchmark) == before
