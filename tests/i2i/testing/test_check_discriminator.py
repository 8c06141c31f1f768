"""What `check_discriminator` passes and what it names: one planted bug a case."""

from typing import Any

import pytest
from torch import Tensor, nn

from i2i.testing import check_discriminator


class Judge(nn.Module):
    """One convolution to logits."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, 1, 4, 2)

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.conv(image)
        return logits


class Probabilities(Judge):
    """Takes the sigmoid."""

    def forward(self, image: Tensor) -> Tensor:
        return super().forward(image).sigmoid()


class OneFigure(Judge):
    """Judges the whole batch at once."""

    def forward(self, image: Tensor) -> Tensor:
        return super().forward(image).mean()


class Blind(Judge):
    """Does not let the gradient through."""

    def forward(self, image: Tensor) -> Tensor:
        return super().forward(image.detach())


class TwoChannels(Judge):
    """Gives two logits a patch."""

    def forward(self, image: Tensor) -> Tensor:
        return super().forward(image).repeat(1, 2, 1, 1)


def test_sound_discriminator_passes() -> None:
    check_discriminator(Judge, size=32)


@pytest.mark.parametrize(
    ("cls", "reason"),
    [
        (Probabilities, "it returns probabilities. Return logits"),
        (OneFigure, "the output is of shape (), not (2, 1, 1, 1)."),
        (Blind, "the gradient does not reach the image"),
        (TwoChannels, "the output is of shape (2, 2, 15, 15), not (2, 1, 15, 15)."),
    ],
)
def test_bug_of_a_discriminator_is_named(cls: Any, reason: str) -> None:
    with pytest.raises(AssertionError) as error:
        check_discriminator(cls, size=32)
    assert reason in str(error.value)
