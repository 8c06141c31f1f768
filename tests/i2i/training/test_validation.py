"""What is measured of which fields, and what is shown, with items and recipes as small as they can be."""

import math
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from toy_recipes import BothWays, Classes, Linear, Noisy, Toys

import i2i
from i2i import images
from i2i.choices import Component
from i2i.contracts import Ids, Recipe
from i2i.data.items import Items
from i2i.data.jitter import Jitter
from i2i.errors import DataError
from i2i.evaluation.measuring import Measure
from i2i.fields import Field, Fields
from i2i.kinds import COMPONENTS
from i2i.pairs import Pixels
from i2i.plugins import installed
from i2i.training.validation import Validator
from i2i.translation.predictor import Predictor

SIZE = (8, 12)
PAIR = {"source": Field(channels=3), "target": Field(channels=3)}
UNPAIRED = {name: field.model_copy(update={"group": name}) for name, field in PAIR.items()}
LABELS = {
    "source": Field(channels=3),
    "target": Field(channels=3, kind="ids", void=255),
    "instances": Field(channels=0, kind="ids", dtype="uint16"),
    "code": Field(channels=3, kind="vector", dtype="float32"),
}


class Given:
    """Items in memory."""

    def __init__(self, fields: Mapping[str, Field], count: int = 3) -> None:
        self.fields, self.names = fields, [f"item {index}" for index in range(count)]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int, /) -> dict[str, Pixels]:
        rng = np.random.default_rng(index)
        return {name: drawn(field, rng) for name, field in self.fields.items()}


def drawn(field: Field, rng: np.random.Generator) -> Pixels:
    match field.kind:
        case "image":
            return rng.integers(0, 256, (*SIZE, field.channels), np.uint8)
        case "ids":
            return rng.integers(0, field.channels or 9, (*SIZE, 1)).astype(field.dtype)
        case "vector":
            return rng.normal(size=field.channels).astype(np.float32)


class Differs(nn.Module):
    """The part of pixels whose class is another one; those without a class do not count."""

    higher_is_better: ClassVar[bool] = False

    def forward(self, output: Ids, target: Ids) -> Tensor:
        known = target >= 0
        return ((output != target) & known).flatten(1).sum(1) / known.flatten(1).sum(1)


class MeanColour:
    """Distance of the mean of all that was made from the mean of what is real."""

    higher_is_better: ClassVar[bool] = False
    pairs: ClassVar[bool] = False

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        return torch.stack([output.flatten(1).mean(1), target.flatten(1).mean(1)], 1)

    def aggregate(self, seen: Tensor) -> float:
        output, target = seen.mean(0)
        return float((output - target).abs())


class Agreement:
    """Which part of a class is found, from how often each class was taken for which."""

    higher_is_better: ClassVar[bool] = True
    pairs: ClassVar[bool] = True

    def __call__(self, output: Ids, target: Ids) -> Tensor:
        known = target >= 0
        hits = [((output == c) & (target == c)).flatten(1).sum(1) for c in range(3)]
        wanted = [((target == c) & known).flatten(1).sum(1) for c in range(3)]
        return torch.stack([torch.stack(hits, 1), torch.stack(wanted, 1)], 1)

    def aggregate(self, seen: Tensor) -> dict[str, float]:
        hits, wanted = seen.sum(0).double()
        return {"all": float(hits.sum() / wanted.sum()), "class": float((hits / wanted).mean())}


class Beside:
    """What a metric is given by the names of its parameters: the part of pixels of class 0 that are bright."""

    higher_is_better: ClassVar[bool] = True

    def __call__(self, output: Tensor, *, instances: Ids) -> Tensor:
        first = instances == 0
        return ((output.mean(1) > 0) & first).flatten(1).sum(1) / first.flatten(1).sum(1)


class Metrics:
    """The plugin that brings them."""

    @i2i.hookimpl
    def i2i_metrics(self) -> dict[str, type]:
        return {"agreement": Agreement, "beside": Beside, "differs": Differs, "mean-colour": MeanColour}


@pytest.fixture(autouse=True)
def plugins() -> Iterator[None]:
    brought = {"toys": Toys(), "own-metrics": Metrics()}
    for name, plugin in brought.items():
        installed(COMPONENTS).register(plugin, name)
    yield
    for plugin in brought.values():
        installed(COMPONENTS).manager.unregister(plugin)


def validator(fields: Mapping[str, Field], *metrics: str) -> Validator:
    items = Items(Given(fields), fields, Jitter(SIZE, None, mirror=False), seed=0)
    return Validator(
        items,
        held_out=True,
        measures={name: Measure(Component(name=name)) for name in metrics},
        seed=0,
        device=torch.device("cpu"),
    )


