"""What the check of exporters passes and what it names: one planted bug a case."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from i2i.testing import check_exporter

MODULES: list[Any] = []


class Number:
    """Writes the number of a module that is kept.

    Args:
        bare: Of the network alone.
    """

    suffix: ClassVar[str] = ".number"
    added = 0

    def __init__(self, *, bare: bool = False) -> None:
        self.bare = bare

    def __call__(self, model: Any, path: Path) -> None:
        MODULES.append(model.written(bare=self.bare, form="taps2").module)
        path.write_text(str(len(MODULES) - 1))

    def open(self, path: Path) -> Any:
        module = MODULES[int(path.read_text())]

        def run(batch: Any) -> Any:
            with torch.inference_mode():
                made = module(torch.from_numpy(batch)).numpy()
            return (made + self.added).astype(made.dtype)

        return run


class WritesNothing(Number):
    def __call__(self, model: Any, path: Path) -> None:
        pass


class WritesBeside(Number):
    def __call__(self, model: Any, path: Path) -> None:
        super().__call__(model, path)
        path.with_name("notes.txt").touch()


class Brighter(Number):
    added = 5


class OneForAll(Number):
    def open(self, path: Path) -> Any:
        run = super().open(path)
        return lambda batch: np.repeat(run(batch[:1]), len(batch), 0)


class NoSuffix(Number):
    suffix: ClassVar[Any] = "number"


@pytest.mark.parametrize("options", [{}, {"bare": True}], ids=str)
def test_one_that_is_right_passes(options: dict[str, Any]) -> None:
    check_exporter(Number, options)


@pytest.mark.parametrize(
    ("cls", "said"),
    [
        (WritesNothing, "wrote no model.number"),
        (WritesBeside, "wrote notes.txt beside"),
        (Brighter, "something else than the network: 5 off"),
        (OneForAll, "of a batch it makes something else"),
        (NoSuffix, "suffix is no text"),
    ],
)
def test_one_that_is_wrong_is_told_why(cls: type[Any], said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        check_exporter(cls)
