"""What `check_metric` passes and what it names: one planted bug a case."""

from typing import Any, ClassVar

import pytest
from torch import Tensor, nn

from i2i.testing import check_metric


class Squares(nn.Module):
    """Mean square."""

    higher_is_better: ClassVar[bool] = False

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return (output - target).square().mean((1, 2, 3))


class Directionless(nn.Module):
    """Does not say which way is better."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return (output - target).square().mean((1, 2, 3))


class Contrary(Squares):
    """Says the wrong way."""

    higher_is_better: ClassVar[bool] = True


class Averaged(Squares):
    """Gives one figure a batch."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return super().forward(output, target).mean()


class Mixed(Squares):
    """Lets one image's figure depend on another."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return super().forward(output, target).mean().expand(len(output))


class Perfectionist(Squares):
    """Is not a number for equal images."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        error = super().forward(output, target)
        return error * error / error


def test_sound_metric_passes() -> None:
    check_metric(Squares)


@pytest.mark.parametrize(
    ("cls", "reason"),
    [
        (Directionless, "higher_is_better is None."),
        (Contrary, "but higher_is_better is True."),
        (Averaged, "the figures is of shape (), not (2,)."),
        (Mixed, "in a batch."),
        (Perfectionist, "the figure of equal images is not a number."),
    ],
)
def test_bug_of_a_metric_is_named(cls: Any, reason: str) -> None:
    with pytest.raises(AssertionError) as error:
        check_metric(cls)
    assert reason in str(error.value)