def predictors(recipe: type[Recipe], fields: Mapping[str, Field], **parts: Any) -> list[Predictor]:
    data = Fields(fields, SIZE)
    return [Predictor(recipe, to, parts, data, mode="deterministic") for to in recipe.translators]


def both_ways(fields: Mapping[str, Field]) -> list[Predictor]:
    torch.manual_seed(0)
    return predictors(BothWays, fields, generator=Linear(3, 3), generator_back=Linear(3, 3))


def unmeasured(metric: str, made: Predictor) -> str:
    return Measure(Component(name=metric)).unmeasured(made.to, made.fields, aligned=made.is_aligned)


def classes() -> list[Predictor]:
    torch.manual_seed(0)
    return predictors(Classes, LABELS, generator=Linear(3, 3, bounded=False))


def test_figures_of_pairs_are_means_over_the_items_of_what_each_translator_makes() -> None:
    there, back = both_ways(PAIR)
    measured = validator(PAIR, "l1", "psnr").measure([there, back], 3)
    assert list(measured) == ["l1", "psnr", "source/l1", "source/psnr"]
    l1 = {"l1": list[float](), "source/l1": list[float]()}
    for item in (Given(PAIR)[index] for index in range(3)):
        batch = {name: torch.from_numpy(values).movedim(-1, 0)[None] / 127.5 - 1 for name, values in item.items()}
        l1["l1"].append(float((there(batch) - batch["target"]).abs().mean()))
        l1["source/l1"].append(float((back(batch) - batch["source"]).abs().mean()))
    for name, values in l1.items():
        assert measured[name] == pytest.approx(np.mean(values), rel=1e-5)


@pytest.mark.parametrize("mode", ["paper", "deterministic", "running"])
def test_items_that_are_run_together_have_the_figures_that_they_have_alone(
    monkeypatch: pytest.MonkeyPatch, mode: Any
) -> None:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Conv2d(4, 3, 1), nn.Tanh()]
    parts = {"generator": nn.Sequential(*layers), "generator_back": Linear(3, 3)}
    data = Fields(PAIR, SIZE)
    both = [Predictor(BothWays, to, parts, data, mode=mode) for to in BothWays.translators]
    alone = validator(PAIR, "l1", "psnr").measure(both, 3)
    monkeypatch.setattr(Validator, "_together", 2)
    for each in both:
        each._looks_around = False  # as on a GPU
    assert [len(batch["source"]) for batch in validator(PAIR)._batches(3, 2)] == [2, 1]
    assert validator(PAIR, "l1", "psnr").measure(both, 3) == pytest.approx(alone, rel=1e-5)
    assert not any(each._alone for each in both)


def test_numbers_that_are_not_finite_are_refused_at_the_end_of_a_validation() -> None:
    broken = predictors(BothWays, PAIR, generator=Linear(3, 3), generator_back=Linear(3, 3))
    with torch.no_grad():
        next(iter(broken[1].networks[0].parameters())).fill_(float("nan"))
    with pytest.raises(DataError, match="not finite"):
        validator(PAIR, "l1").measure(broken, 3)


def test_pairs_are_not_compared_where_fields_are_independent_and_sets_are() -> None:
    measured = validator(UNPAIRED, "l1", "mean-colour").measure(both_ways(UNPAIRED), 3)
    assert list(measured) == ["mean-colour", "source/mean-colour"]
    made = both_ways(UNPAIRED)[0]
    batches = [
        {name: torch.from_numpy(v).movedim(-1, 0)[None] / 127.5 - 1 for name, v in Given(UNPAIRED)[index].items()}
        for index in range(3)
    ]
    output, target = torch.cat([made(b) for b in batches]).mean(), torch.cat([b["target"] for b in batches]).mean()
    assert measured["mean-colour"] == pytest.approx(float((output - target).abs()), rel=1e-4)


def test_a_metric_may_have_several_figures_of_a_set() -> None:
    measuring, (made,) = validator(LABELS, "agreement"), classes()
    hits, wanted = torch.zeros(3), torch.zeros(3)
    for index in range(3):
        item = {name: values[None] for name, values in measuring.items.test(index).items()}
        output = made(item)
        for c in range(3):
            hits[c] += ((output == c) & (item["target"] == c)).sum()
            wanted[c] += (item["target"] == c).sum()
    measured = measuring.measure([made], 3)
    assert measured["agreement/all"] == pytest.approx(float(hits.sum() / wanted.sum()))
    assert measured["agreement/class"] == pytest.approx(float((hits / wanted).mean()))


