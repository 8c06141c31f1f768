"""Torch without its compiler."""

import subprocess
import sys

import pytest
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
    assert made.shape == (1, 6, 8, 8)
    try:
        nn.Conv2d(4, 3, 3)(image)
    except RuntimeError as error:
        assert "Invalid channel dimensions" in str(error)
    else:
        raise AssertionError("torch's own check is gone")
assert not {"torch._dynamo", "torch.fx.experimental.symbolic_shapes", "sympy"} & set(sys.modules)
"""
MORE = {
    "_dynamo": """
assert torch._dynamo.disable(len) is len
assert torch._dynamo.is_compiling() is False  # which the stand-in does not have
assert "torch._dynamo.eval_frame" in sys.modules
""",
    "sympy": """
import sympy as before
from sympy.core import Integer
import sympy
assert sympy.Integer is Integer
assert before.Basic is sympy.Basic and issubclass(Integer, sympy.Basic)
""",
    "symbols": """
from torch.fx.experimental.symbolic_shapes import ShapeEnv, sym_or, guard_or_true
shapes = ShapeEnv()
size = shapes.create_unbacked_symint()
assert guard_or_true(size == 3)
assert isinstance(sym_or(size == 3, False), torch.SymBool)
assert not sym_or(False, False) and sym_or(False, True)
""",
    "function": """
from torch.fx.experimental.symbolic_shapes import sym_eq
assert sym_eq((1, 2), [1, 2]) and not sym_eq((1, 2), (1, 2, 3))
assert "sympy" not in sys.modules or not hasattr(sys.modules["sympy"], "__file__")
from torch.fx.experimental.symbolic_shapes import ShapeEnv
assert isinstance(sym_eq((1, 2), (1, ShapeEnv().create_unbacked_symint())), torch.SymBool)
""",
}


def test_computations_on_meta_import_neither_compiler_nor_symbols() -> None:
    assert failure_of(ON_META) == ""


@pytest.mark.parametrize("wanted", MORE)
def test_who_wants_more_than_stands_in_gets_it(wanted: str) -> None:
    inside = MORE[wanted].replace("\n", "\n    ")
    assert failure_of(f"import sys, torch\nfrom i2i.uncompiled import uncompiled\nwith uncompiled():{inside}") == ""


def failure_of(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    return done.stderr if done.returncode else ""


def test_seeding_is_that_of_torch() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        expected = torch.rand(3)
        seed_torch(7)
        assert torch.equal(torch.rand(3), expected)
