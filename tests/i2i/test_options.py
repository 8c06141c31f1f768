"""Options are the keyword-only parameters: validated, described, and the same after JSON."""

import json
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from i2i.errors import UsageError
from i2i.options import build, complete, options_of

if TYPE_CHECKING:
    from decimal import Decimal


class Colour(Enum):
    RED = "red"


class Resizer:
    """Changes sizes.

    Args:
        wired: Not an option.
        size: Height and width,
            in pixels.
        mode: How values between pixels are found: by whom.

            A second paragraph that belongs to nobody.
        weights: One per channel.

    Raises:
        ValueError: This is no option either.
    """

    def __init__(
        self,
        wired: int,
        *,
        size: Annotated[int, Field(ge=1, le=4096)],
        mode: Literal["nearest", "linear"] = "linear",
        weights: tuple[float, ...] = (1.0, 0.5),
        colour: Colour = Colour.RED,
        border: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto",
    ) -> None:
        if mode == "nearest" and size == 13:
            raise ValueError("13 has no nearest")
        self.wired, self.size, self.mode, self.weights, self.colour = wired, size, mode, weights, colour


class Inherits(Resizer):
    """Changes sizes too."""


class Plain:
    """Has no options."""


OWNER = "generator 'resizer'"


def test_only_keyword_only_parameters_are_options() -> None:
    assert list(options_of(Resizer).model_fields) == ["size", "mode", "weights", "colour", "border"]
    assert list(options_of(Inherits).model_fields) == ["size", "mode", "weights", "colour", "border"]
    assert list(options_of(Plain).model_fields) == []


@pytest.mark.parametrize("cls", [Resizer, Inherits])
def test_options_are_described_by_the_args_section_of_who_declares_them(cls: type[Any]) -> None:
    described = {name: field.description for name, field in options_of(cls).model_fields.items()}
    assert described == {
        "size": "Height and width, in pixels.",
        "mode": "How values between pixels are found: by whom.",
        "weights": "One per channel.",
        "colour": None,
        "border": None,
    }


def test_complete_adds_defaults_as_json_data() -> None:
    full = complete(Resizer, {"size": 8}, OWNER)
    assert full == {"size": 8, "mode": "linear", "weights": [1.0, 0.5], "colour": "red", "border": "auto"}


@given(
    size=st.integers(1, 4096),
    mode=st.sampled_from(["nearest", "linear"]),
    weights=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=4),
)
def test_options_survive_json(size: int, mode: str, weights: list[float]) -> None:
    full = complete(Resizer, {"size": size, "mode": mode, "weights": weights}, OWNER)
    assert complete(Resizer, json.loads(json.dumps(full)), OWNER) == full


def test_component_is_built_with_python_values() -> None:
    made = build(Resizer, 5, options={"size": 8, "weights": [2]}, owner=OWNER)
    assert (made.wired, made.size, made.weights, made.colour) == (5, 8, (2.0,), Colour.RED)


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        (
            {"sise": 3, "size": 8},
            "no option 'sise'. Did you mean 'size'? Options: size, mode, weights, colour, border.",
        ),
        ({}, "option 'size' is required."),
        ({"size": 0}, "option 'size': input should be greater than or equal to 1 (got 0)."),
        ({"size": "big"}, "option 'size': input should be a whole number (got 'big')."),
        ({"size": 8.5}, "option 'size': input should be a whole number (got 8.5)."),
        ({"size": 8, "mode": "cubic"}, "option 'mode': input should be 'nearest' or 'linear' (got 'cubic')."),
        (
            {"size": 8, "mode": "liner"},
            "option 'mode': input should be 'nearest' or 'linear' (got 'liner'). Did you mean 'linear'?",
        ),
        ({"size": 8, "weights": [1, "x"]}, "option 'weights.1': input should be a number (got 'x')."),
        (
            {"size": 8, "border": "atuo"},
            "option 'border': input should be a whole number or 'auto' (got 'atuo'). Did you mean 'auto'?",
        ),
        (
            {"size": 8, "border": 0},
            "option 'border': input should be greater than or equal to 1 or 'auto' (got 0).",
        ),
        ({"size": 8, "weights": "a"}, "option 'weights': input should be a list (got 'a'). Did you mean [a]?"),
        ({"size": 8, "weights": 3}, "option 'weights': input should be a list (got 3)."),
        ({"size": 8, "weights": [float("nan")]}, "option 'weights.0': input should be a finite number"),
        ({"size": 8, "weights": [float("inf")]}, "option 'weights.0': input should be a finite number"),
    ],
)
def test_wrong_options_are_refused_in_one_line(options: dict[str, Any], answer: str) -> None:
    with pytest.raises(UsageError) as error:
        complete(Resizer, options, OWNER)
    assert str(error.value).startswith(f"{OWNER}: {answer}")
    assert "\n" not in str(error.value)


def test_component_without_options_says_so() -> None:
    with pytest.raises(UsageError, match=r"no option 'size'\. Options: none\."):
        complete(Plain, {"size": 1}, OWNER)


def test_component_that_refuses_a_combination_is_named() -> None:
    with pytest.raises(UsageError, match=f"{OWNER}: 13 has no nearest"):
        build(Resizer, 1, options={"size": 13, "mode": "nearest"}, owner=OWNER)


def test_component_that_takes_other_wiring_is_named() -> None:
    with pytest.raises(UsageError, match=f"{OWNER}: .*positional argument"):
        build(Resizer, 1, 2, 3, options={"size": 13}, owner=OWNER)


class Named:
    def __init__(self, *, name: str = "x") -> None: ...


class Unknown:
    def __init__(self, *, price: "Decimal | None" = None) -> None: ...


class Live:
    def __init__(self, *, layer: Plain | None = None) -> None: ...


@pytest.mark.parametrize(
    ("cls", "answer"),
    [
        (Named, "Named has an option 'name', which is the component's own"),
        (Unknown, "Unknown has options of a type that cannot be saved as data: name 'Decimal' is not defined"),
        (Live, "Live has options of a type that cannot be saved as data: "),
    ],
)
def test_what_cannot_be_an_option_is_refused(cls: type[Any], answer: str) -> None:
    with pytest.raises(UsageError) as error:
        options_of(cls)
    assert str(error.value).startswith(answer)
    assert "\n" not in str(error.value)
