"""Imports of torch."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing_torch() -> Iterator[None]:
    """Import torch, and what needs it, without a search for garbage.

    Modules leave next to none, and Python goes through all of them again and again while they grow. What is there
    afterwards stays out of later searches too. Nothing of this is done where torch is imported already.
    """
    if "torch" in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
