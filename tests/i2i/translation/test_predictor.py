"""One translator with its parts: what it is given, what it must give back, and that nothing else decides about it."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar

import numpy as np
import pytest
import torch
from pydantic import Field as Option
from torch import Tensor, nn

from i2i.contracts import Generator, Ids, Image, Noise, Recipe, Vector
from i2i.errors import ContractError, DataError, UsageError
from i2i.fields import Field, Fields
from i2i.translation.padding import Margins
from i2i.translation.predictor import Predictor

IMAGE = Field(channels=3)
FIELDS = Fields({"source": IMAGE, "target": IMAGE}, (16, 16))


def recipe(function: Callable[..., Tensor], to: str = "target") -> type[Recipe]:
    """A recipe that makes one field by a function."""

    class Method(Recipe):
        translators: ClassVar[Mapping[str, Callable[..., Tensor]]] = {to: function}

    return Method


def predictor(function: Callable[..., Tensor], fields: Fields = FIELDS, to: str = "target", **parts: Any) -> Predictor:
    return Predictor(recipe(function, to), to, parts, fields, mode="deterministic")


class Bends(nn.Module):
    """Gives its input back, bent in some way; remembers the size that it saw."""

    def __init__(self, bend: Callable[[Tensor], Any] = lambda x: x, multiple: int = 1) -> None:
        super().__init__()
        self.bend, self.size_multiple = bend, multiple
        self.seen: list[Tensor] = []

    def forward(self, source: Tensor) -> Any:
        self.seen.append(source)
        return self.bend(source)


def plain(generator: Generator, source: Image) -> Tensor:
    return generator(source)


def images(count: int, channels: int, height: int, width: int) -> Tensor:
    return torch.rand(count, channels, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize(("height", "width"), [(8, 16), (1, 1), (3, 5), (9, 7), (64, 33), (2, 100)])
def test_any_size_is_mirrored_to_what_the_network_takes_and_cut_back(height: int, width: int) -> None:
    made = predictor(plain, generator=Bends(multiple=8))
    image = images(1, 3, height, width)
    assert torch.equal(made({"source": image}), image)
    (seen,) = made.parts["generator"].seen
    assert all(
        side % 8 == 0 and side - 8 < given <= side for side, given in zip(seen.shape[-2:], (height, width), strict=True)
    )


def test_margins_are_reflections_as_numpy_makes_them() -> None:
    image = images(2, 3, 5, 3)
    padded = Margins.of(5, 3, 16).pad(image)
    around = ((0, 0), (0, 0), (5, 6), (6, 7))
    np.testing.assert_array_equal(padded.numpy(), np.pad(image.numpy(), around, mode="reflect"))


def test_a_size_fits_all_networks_and_all_fields_get_it() -> None:
    seen: dict[str, Tensor] = {}

    def translate(first: Generator, last: Generator, source: Image, instances: Ids, code: Vector) -> Tensor:
        seen.update(source=source, instances=instances, code=code)
        return last(first(source))

    fields = Fields(
        {**FIELDS, "instances": Field(channels=0, kind="ids"), "code": Field(channels=2, kind="vector")}, (8, 8)
    )
    made = predictor(translate, fields, first=Bends(multiple=4), last=Bends(multiple=6))
    ids = torch.arange(35).reshape(1, 5, 7)
    out = made({"source": images(1, 3, 5, 7), "instances": ids, "code": torch.ones(1, 2)})
    assert (out.shape, seen["source"].shape) == ((1, 3, 5, 7), (1, 3, 12, 12))
    assert seen["code"].tolist() == [[1, 1]]
    around = ((0, 0), (3, 4), (2, 3))
    np.testing.assert_array_equal(seen["instances"].numpy(), np.pad(ids.numpy(), around, mode="reflect"))


def test_fields_that_belong_together_have_one_size() -> None:
    def translate(generator: Generator, source: Image, instances: Ids) -> Tensor:
        return generator(source)

    made = predictor(
        translate, Fields({**FIELDS, "instances": Field(channels=0, kind="ids")}, (8, 8)), generator=Bends()
    )
    with pytest.raises(DataError, match=r"source is 7x5 and instances is 5x7\. They belong together"):
        made({"source": images(1, 3, 5, 7), "instances": torch.zeros(1, 7, 5, dtype=torch.long)})


def test_what_is_made_has_the_size_of_what_it_belongs_to() -> None:
    def translate(generator: Generator, style: Image, source: Image) -> Tensor:
        return generator(source) + style.mean()

    fields = Fields({"style": Field(channels=3, group="style"), **FIELDS}, (8, 8))
    made = predictor(translate, fields, generator=Bends(multiple=4))
    assert made({"style": images(1, 3, 9, 2), "source": images(1, 3, 5, 7)}).shape == (1, 3, 5, 7)
    assert not made.is_aligned


def test_class_ids_are_given_one_hot_where_an_image_is_asked_for_and_made_by_the_largest_logit() -> None:
    fields = Fields({name: Field(channels=4, kind="ids") for name in FIELDS}, (8, 8))
    made = predictor(plain, fields, generator=Bends(lambda x: x.roll(1, 1), multiple=4))
    ids = torch.tensor([[[0, 1, 2], [3, 3, 0]]])
    out = made({"source": ids})
    assert (out.dtype, out.tolist()) == (torch.int64, [[[1, 2, 3], [0, 0, 1]]])
    assert set(made.parts["generator"].seen[0].unique().tolist()) == {0, 1}


def test_the_id_of_no_class_is_never_made() -> None:
    fields = Fields({"source": Field(channels=3), "target": Field(channels=3, kind="ids", void=1)}, (8, 8))
    logits = torch.tensor([1.0, 9.0, 2.0]).reshape(1, 3, 1, 1).expand(2, 3, 4, 4)
    assert (predictor(plain, fields, generator=Bends(lambda x: x * 0 + logits))({"source": logits}) == 2).all()


def test_vectors_can_be_made() -> None:
    def translate(generator: Generator, source: Image) -> Tensor:
        return generator(source).mean((2, 3))

    made = predictor(
        translate, Fields({"source": IMAGE, "target": Field(channels=3, kind="vector")}, (8, 8)), generator=Bends()
    )
    assert made({"source": torch.ones(2, 3, 4, 4)}).tolist() == [[1, 1, 1]] * 2


def test_ids_that_are_no_classes_cannot_be_made() -> None:
    with pytest.raises(UsageError, match="ids that are no classes"):
        predictor(plain, Fields({**FIELDS, "target": Field(channels=0, kind="ids")}, (8, 8)), generator=Bends())


def test_a_field_that_is_missing_is_named() -> None:
    with pytest.raises(DataError, match=r"target is made of source\. Give source too"):
        predictor(plain, generator=Bends())({"target": images(1, 3, 8, 8)})


def noisy(generator: Generator, source: Image, noise: Noise, *, steps: Annotated[int, Option(ge=1)] = 2) -> Tensor:
    """Add noise.

    Args:
        steps: How often.
    """
    return generator(source) + steps * noise


def test_noise_is_that_of_the_seed_for_the_whole_image_and_mirrored_as_it_is() -> None:
    made = predictor(noisy, generator=Bends(multiple=8))
    zeros = torch.zeros(1, 3, 5, 7)
    expected = 2 * torch.randn(1, 3, 5, 7, generator=torch.Generator().manual_seed(3))
    assert torch.equal(made({"source": zeros}, seed=3), expected)
    assert not torch.equal(made({"source": zeros}, seed=4), expected)


def test_a_tile_with_its_part_of_the_noise_is_a_part_of_the_whole() -> None:
    made, image = predictor(noisy, generator=Bends()), images(1, 3, 8, 8)
    noise = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    tile = made({"source": image[..., 2:6, 4:], "noise": noise[..., 2:6, 4:]})
    assert torch.equal(tile, made({"source": image}, seed=1)[..., 2:6, 4:])


def test_noise_is_drawn_without_a_change_of_the_global_generator() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    predictor(noisy, generator=Bends())({"source": images(1, 3, 4, 4)})
    assert torch.equal(torch.get_rng_state(), before)


def test_options_of_the_translator_are_the_recipes_unless_told_otherwise() -> None:
    zeros = {"source": torch.zeros(1, 3, 4, 4)}
    method = recipe(noisy)
    own = Predictor(method, "target", {"generator": Bends()}, FIELDS, mode="paper")
    of_recipe = Predictor(
        method, "target", {"generator": Bends()}, FIELDS, mode="paper", options={"steps": 6, "other": 1}
    )
    assert torch.equal(of_recipe(zeros), 3 * own(zeros))
    assert torch.equal(of_recipe(zeros, steps=2), own(zeros))
    with pytest.raises(UsageError, match=r"to make 'target': no option 'step'\. Did you mean 'steps'\?"):
        own(zeros, step=3)
    with pytest.raises(UsageError, match="'steps': input should be greater than or equal to 1"):
        own(zeros, steps=0)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "nothing of its own": lambda: nn.Conv2d(3, 3, 3, padding=1),
    "dropout": lambda: nn.Sequential(nn.Conv2d(3, 3, 1), nn.Dropout(0.5)),
    "batch norm": lambda: nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)),
    "noise": lambda: Bends(lambda x: x + torch.randn_like(x)),
}


@pytest.mark.parametrize("on_gpu", [False, True])
@pytest.mark.parametrize("mode", ["paper", "deterministic", "running"])
@pytest.mark.parametrize("name", NETWORKS)
def test_an_item_is_made_as_if_it_were_alone(name: str, mode: Any, on_gpu: bool) -> None:
    torch.manual_seed(0)
    made = Predictor(recipe(noisy), "target", {"generator": NETWORKS[name]()}, FIELDS, mode=mode)
    made._looks_around &= not on_gpu  # which is given all of them at once
    batch = images(3, 3, 8, 8) * torch.tensor([1, 0.1, 3]).reshape(3, 1, 1, 1)
    together = made({"source": batch}, seed=7)
    alone = torch.cat([made({"source": each[None]}, seed=7) for each in batch])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-5)


def test_a_network_whose_result_depends_on_nothing_beside_it_is_called_once_for_a_batch() -> None:
    made = predictor(plain, generator=Bends())
    made({"source": images(3, 3, 8, 8)})
    assert [len(seen) for seen in made.parts["generator"].seen] == [3]


@pytest.mark.parametrize(
    ("bend", "complaint"),
    [
        (lambda x: x[..., 1:, 1:], r"returns \(1, 3, 64, 32\) for \(1, 3, 65, 33\), expected was \(1, 3, 65, 33\)"),
        (lambda x: x.repeat_interleave(2, -1), r"returns \(1, 3, 65, 66\)"),
        (lambda x: x[:, :1], r"returns \(1, 1, 65, 33\)"),
        (lambda x: x[0], r"returns \(3, 65, 33\)"),
        (lambda x: (x, x), "returns a tuple. Return the image alone"),
        (lambda x: x.to(torch.uint8), r"returns torch\.uint8\. Return floating point"),
        (lambda x: x @ x, r"fails on an image of 33x65: RuntimeError: "),
    ],
)
def test_what_breaks_the_contract_is_refused_by_name(bend: Callable[[Tensor], Any], complaint: str) -> None:
    made = predictor(plain, generator=Bends(bend))
    with pytest.raises(ContractError, match=f"^Bends {complaint}") as refused:
        made({"source": torch.zeros(1, 3, 65, 33)})
    assert "\n" not in str(refused.value)


def test_a_recipe_is_blamed_for_what_it_makes_of_several_networks() -> None:
    def translate(first: Generator, last: Generator, source: Image) -> Tensor:
        return torch.cat([first(source), last(source)])

    with pytest.raises(ContractError, match=r"^Method returns \(2, 3, 4, 4\)"):
        predictor(translate, first=Bends(), last=Bends())({"source": images(1, 3, 4, 4)})


def test_a_size_that_a_network_refuses_is_named() -> None:
    def refuse(_: Tensor) -> Tensor:
        raise ValueError("at least 8 pixels.")

    with pytest.raises(UsageError, match=r"^Bends refuses an image of 4x5: at least 8 pixels\."):
        predictor(plain, generator=Bends(refuse))({"source": images(1, 3, 5, 4)})


def test_numbers_that_are_not_finite_are_refused() -> None:
    with pytest.raises(DataError, match=r"^Bends makes numbers that are not finite"):
        predictor(plain, generator=Bends(lambda x: x / 0))({"source": images(1, 3, 5, 4)})


def test_a_part_that_is_no_network_is_given_as_it_is() -> None:
    def translate(generator: Generator, scale: Any, source: Image) -> Tensor:
        return generator(source) * (1 if scale is None else scale)

    image = images(1, 3, 4, 4)
    for scale in (None, 2.0):
        made = predictor(translate, generator=Bends(), scale=scale)
        assert torch.equal(made({"source": image}), image * (scale or 1))
