from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from i2i.contracts import Batch, Recipe, Update
from i2i.errors import UsageError
from i2i.training.updates import Updater

BATCH = Batch(torch.rand(2, 1, 4, 4), torch.rand(2, 1, 4, 4))


class TwoNetworks(Recipe):
    """A recipe whose order of updates a test gives."""

    defaults: ClassVar[dict[str, str]] = {}

    def __init__(self, order: Any) -> None:
        super().__init__()
        self.generator = nn.Conv2d(1, 1, 1)
        self.discriminator = nn.Conv2d(1, 1, 1)
        self.order = order

    @classmethod
    def wiring(cls, source: int, target: int, options: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
        return {}

    def step(self, batch: Batch) -> Iterator[Update]:
        yield from self.order(self, batch)


def judged(recipe: Any, image: Tensor) -> Tensor:
    logits: Tensor = recipe.discriminator(image).square().mean()
    return logits


def test_each_update_changes_its_own_network_alone() -> None:
    def order(recipe: Any, batch: Batch) -> Iterator[Update]:
        before = {name: p.clone() for name, p in recipe.named_parameters()}
        fake = recipe.generator(batch.source)
        yield Update("discriminator", {"a": judged(recipe, fake), "b": judged(recipe, batch.target)})
        changed = {name for name, p in recipe.named_parameters() if not torch.equal(p, before[name])}
        assert changed == {"discriminator.weight", "discriminator.bias"}
        yield Update("generator", {"gan": judged(recipe, recipe.generator(batch.source))})

    recipe = TwoNetworks(order)
    losses = Updater(recipe, lr=0.1, betas=(0.5, 0.9)).step(BATCH)
    assert list(losses) == ["discriminator/a", "discriminator/b", "generator/gan"]
    assert not any(loss.requires_grad for loss in losses.values())


def test_a_loss_computed_before_another_update_is_refused_rather_than_wrong() -> None:
    def order(recipe: Any, batch: Batch) -> Iterator[Update]:
        stale = judged(recipe, recipe.generator(batch.source))
        yield Update("discriminator", {"gan": judged(recipe, batch.target)})
        yield Update("generator", {"gan": stale})

    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        Updater(TwoNetworks(order), lr=0.1, betas=(0.5, 0.9)).step(BATCH)


@pytest.mark.parametrize(
    ("update", "complaint"),
    [
        (Update("critic", {"x": torch.zeros(())}), "'critic', but its networks are generator, discriminator"),
        (Update("generator", {}), "'generator' without losses"),
    ],
)
def test_an_update_that_cannot_be_is_named(update: Update, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        Updater(TwoNetworks(lambda *_: iter([update])), lr=0.1, betas=(0.5, 0.9)).step(BATCH)
