"""Recipes are put together from names and options, and what does not fit is refused."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

import pytest
import torch
from pydantic import Field
from torch import nn

from i2i.assembly import (
    Selection,
    candidates,
    check_first,
    complete_selection,
    compose,
    part_kinds,
    providers,
    select,
    serves,
)
from i2i.contracts import AdversarialLoss, Batch, Generator, Loss, Recipe, Update
from i2i.errors import ContractError, UnknownNameError, UsageError
from i2i.plugins import catalogue


class Translate(Recipe):
    """A generator and a loss; the loss is left out at weight 0.

    Args:
        weight: Of the loss.
    """

    defaults: ClassVar[Mapping[str, str]] = {"loss": "l1", "generator": "unet"}  # in another order than the parameters

    def __init__(self, generator: Generator, loss: Loss | None, *, weight: Annotated[float, Field(ge=0)] = 1) -> None:
        super().__init__()
        self.generator, self.loss, self.weight = generator, loss, weight

    @classmethod
    def wiring(cls, source: int, target: int, options: Mapping[str, Any]) -> Mapping[str, tuple[int, ...]]:
        generator = {"generator": (source, target)}
        return {**generator, "loss": ()} if options["weight"] else generator

    def step(self, batch: Batch) -> Iterator[Update]:
        yield Update("generator", {})


def choose(options: Mapping[str, Any] = {}, **parts: Mapping[str, Any]) -> Selection:
    return complete_selection(Translate, "translate", options, parts)


SMALL = {"depth": 1, "base_channels": 1}


def test_selection_is_complete() -> None:
    chosen = choose(generator={"depth": 3})
    assert chosen.recipe.model_dump() == {"name": "translate", "weight": 1.0}
    assert chosen.parts["loss"].model_dump() == {"name": "l1"}
    unet = chosen.parts["generator"].options
    assert unet["depth"] == 3
    assert unet["base_channels"] == 64


def test_selection_survives_json() -> None:
    chosen = select("pix2pix", {"gan_weight": 0.5}, {"generator": {"name": "encoder-decoder", "depth": 2}})
    assert Selection.model_validate_json(chosen.model_dump_json()) == chosen


def test_selecting_a_selection_again_changes_nothing() -> None:
    chosen = select("pix2pix", {}, {"discriminator": {"layers": 1}})
    again = select("pix2pix", chosen.recipe.options, {part: c.model_dump() for part, c in chosen.parts.items()})
    assert again == chosen


def test_parts_arrive_where_they_belong_with_channels_and_options() -> None:
    recipe: Any = compose(Translate, choose(generator=SMALL), 2, 5)
    assert recipe.generator.size_multiple == 2
    assert recipe.generator.down[0][0].in_channels == 2
    assert recipe.generator.up[0][1].out_channels == 5
    assert type(recipe.loss) is catalogue("loss")["l1"].cls


def test_part_that_the_options_do_not_need_is_none() -> None:
    chosen = choose({"weight": 0}, generator=SMALL)
    assert chosen.parts.keys() == {"generator"}
    assert compose(Translate, chosen, 1, 1).loss is None


@pytest.mark.parametrize(
    ("options", "parts", "answer"),
    [
        ({}, {"generater": {}}, "no part 'generater'. Did you mean 'generator'? Parts: generator, loss."),
        ({}, {"generator": {"depht": 3}}, "generator 'unet': no option 'depht'. Did you mean 'depth'?"),
        ({}, {"generator": {"depth": 0}}, "generator 'unet': option 'depth': input should be greater"),
        ({"weigth": 1}, {}, "recipe 'translate': no option 'weigth'. Did you mean 'weight'?"),
    ],
)
def test_wrong_choice_is_refused(options: Mapping[str, Any], parts: Mapping[str, Any], answer: str) -> None:
    with pytest.raises(UsageError) as error:
        choose(options, **parts)
    assert answer in str(error.value)


def test_unknown_component_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"No generator named 'unett'\. Did you mean 'unet'\?"):
        choose(generator={"name": "unett"})


@pytest.mark.parametrize(
    ("part", "name", "answer"),
    [
        ("gan_loss", "l1", "gan_loss 'l1': L1 does not serve as AdversarialLoss. Such do: "),
        ("pixel_loss", "least-squares", "pixel_loss 'least-squares': LeastSquares does not serve as Loss."),
    ],
)
def test_loss_of_the_wrong_sort_is_refused(part: str, name: str, answer: str) -> None:
    with pytest.raises(UsageError) as error:
        select("pix2pix", {}, {part: {"name": name}})
    assert answer in str(error.value)


def test_candidates_can_serve() -> None:
    found = candidates(Translate)
    assert {"unet", "encoder-decoder"} <= set(found["generator"])
    assert {"l1", "l2"} <= set(found["loss"])
    assert "non-saturating" not in found["loss"]


def test_plain_classes_serve_by_their_methods() -> None:
    class Judge:
        def discriminator_loss(self, real_logits: object, fake_logits: object) -> None: ...
        def generator_loss(self, fake_logits: object) -> None: ...

    class Called:
        def __call__(self, output: object, target: object) -> None: ...

    assert serves(Judge, AdversarialLoss)
    assert not serves(Judge, Loss)
    assert serves(Called, Loss)
    assert not serves(Called, AdversarialLoss)
    assert not serves(nn.Module, Loss)


def test_part_kinds_follow_the_parameters() -> None:
    assert list(part_kinds(Translate).items()) == [("generator", "generator"), ("loss", "loss")]


def test_recipe_whose_defaults_name_other_parts_is_refused() -> None:
    class Forgets(Translate):
        defaults: ClassVar[Mapping[str, str]] = {"generator": "unet"}

    with pytest.raises(UsageError, match=r"Forgets takes the parts \['generator', 'loss'\], but its defaults name"):
        part_kinds(Forgets)


def test_part_without_a_contract_is_refused() -> None:
    class Vague(Translate):
        def __init__(self, generator: nn.Module, loss: Loss) -> None: ...

    with pytest.raises(UsageError, match="Vague: annotate the part 'generator' with its contract, one of Generator,"):
        part_kinds(Vague)


def test_providers_name_plugin_and_distribution_of_every_part() -> None:
    found = providers(select("pix2pix", {"gan_weight": 0}, {}))
    assert found.keys() == {"recipe", "generator", "pixel_loss"}
    assert {(p.plugin, p.distribution) for p in found.values()} == {("pix2pix", "i2i-toolkit")}


@pytest.mark.parametrize(
    ("fake", "complaint"),
    [
        (torch.zeros(2, 3, 7, 8), r"returns \(2, 3, 7, 8\) for \(2, 1, 8, 8\), expected was \(2, 3, 8, 8\)"),
        ((torch.zeros(2, 3, 8, 8),), "returns a tuple"),
        (torch.full((2, 3, 8, 8), -1.5), r"returns values up to 1.5, which is outside \[-1, 1\]. End it with tanh"),
    ],
)
def test_what_a_generator_gives_first_is_checked_and_then_no_more(fake: Any, complaint: str) -> None:
    class Gives(nn.Module):
        def forward(self, source: torch.Tensor) -> Any:
            return fake

    generator = Gives()
    check_first(generator, channels=3)
    with pytest.raises(ContractError, match=f"^Gives {complaint}"):
        generator(torch.zeros(2, 1, 8, 8))
    assert generator(torch.zeros(2, 1, 8, 8)) is fake
