"""Networks of shapes alone."""

import subprocess
import sys

import torch
from torch import nn

from i2i.system.devices import shapes_only


def test_a_network_of_shapes_alone_has_them_all_and_no_memory() -> None:
    with shapes_only():
        network = nn.Conv2d(1_000_000, 1_000_000, 3)  # 36 TB of weights
        nn.init.normal_(network.weight)
    assert network.weight.is_meta
    assert network.weight.shape == (1_000_000, 1_000_000, 3, 3)
    assert not torch.zeros(1).is_meta


def test_shapes_are_had_without_loading_the_compiler_of_torch() -> None:
    code = """
import sys
from torch import nn
from i2i.system.devices import shapes_only
with shapes_only():
    nn.init.normal_(nn.Conv2d(3, 3, 3).weight)
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "torch._dynamo" not in done.stdout.split()
