"""Torch without its compiler."""

import subprocess
import sys

import torch

from i2i.uncompiled import seed_torch

ON_META = """
import sys, torch
from torch import nn
from i2i.uncompiled import uncompiled
with uncompiled(), torch.device("meta"):
    image = torch.zeros(1, 3, 8, 8)
    made = torch.cat([image, nn.Conv2d(3, 3, 3, 1, 1)(image)], dim=1)
    nn.functional.binary_cross_entropy_with_logits(made, torch.ones_like(made)).backward()
assert "torch._dynamo" not in sys.modules
with uncompiled():
    assert torch._dynamo.disable(len) is len
    assert torch._dynamo.is_compiling() is False  # which the stand-in does not have
    assert "torch._dynamo.eval_frame" in sys.modules
"""


def test_computations_on_meta_do_not_import_the_compiler_and_who_wants_more_of_it_gets_it() -> None:
    done = subprocess.run([sys.executable, "-c", ON_META], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_seeding_is_that_of_torch() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        expected = torch.rand(3)
        seed_torch(7)
        assert torch.equal(torch.rand(3), expected)
