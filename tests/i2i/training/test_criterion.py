"""By which figure a run chooses its best model, and what it measures, where that is left to it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from toy_recipes import BothWays, Toys

import i2i
from i2i.config import RunConfig, resolve
from i2i.contracts import Discriminator, Generator, Ids, Image, Recipe, Update, Wire
from i2i.data.items import Items
from i2i.data.jitter import Jitter
from i2i.errors import UsageError
from i2i.fields import Field, Fields
from i2i.kinds import COMPONENTS
from i2i.pairs import Pixels
from i2i.parts import Adversarial
from i2i.plugins import installed
from i2i.training import criterion
from i2i.training.criterion import ENOUGH, Decided, decide

SIZE = (16, 16)
PAIR = {"source": Field(channels=3), "target": Field(channels=3)}
UNPAIRED = {name: field.model_copy(update={"group": name}) for name, field in PAIR.items()}
CLASSES = {"source": Field(channels=3), "target": Field(channels=3, kind="ids", void=255)}


class Given:
    """Images in memory."""

    def __init__(self, fields: Mapping[str, Field], count: int) -> None:
        self.fields, self.names = fields, [f"item {index}" for index in range(count)]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int, /) -> dict[str, Pixels]:
        rng = np.random.default_rng(index)
        ids = {name for name, field in self.fields.items() if field.kind == "ids"}
        drawn = {name: rng.integers(0, 256, (*SIZE, field.channels), np.uint8) for name, field in self.fields.items()}
        return {name: np.full((*SIZE, 1), 255, np.uint8) if name in ids else values for name, values in drawn.items()}


class Likeness(nn.Module):
    """A set beside a set, seen through a network; of RGB."""

    higher_is_better: ClassVar[bool] = False
    better: ClassVar[str] = "more alike"
    pairs: ClassVar[bool] = False

    def __init__(self, *, width: int = 2) -> None:
        super().__init__()
        self.network = nn.Conv2d(3, width, 1).requires_grad_(False)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        if output.shape[1] != 3:
            raise UsageError("likeness looks at RGB. Leave it out.")
        return torch.stack([self.network(image).mean((2, 3)) for image in (output, target)], 1)

    def aggregate(self, seen: Tensor) -> float:
        return float(seen.mean(0).diff(dim=0).abs().sum())


class Lacking:
    """A metric whose weights are not there."""

    higher_is_better: ClassVar[bool] = False

    def __init__(self) -> None:
        raise UsageError("it needs weights. Install them: pip install weights.")

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        raise NotImplementedError


class Found(nn.Module):
    """Which part of the pixels of a class is found; ids count from 0."""

    higher_is_better: ClassVar[bool] = True
    pairs: ClassVar[bool] = True

    def forward(self, output: Ids, target: Ids) -> Tensor:
        torch.bincount(output.flatten())
        return (output == target).flatten(1).double().mean(1)

    def aggregate(self, seen: Tensor) -> dict[str, float]:
        return {"part": float(seen.mean())}


def paint(painter: Generator, source: Image) -> Tensor:
    return painter(source)


class Strangers(Recipe):
    """An adversarial recipe that says nothing of metrics."""

    defaults: ClassVar[Mapping[str, Any]] = {
        "painter": {"name": "unet", "depth": 2, "base_channels": 2},
        "judge": {"name": "patchgan", "layers": 1, "base_channels": 2},
        "dispute": "least-squares",
    }
    translators: ClassVar[Mapping[str, Any]] = {"target": paint}

    def __init__(self, painter: Generator, judge: Discriminator, dispute: Adversarial) -> None:
        super().__init__()
        self.painter, self.judge, self.dispute = painter, judge, dispute

    @classmethod
    def wiring(cls, fields: Fields, options: Mapping[str, Any]) -> Mapping[str, Wire]:
        source, target = fields["source"].channels, fields["target"].channels
        return {"painter": Wire(source, target), "judge": Wire(target), "dispute": Wire()}

    def step(self, source: Image, target: Image) -> Iterator[Update]:
        raise NotImplementedError


class Brought:
    """The plugin that brings them."""

    @i2i.hookimpl
    def i2i_metrics(self) -> dict[str, type]:
        return {"likeness": Likeness, "lacking": Lacking, "found": Found}

    @i2i.hookimpl
    def i2i_recipes(self) -> dict[str, type[Recipe]]:
        return {"strangers": Strangers}


@pytest.fixture(autouse=True)
def plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(criterion, "ADVERSARIAL_CRITERION", "likeness")
    brought = {"toys": Toys(), "brought": Brought()}
    for name, plugin in brought.items():
        installed(COMPONENTS).register(plugin, name)
    yield
    for plugin in brought.values():
        installed(COMPONENTS).manager.unregister(plugin)


def configured(name: str = "pix2pix", fields: Mapping[str, Field] = PAIR, **sections: Any) -> RunConfig:
    said = {"recipe": {"name": name}, "data": {"path": "somewhere", "crop": SIZE[0]}}
    return resolve([said, sections]).for_data(Fields(fields, SIZE))


def decided(config: RunConfig, fields: Mapping[str, Field] = PAIR, count: int | None = ENOUGH) -> Decided:
    jitter = Jitter(SIZE, None, mirror=False)
    held_out = None if count is None else Items(Given(fields, count), fields, jitter, seed=0)
    return decide(config, Fields(fields, SIZE), held_out, torch.device("cpu"))


def said(config: RunConfig) -> tuple[Sequence[str], str, Any]:
    chosen = config.to_dict()["validation"]
    return chosen["metrics"], chosen["select"], chosen["images"]


@pytest.mark.parametrize(("recipe", "part"), [("pix2pix", "gan_loss"), ("strangers", "dispute")])
def test_the_best_model_of_an_adversarial_recipe_is_not_chosen_by_pixels(recipe: str, part: str) -> None:
    config, measures, chosen, _ = decided(configured(recipe))
    assert said(config) == (["l1", "psnr", "ssim", "likeness"], "likeness", 256)
    assert list(measures) == ["l1", "psnr", "ssim", "likeness"]
    assert chosen == ("likeness", 256, f"the best by likeness (more alike), since {part} is adversarial")


@pytest.mark.parametrize(("recipe", "options"), [("regression", {}), ("pix2pix", {"gan_weight": 0})])
def test_without_an_adversarial_loss_the_nearest_model_is_the_best(recipe: str, options: dict[str, Any]) -> None:
    config, _, chosen, _ = decided(configured(recipe, recipe=options), count=3)
    assert said(config) == (["l1", "psnr", "ssim"], "l1", 64)
    assert chosen.about == "the best by l1 (closer pixel by pixel)"


def test_of_class_ids_what_is_found_is_measured_whatever_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(criterion, "METRICS", {"image": ("l1",), "ids": ("found",)})
    monkeypatch.setattr(criterion, "CRITERIA", {"image": "l1", "ids": "found/part"})
    for recipe in ("regression", "pix2pix"):
        config, _, chosen, _ = decided(configured(recipe, CLASSES), CLASSES)
        assert said(config) == (["found"], "found/part", 64)
        assert (chosen.figure, chosen.metric) == ("found/part", "found")


@pytest.mark.parametrize(
    ("criterion_is", "fields", "count", "why"),
    [
        ("likeness", PAIR, ENOUGH - 1, "likeness tells models apart by 10 held-out images or more, and measures 9"),
        ("likeness", {**PAIR, "target": Field(channels=2)}, 30, "likeness looks at RGB. Leave it out"),
        ("lacking", PAIR, 30, "metric 'lacking': it needs weights. Install them: pip install weights"),
        ("likenes", PAIR, 30, "No metric named 'likenes'. Did you mean 'likeness'?"),
    ],
)
def test_where_the_criterion_cannot_be_measured_the_last_model_is_kept_and_it_is_said_why(
    monkeypatch: pytest.MonkeyPatch, criterion_is: str, fields: dict[str, Field], count: int, why: str
) -> None:
    monkeypatch.setattr(criterion, "ADVERSARIAL_CRITERION", criterion_is)
    config, _, chosen, warning = decided(configured(fields=fields), fields, count)
    assert said(config) == (["l1", "psnr", "ssim"], "last", 64)
    assert chosen.figure == warning == ""
    assert chosen.about.startswith(f"the last one: {why}")


def test_few_images_are_measured_where_so_many_are_said() -> None:
    _, _, chosen, _ = decided(configured(validation={"images": 5}), count=100)
    assert chosen[:2] == ("", 5)
    assert chosen.about.endswith("and measures 5")


def test_sets_that_are_no_pairs_have_a_criterion_too(monkeypatch: pytest.MonkeyPatch) -> None:
    config = configured("cyclegan", UNPAIRED)
    assert said(decided(config, UNPAIRED).config) == (["likeness"], "likeness", 256)
    monkeypatch.setattr(criterion, "ADVERSARIAL_CRITERION", "l1")
    _, measures, chosen, _ = decided(config, UNPAIRED)
    assert measures == {}
    assert chosen.about == "the last one: these images are no pairs, so 'l1' cannot be measured"


def test_images_that_a_usual_metric_refuses_are_measured_by_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(criterion, "METRICS", {"image": ("l1", "likeness")})
    gray = {**PAIR, "target": Field(channels=1)}
    assert said(decided(configured("regression", gray), gray).config)[0] == ["l1"]


def test_without_held_out_items_the_last_model_is_kept() -> None:
    config, measures, chosen, _ = decided(configured(), count=None)
    assert (said(config), measures, chosen.figure) == (("auto", "last", "auto"), {}, "")
    assert said(decided(configured(validation={"select": "l1"}), count=None).config)[1] == "l1"


def test_what_was_said_is_kept_and_measured_too() -> None:
    listed = ["psnr", {"name": "likeness", "width": 5}]
    config, measures, by, _ = decided(configured(validation={"metrics": listed, "select": "l1", "images": 7}))
    assert said(config) == ([*listed, "l1"], "l1", 7)
    assert measures["likeness"].metric.network.out_channels == 5
    assert by == ("l1", 7, "the best by l1 (closer pixel by pixel)")


def test_the_criterion_that_is_left_to_the_run_keeps_the_options_that_were_said() -> None:
    config, measures, by, _ = decided(configured(validation={"metrics": [{"name": "likeness", "width": 5}]}))
    assert said(config) == ([{"name": "likeness", "width": 5}], "likeness", 256)
    assert (by.figure, measures["likeness"].options) == ("likeness", {"width": 5})


def test_the_last_model_can_be_asked_for() -> None:
    config, measures, chosen, warning = decided(configured(validation={"select": "last"}))
    assert said(config) == (["l1", "psnr", "ssim"], "last", 64)
    assert (chosen.figure, chosen.about, warning) == ("", "the last one, as validation.select says", "")
    assert list(measures) == ["l1", "psnr", "ssim"]


def test_a_criterion_that_was_said_is_never_passed_over_in_silence() -> None:
    config, _, chosen, warning = decided(configured(validation={"select": "found/part"}))
    assert (said(config)[1], chosen.figure, warning) == ("found/part", "", "'found' measures ids, and target is image")
    with pytest.raises(UsageError, match="pip install weights"):
        decided(configured(validation={"select": "lacking"}))
    with pytest.raises(UsageError, match="pip install weights"):
        decided(configured(validation={"metrics": ["lacking"]}))


@pytest.mark.parametrize("count", [3, ENOUGH])
def test_a_run_that_goes_on_decides_nothing_anew(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    first = decided(configured(), count=count)
    monkeypatch.setattr(criterion, "ADVERSARIAL_CRITERION", "lacking")
    monkeypatch.setattr(criterion, "METRICS", {})
    again = decided(resolve([first.config.to_dict()]).for_data(Fields(PAIR, SIZE)), count=100)
    assert again.config.to_dict() == first.config.to_dict()
    assert (again.criterion[:2], list(again.measures)) == (first.criterion[:2], list(first.measures))


def test_deciding_draws_no_random_number() -> None:
    before = torch.get_rng_state()
    decided(configured())
    assert torch.equal(torch.get_rng_state(), before)


def test_each_field_that_is_made_has_its_usual_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(BothWays.translators) == ["target", "source"]
    monkeypatch.setattr(criterion, "METRICS", {"image": ("l1",), "ids": ("found",)})
    assert list(decided(configured("both-ways")).measures) == ["l1"]
