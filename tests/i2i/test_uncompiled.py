"""Torch without its compiler."""

import subprocess
import sys

import torch

from i2i.uncompiled import seed_torch

ON_META = """
import sys, torch
from torch import nn
from i2i.uncompiled import uncompiled
heavy = {"torch._dynamo", "torch.fx.experimental.symbolic_shapes", "sympy"}
with uncompiled(), torch.device("meta"):
    image = torch.zeros(1, 3, 8, 8)
    made = torch.cat([image, nn.Conv2d(3, 3, 3, 1, 1)(image)], dim=1)
    nn.functional.binary_cross_entropy_with_logits(made, torch.ones_like(made)).backward()
    assert made.shape == (1, 6, 8, 8)
    try:
        nn.Conv2d(4, 3, 3)(image)
    except RuntimeError as error:
        assert "Invalid channel dimensions" in str(error)
    else:
        raise AssertionError("torch's own check is gone")
    from torch.fx.experimental.symbolic_shapes import sym_eq, sym_or
    assert sym_eq((1, 2), [1, 2]) and not sym_eq((1, 2), (1, 2, 3))
    assert sym_or(False, True) and not sym_or(False, False)
assert not heavy & set(sys.modules)
with uncompiled():
    import sympy as before
    from sympy import Integer
    import sympy
    assert before.Basic is sympy.Basic and issubclass(Integer, sympy.Basic)
    assert "torch.fx.experimental.symbolic_shapes" in sys.modules  # what stands in for it
with uncompiled():
    from torch.fx.experimental.symbolic_shapes import free_unbacked_symbols  # which the stand-in does not have
    assert free_unbacked_symbols(3) == set()
with uncompiled():
    assert torch._dynamo.disable(len) is len
    assert torch._dynamo.is_compiling() is False  # which the stand-in does not have
    assert "torch._dynamo.eval_frame" in sys.modules
from torch.fx.experimental.symbolic_shapes import ShapeEnv
size = ShapeEnv().create_unbacked_symint()
assert isinstance(sym_eq((1, 2), (1, size)), torch.SymBool)  # by functions that were there before symbols were
assert isinstance(sym_or(size == 3, False), torch.SymBool)
"""


def test_computations_on_meta_import_neither_compiler_nor_symbols_and_who_wants_more_of_them_gets_it() -> None:
    done = subprocess.run([sys.executable, "-c", ON_META], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_seeding_is_that_of_torch() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        expected = torch.rand(3)
        seed_torch(7)
        assert torch.equal(torch.rand(3), expected)
