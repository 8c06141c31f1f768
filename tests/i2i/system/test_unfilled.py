"""Networks without memory."""

import pytest
import torch
from torch import nn

from i2i.errors import DataError
from i2i.system.unfilled import unfilled


def test_parameters_have_shapes_without_memory_and_buffers_are_whole() -> None:
    with unfilled("it"):
        conv, norm = nn.Conv2d(3, 5, 4), nn.BatchNorm2d(5)
        nn.init.normal_(conv.weight)
    network = nn.Sequential(conv, norm)
    assert {name: (p.is_meta, tuple(p.shape)) for name, p in network.named_parameters()} == {
        "0.weight": (True, (5, 3, 4, 4)),
        "0.bias": (True, (5,)),
        "1.weight": (True, (5,)),
        "1.bias": (True, (5,)),
    }
    assert norm.running_var is not None
    assert torch.equal(norm.running_var, torch.ones(5))
    assert not nn.Linear(1, 1).weight.is_meta


@pytest.mark.parametrize("size", [2**15, 2**30])
def test_sizes_beyond_memory_are_one_line(size: int) -> None:
    with pytest.raises(DataError, match=r"^it (is far too large|cannot be built)[^\n]+$"), unfilled("it"):
        nn.Linear(size, size)


@pytest.mark.parametrize("shapes", [None, [], [(1, 1)] * 100])
def test_networks_without_end_are_refused_as_they_grow(shapes: list[tuple[int, int]] | None) -> None:
    made = 0
    with pytest.raises(DataError, match="it is far too large a network"), unfilled("it", shapes):  # noqa: PT012
        for made in range(10_000):  # noqa: B007
            nn.Linear(1, 1)
    assert made < 3000
