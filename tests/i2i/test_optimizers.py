"""Optimizers of the engine are torch's."""

import sys
from typing import Any

import pytest
import torch
from torch import nn

from i2i.optimizers import SGD, Adam, AdamW, RMSprop


@pytest.mark.parametrize(
    ("ours", "theirs", "options"),
    [
        (Adam, torch.optim.Adam, {"lr": 0.01, "betas": (0.5, 0.999), "weight_decay": 0.1}),
        (AdamW, torch.optim.AdamW, {"lr": 0.01, "weight_decay": 0.1}),
        (SGD, torch.optim.SGD, {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
        (RMSprop, torch.optim.RMSprop, {"lr": 0.01, "centered": True}),
    ],
)
def test_steps_are_those_of_torch_to_the_bit_and_do_not_import_its_compiler(
    monkeypatch: pytest.MonkeyPatch, ours: Any, theirs: Any, options: dict[str, Any]
) -> None:
    def trained(made: Any, **more: Any) -> list[torch.Tensor]:
        drawn = torch.Generator().manual_seed(0)
        weights = [nn.Parameter(torch.randn(shape, generator=drawn)) for shape in ((5, 3), (7,))]
        optimizer = made(weights, **options, **more)
        for _ in range(4):
            optimizer.zero_grad()
            torch.stack([(weight.square() * weight.sin()).sum() for weight in weights]).sum().backward()
            optimizer.step()
            optimizer.load_state_dict(optimizer.state_dict())
        return [*weights, *(value for each in optimizer.state.values() for value in each.values())]

    expected = trained(theirs, **({} if ours is RMSprop else {"fused": True}))
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)  # to import it fails
    assert all(torch.equal(one, other) for one, other in zip(trained(ours), expected, strict=True))