def test_a_metric_is_given_the_fields_that_it_names() -> None:
    pictures = {**PAIR, "instances": Field(channels=3, kind="ids")}
    made = predictors(BothWays, pictures, generator=Linear(3, 3), generator_back=Linear(3, 3))[0]
    measuring = validator(pictures, "beside")
    figures = []
    for index in range(3):
        item = {name: values[None] for name, values in measuring.items.test(index).items()}
        bright = made(item).mean(1) > 0
        figures.append(float(bright[item["instances"] == 0].double().mean()))
    assert measuring.measure([made], 3)["beside"] == pytest.approx(np.mean(figures))
    said = unmeasured("beside", both_ways(PAIR)[0])
    assert said == "'beside' needs a field 'instances' of ids, and the data has source, target"


def test_metrics_of_pixels_are_left_out_for_classes_and_those_of_ids_for_images() -> None:
    assert list(validator(LABELS, "l1", "mean-colour", "differs").measure(classes(), 3)) == ["differs"]
    assert list(validator(PAIR, "l1", "differs").measure(both_ways(PAIR)[:1], 3)) == ["l1"]


def test_class_ids_are_compared_without_pixels_of_no_class() -> None:
    (made,) = classes()
    measuring = validator(LABELS, "differs")
    figures = []
    for index in range(3):
        item = measuring.items.test(index)
        output = made({name: values[None] for name, values in item.items()})
        figures.append(float((output[0] != item["target"]).double().mean()))
    assert measuring.measure([made], 3)["differs"] == pytest.approx(np.mean(figures))


def test_why_a_metric_is_left_out_is_said_in_words() -> None:
    said = unmeasured("l1", both_ways(UNPAIRED)[0])
    assert said == "these images are no pairs, so 'l1' cannot be measured"
    said = unmeasured("l1", classes()[0])
    assert said == "'l1' measures image, and target is ids"
    said = unmeasured("differs", both_ways(PAIR)[0])
    assert said == "'differs' measures ids, and target is image"


def test_samples_show_what_is_taken_made_and_true() -> None:
    there = both_ways(PAIR)[:1]
    rows = validator(PAIR, "l1").rows(there, 3)
    assert list(rows[0]) == ["source", "output", "target"]
    for number, row in enumerate(rows):
        item, (source, output, target) = Given(PAIR)[number], row.values()
        np.testing.assert_array_equal(source, item["source"])
        np.testing.assert_array_equal(target, item["target"])
        batch = {"source": torch.from_numpy(item["source"]).movedim(-1, 0)[None] / 127.5 - 1}
        expected = (there[0](batch)[0].movedim(0, -1).numpy() + 1) * 127.5
        assert np.abs(output - expected).max() <= 0.51


def test_what_another_noise_changes_is_told_of_recipes_that_take_noise() -> None:
    gray = Linear(3, 3)
    torch.nn.init.zeros_(gray.mix.weight)
    for factor in (0.0, 0.01):
        noisy = predictors(Noisy, PAIR, generator=gray, ramp=SimpleNamespace(factor=factor))
        # two draws of N(0, 1) differ by 2 / sqrt(pi) on average; noise is added once
        expected = pytest.approx(factor * 2 / math.sqrt(math.pi), rel=0.1)
        assert validator(PAIR).reactions(noisy) == {"target": expected}
    assert validator(PAIR).reactions(both_ways(PAIR)) == {}


def test_samples_show_both_directions_and_nothing_true_where_fields_are_independent() -> None:
    row = validator(UNPAIRED, "l1").rows(both_ways(UNPAIRED), 2)[0]
    assert list(row) == ["source", "as target", "target", "as source"]
    np.testing.assert_array_equal(row["source"], Given(UNPAIRED)[0]["source"])
    np.testing.assert_array_equal(row["target"], Given(UNPAIRED)[0]["target"])


def test_samples_show_class_ids_in_colours_and_no_vectors() -> None:
    (row,) = validator(LABELS, "differs").rows(classes(), 1)
    assert list(row) == ["source", "instances", "output", "target"]
    item, (source, instances, output, target) = Given(LABELS)[0], row.values()
    np.testing.assert_array_equal(source, item["source"])
    np.testing.assert_array_equal(instances, images.class_colours(item["instances"]))
    np.testing.assert_array_equal(target, images.class_colours(item["target"]))
    assert {tuple(pixel) for pixel in output.reshape(-1, 3).tolist()} <= {(0, 0, 0), (128, 0, 0), (0, 128, 0)}
