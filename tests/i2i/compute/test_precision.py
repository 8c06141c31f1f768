"""Networks compute in bfloat16 inside their outermost call alone; weights, losses and what they return are float32."""

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from training_runs import Heard, tiny

from i2i.compute.precision import Narrow, about, computing, numbers_of
from i2i.compute.small_maps import SmallMaps
from i2i.errors import UsageError
from i2i.training import resume, train

CPU = torch.device("cpu")


class Verdict(NamedTuple):
    scores: list[Tensor]
    ids: Tensor


class Judge(nn.Module):
    """Notes in which numbers it computes, and whether autocast is on."""

    def __init__(self) -> None:
        super().__init__()
        self.mix, self.seen = nn.Conv2d(3, 4, 3, padding=1), list[tuple[bool, torch.dtype]]()

    def features(self, image: Tensor) -> Tensor:
        made: Tensor = self.mix(image)
        self.seen.append((torch.is_autocast_enabled("cpu"), made.dtype))
        return made

    def forward(self, image: Tensor) -> Verdict:
        made = self.features(image)
        self.seen.append((torch.is_autocast_enabled("cpu"), made.dtype))
        return Verdict([made, made.mean()], torch.zeros(2, dtype=torch.long))


@pytest.fixture
def judge() -> Judge:
    torch.manual_seed(0)
    return Judge()


def test_networks_compute_in_bf16_and_return_float32(judge: Judge) -> None:
    image = torch.rand(1, 3, 16, 16)
    with Narrow([judge], CPU):
        verdict, features = judge(image), judge.features(image)
    assert judge.seen == [(True, torch.bfloat16)] * 3
    assert [score.dtype for score in verdict.scores] == [torch.float32] * 2
    assert verdict.ids.dtype is torch.long
    assert features.dtype is torch.float32


def test_autocast_ends_with_the_outermost_call_also_where_it_fails(judge: Judge) -> None:
    with Narrow([judge], CPU):
        judge(torch.rand(1, 3, 16, 16))
        assert not torch.is_autocast_enabled("cpu")
        with pytest.raises(RuntimeError):
            judge(torch.rand(1, 5, 16, 16))
        assert not torch.is_autocast_enabled("cpu")
        judge(torch.rand(1, 3, 16, 16))
    assert judge.seen[-1] == (True, torch.bfloat16)


def test_a_network_is_what_it_was_afterwards(judge: Judge) -> None:
    before = dict(vars(judge))
    with Narrow([judge], CPU):
        pass
    assert vars(judge) == before
    judge(torch.rand(1, 3, 16, 16))
    assert judge.seen == [(False, torch.float32)] * 2


def test_a_changed_weight_is_used_at_the_next_call(judge: Judge) -> None:
    image = torch.rand(1, 3, 16, 16)
    with Narrow([judge], CPU):
        before = judge.features(image)
        with torch.no_grad():
            judge.mix.weight.zero_()
        after = judge.features(image)
    assert not torch.equal(before, after)
    assert all(bool((each == each[0, 0]).all()) for each in after[0])  # nothing but biases


@pytest.mark.parametrize("norm", [nn.InstanceNorm2d(8), nn.BatchNorm2d(8), nn.Identity()])
@pytest.mark.parametrize("batch", [1, 2])
def test_gradients_in_bf16_are_those_of_float32_but_for_rounding(norm: nn.Module, batch: int) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        *(nn.Conv2d(3, 8, 4, 2, 1), norm, nn.LeakyReLU(0.2), nn.Conv2d(8, 8, 4, 2, 1, bias=False), norm, nn.ReLU()),
        *(nn.ConvTranspose2d(8, 8, 4, 2, 1, bias=False), norm, nn.ReLU(), nn.ConvTranspose2d(8, 3, 4, 2, 1)),
    )
    image = torch.rand(batch, 3, 64, 64) * 2 - 1
    weights = [weight for weight in network.parameters() if weight.ndim > 1]
    found = []
    for numbers in ("float32", "bf16"):
        with computing([network], CPU, numbers):
            found.append(torch.autograd.grad(network(image).abs().mean(), weights))
    for wide, narrow in zip(*found, strict=True):
        assert narrow.dtype is torch.float32
        assert torch.cosine_similarity(wide.flatten(), narrow.flatten(), dim=0) > 0.99


def test_small_maps_of_bf16_are_computed_with_float32_weights() -> None:
    image, weight = torch.rand(1, 3, 4, 4), torch.rand(2, 3, 3, 3)
    with torch.autocast("cpu", torch.bfloat16), SmallMaps():
        made = torch.conv2d(image, weight)
    torch.testing.assert_close(made, torch.conv2d(image, weight))


@pytest.mark.parametrize(("said", "stands_for"), [("auto", "float32"), ("float32", "float32"), ("bf16", "bf16")])
def test_auto_is_float32_on_a_cpu(said: Any, stands_for: str) -> None:
    assert numbers_of(said, CPU) == stands_for


def test_bf16_is_refused_where_a_device_does_not_have_it() -> None:
    with pytest.raises(UsageError, match="bf16, which meta does not have"):
        numbers_of("bf16", torch.device("meta"))


def test_a_run_records_its_precision_and_resuming_in_another_says_so(tmp_path: Path, shared_pairs: Path) -> None:
    run = tmp_path / "run"
    train(tiny(shared_pairs, training={"steps": 4, "precision": "bf16"}), run)
    assert f'"compute": "{about("bf16", CPU)}"' in (run / "environment.json").read_text()
    assert "precision: bf16" in (run / "config.yaml").read_text()
    heard = Heard()
    resume(run, {"training": {"steps": 6, "precision": "float32"}}, heard)
    said = f"compute: was {about('bf16', CPU)}, is {about('float32', CPU)}"
    assert any(said in line for line in heard.warnings)
