"""A batch that is computed in portions makes the same step as one that is computed at once."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from every_recipe import ADAM, CASES, Unchanging, built, items, portion, weights
from torch import Tensor

from i2i.contracts import Image, Update
from i2i.errors import ContractError
from i2i.plugins import catalogue
from i2i.training.portions import divided
from i2i.training.updates import Applied, Updater


def test_every_recipe_is_among_the_cases() -> None:
    assert {case.recipe for case in CASES.values()} == set(catalogue("recipe"))


def trained(name: str, counts: list[int], size: int) -> tuple[dict[str, Tensor], list[Applied]]:
    """Weights after steps of so many items, computed in portions of a size, and what the steps said."""
    recipe, fields = built(CASES[name])
    updater, data, said = Updater(recipe, ADAM), items(fields, 5), []
    for step, count in enumerate(counts):
        batch = {field: values[:count] for field, values in data.items()}
        with Unchanging():
            said.append(
                updater.step_in(
                    [portion(recipe, fields, part, share, step) for part, share in divided(batch, size, count)]
                )
            )
    return weights(updater), said


@pytest.mark.parametrize("name", CASES)
def test_portions_make_the_step_of_the_whole_batch(name: str) -> None:
    # 5 items are 2 + 2 + 1: an uneven batch; and the second step has batches of one portion in both
    (whole, said), (parts, again) = (trained(name, [5, 2, 4], size) for size in (5, 2))
    before = dict(built(CASES[name])[0].named_parameters())
    for key, expected in whole.items():
        torch.testing.assert_close(parts[key], expected, rtol=0, atol=1e-9, msg=key)
        assert not torch.equal(expected, before[key]) or expected.ndim == 1, f"{key} was never trained"
    for one, other in zip(said, again, strict=True):
        assert list(one.losses) == list(other.losses)
        for loss, value in one.losses.items():
            torch.testing.assert_close(other.losses[loss], value, rtol=1e-9, atol=0)


@pytest.mark.parametrize(
    ("count", "size", "expected"), [(4, 4, [4]), (3, 4, [3]), (4, 2, [2, 2]), (5, 2, [2, 2, 1]), (7, 5, [4, 3])]
)
def test_portions_are_as_few_as_they_can_be_and_their_shares_add_up(count: int, size: int, expected: list[int]) -> None:
    batch = {"source": torch.arange(count), "target": torch.arange(count) * 2}
    found = list(divided(batch, size, count))
    assert [len(part["source"]) for part, _ in found] == expected
    assert [share for _, share in found] == pytest.approx([each / count for each in expected])
    for name, values in batch.items():
        assert torch.equal(torch.cat([part[name] for part, _ in found]), values)


def test_updates_that_differ_between_portions_are_refused() -> None:
    recipe, fields = built(CASES["regression of images"])
    updater: Any = Updater(recipe, ADAM)

    def step(source: Image, target: Image) -> Iterator[Update]:
        for _ in range(len(source)):
            yield Update("generator", {"pixel": recipe.generator(source).mean()})  # type: ignore[operator]

    updater.recipe.step = step
    with pytest.raises(ContractError, match="other updates for one portion"):
        updater.step_in([portion(recipe, fields, part, share, 0) for part, share in divided(items(fields, 3), 2, 3)])
