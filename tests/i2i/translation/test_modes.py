import copy

import pytest
import torch
from torch import nn

from i2i.config import Mode
from i2i.translation.modes import inference


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Dropout(0.5), nn.Conv2d(8, 3, 1))


IMAGE = torch.linspace(-1, 1, 3 * 8 * 8).reshape(1, 3, 8, 8)


def run(module: nn.Module, mode: Mode, seed: int = 0, image: torch.Tensor = IMAGE) -> torch.Tensor:
    with inference(module, mode, seed):
        output: torch.Tensor = module(image)
    return output


def test_paper_is_dropout_and_the_statistics_of_the_image() -> None:
    module = network()
    by_hand = copy.deepcopy(module).train()
    torch.manual_seed(5)
    assert torch.equal(run(module, "paper", seed=5), by_hand(IMAGE))
    assert not torch.equal(run(module, "paper", seed=5), run(module, "paper", seed=6))


def test_deterministic_is_the_statistics_of_the_image_alone() -> None:
    module = network()
    x = module[0](IMAGE)
    mean, variance = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), unbiased=False, keepdim=True)
    by_hand = module[3]((x - mean) / (variance + 1e-5).sqrt())
    torch.testing.assert_close(run(module, "deterministic"), by_hand)
    assert torch.equal(run(module, "deterministic", seed=1), run(module, "deterministic", seed=2))


def test_running_is_evaluation_as_torch_knows_it() -> None:
    module = network()
    module.train()(IMAGE * 3)  # some running averages
    assert torch.equal(run(module, "running"), copy.deepcopy(module).eval()(IMAGE))


@pytest.mark.parametrize("mode", ["paper", "deterministic", "running"])
@pytest.mark.parametrize("training", [True, False])
def test_everything_is_left_as_it_was(mode: Mode, training: bool) -> None:
    module = network().train(training)
    module[1].eval()
    states = [m.training for m in module.modules()]
    before = copy.deepcopy(module.state_dict())
    torch.manual_seed(3)
    generator = torch.get_rng_state()
    run(module, mode)
    assert [m.training for m in module.modules()] == states
    assert module[1].momentum == 0.1
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert torch.equal(torch.get_rng_state(), generator)
