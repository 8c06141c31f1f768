import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

import pytest
import torch
from torch import Tensor, nn

from i2i.contracts import Image, Recipe, Update, Wire
from i2i.errors import ContractError, UsageError
from i2i.fields import Fields
from i2i.sections.networks import Optimizer
from i2i.training.updates import Updater


class Batch(NamedTuple):
    """What a step is given."""

    source: Tensor
    target: Tensor


BATCH = Batch(*torch.rand(2, 2, 1, 4, 4, generator=torch.Generator().manual_seed(0)))


class TwoNetworks(Recipe):
    """A recipe whose order of updates a test gives."""

    defaults: ClassVar[dict[str, str]] = {}

    def __init__(self, order: Any) -> None:
        super().__init__()
        self.generator: Any = nn.Conv2d(1, 1, 1)
        self.discriminator: Any = nn.Conv2d(1, 1, 1)
        self.order = order

    @classmethod
    def wiring(cls, fields: Fields, options: Mapping[str, Any]) -> dict[str, Wire]:
        return {}

    def step(self, source: Image, target: Image) -> Iterator[Update]:
        yield from self.order(self, Batch(source, target))


def judged(recipe: Any, image: Tensor) -> Tensor:
    logits: Tensor = recipe.discriminator(image).square().mean()
    return logits


def updater(order: Any, **optimizer: Any) -> Any:
    return Updater(TwoNetworks(order), optimizer or {"lr": 0.1, "betas": [0.5, 0.9]})


def test_what_is_said_to_change_at_updates_changes_after_that_was_told_and_at_no_other_time() -> None:
    def order(recipe: Any, batch: Batch) -> Iterator[Update]:
        fake = recipe.generator(batch.source)
        yield Update("discriminator", {"a": judged(recipe, fake), "b": judged(recipe, batch.target)})
        yield Update("generator", {"a": judged(recipe, recipe.generator(batch.source))})

    made = Updater(TwoNetworks(order), {"lr": 0.1}, {"generator": 0.5})
    assert made.changing() == {}  # nothing was updated yet
    made.step(**BATCH._asdict())
    changing = made.changing()
    # weight and bias with two moments and a counter each, and averages
    assert {name: len(tensors) for name, tensors in changing.items()} == {"discriminator": 8, "generator": 10}
    assert list(changing) == ["discriminator", "generator"]
    seen, told = copy.deepcopy(changing), list[str]()

    def before(names: Iterable[str]) -> None:
        for name in names:
            torch.testing.assert_close(changing[name], seen[name], rtol=0, atol=0)
        told.extend(names)

    made.before = before
    made.step(**BATCH._asdict())
    assert told == ["discriminator", "generator"]
    for name, tensors in changing.items():
        assert not any(torch.equal(tensor, was) for tensor, was in zip(tensors, seen[name], strict=True))


def test_each_update_changes_its_own_network_alone() -> None:
    def order(recipe: Any, batch: Batch) -> Iterator[Update]:
        before = {name: p.clone() for name, p in recipe.named_parameters()}
        fake = recipe.generator(batch.source)
        yield Update("discriminator", {"a": judged(recipe, fake), "b": judged(recipe, batch.target)})
        changed = {name for name, p in recipe.named_parameters() if not torch.equal(p, before[name])}
        assert changed == {"discriminator.weight", "discriminator.bias"}
        yield Update("generator", {"gan": judged(recipe, recipe.generator(batch.source))})

    losses = updater(order).step(**BATCH._asdict()).losses
    assert list(losses) == ["discriminator/a", "discriminator/b", "generator/gan"]
    assert not any(loss.requires_grad for loss in losses.values())


def test_a_joint_update_equals_one_optimizer_over_all_of_its_networks() -> None:
    def order(recipe: Any, batch: Batch) -> Iterator[Update]:
        loss = (recipe.discriminator(recipe.generator(batch.source)) - batch.target).abs().mean()
        yield Update(("generator", "discriminator"), {"cycle": loss})

    joint = updater(order)
    first, second = copy.deepcopy(joint.recipe.generator), copy.deepcopy(joint.recipe.discriminator)
    textbook = torch.optim.Adam([*first.parameters(), *second.parameters()], lr=0.1, betas=(0.5, 0.9))
    for _ in range(3):
        assert list(joint.step(**BATCH._asdict()).losses) == ["generator+discriminator/cycle"]
        textbook.zero_grad()
        (second(first(BATCH.source)) - BATCH.target).abs().mean().backward()
        textbook.step()
    for trained, expected in [(joint.recipe.generator, first), (joint.recipe.discriminator, second)]:
        for name, weight in trained.state_dict().items():
            torch.testing.assert_close(weight, expected.state_dict()[name])


def test_losses_of_one_name_are_summed_and_logged_one_by_one() -> None:
    def order(recipe: Any, batch: Batch) -> Iterator[Update]:
        fake = recipe.generator(batch.source)
        l1, l2 = (fake - batch.target).abs().mean(), (fake - batch.target).square().mean()
        yield Update("generator", {"gan": l1, "pixel": {"l1": 2 * l1, "l2": l2}, "edges": {"l2": l2}, "none": {}})

    nested = updater(order)
    generator = copy.deepcopy(nested.recipe.generator)
    fake = generator(BATCH.source)
    (3 * (fake - BATCH.target).abs().mean() + 2 * (fake - BATCH.target).square().mean()).backward()
    losses = nested.step(**BATCH._asdict()).losses
    assert list(losses) == ["generator/gan", "generator/pixel.l1", "generator/pixel.l2", "generator/edges"]
    assert losses["generator/pixel.l1"] == 2 * losses["generator/gan"]
    for parameter, expected in zip(nested.recipe.generator.parameters(), generator.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, expected.grad)


def test_figures_are_given_and_add_nothing_to_the_sum() -> None:
    def order(recipe: Any, batch: Batch) -> Iterator[Update]:
        loss = judged(recipe, recipe.generator(batch.source))
        figures = {"slope": torch.tensor(float("inf")), "twice": 2 * loss} if told else {}
        yield Update("generator", {"gan": loss}, figures)

    weights = []
    for told in (True, False):
        torch.manual_seed(0)
        trained = updater(order)
        losses, figures = trained.step(**BATCH._asdict())
        assert list(losses) == ["generator/gan"]
        assert list(figures) == (["generator/slope", "generator/twice"] if told else [])
        assert not any(figure.requires_grad for figure in figures.values())
        weights.append(trained.recipe.generator.weight.detach().clone())
    assert torch.equal(*weights)


def test_a_network_that_was_updated_twice_made_two_steps() -> None:
    def order(recipe: Any, batch: Batch) -> Iterator[Update]:
        for _ in range(2):
            yield Update("discriminator", {"gan": judged(recipe, batch.target)})

    twice = updater(order)
    discriminator = copy.deepcopy(twice.recipe.discriminator)
    textbook = torch.optim.Adam(discriminator.parameters(), lr=0.1, betas=(0.5, 0.9))
    for _ in range(2):
        textbook.zero_grad()
        discriminator(BATCH.target).square().mean().backward()
        textbook.step()
    twice.step(**BATCH._asdict())
    torch.testing.assert_close(twice.recipe.discriminator.weight, discriminator.weight)


def test_a_loss_computed_before_another_update_is_refused_rather_than_wrong() -> None:
    def order(recipe: Any, batch: Batch) -> Iterator[Update]:
        stale = judged(recipe, recipe.generator(batch.source))
        yield Update("discriminator", {"gan": judged(recipe, batch.target)})
        yield Update("generator", {"gan": stale})

    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        updater(order).step(**BATCH._asdict())


def both(recipe: Any, batch: Batch) -> Iterator[Update]:
    yield Update("discriminator", {"gan": judged(recipe, batch.target)})
    yield Update("generator", {"pixel": (recipe.generator(batch.source) - batch.target).abs().mean()})


TEXTBOOKS: list[tuple[dict[str, Any], Any]] = [
    ({"name": "adam", "lr": 0.1, "betas": [0.5, 0.9]}, lambda ps: torch.optim.Adam(ps, lr=0.1, betas=(0.5, 0.9))),
    ({"name": "adamw", "weight_decay": 0.5}, lambda ps: torch.optim.AdamW(ps, lr=2e-4, weight_decay=0.5)),
    (
        {"name": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": True},
        lambda ps: torch.optim.SGD(ps, lr=0.1, momentum=0.9, nesterov=True),
    ),
    (
        {"name": "rmsprop", "lr": 0.1, "alpha": 0.5, "centered": True},
        lambda ps: torch.optim.RMSprop(ps, lr=0.1, alpha=0.5, centered=True),
    ),
]


@pytest.mark.parametrize(("settings", "textbook"), TEXTBOOKS, ids=[settings["name"] for settings, _ in TEXTBOOKS])
def test_each_network_has_the_optimizer_that_is_said_for_it(settings: dict[str, Any], textbook: Any) -> None:
    trained = updater(both, name="sgd", lr=0.5, generator=settings)
    generator, discriminator = (copy.deepcopy(trained.recipe.get_submodule(n)) for n in ("generator", "discriminator"))
    ours, theirs = textbook(generator.parameters()), torch.optim.SGD(discriminator.parameters(), lr=0.5)
    for _ in range(3):
        trained.step(**BATCH._asdict())
        theirs.zero_grad()
        discriminator(BATCH.target).square().mean().backward()
        theirs.step()
        ours.zero_grad()
        (generator(BATCH.source) - BATCH.target).abs().mean().backward()
        ours.step()
    for name, network in [("generator", generator), ("discriminator", discriminator)]:
        for key, weight in trained.recipe.get_submodule(name).state_dict().items():
            torch.testing.assert_close(weight, network.state_dict()[key], msg=f"{name}.{key}")


def test_the_schedule_scales_the_own_rate_of_each_network() -> None:
    trained = updater(both, lr=0.5, discriminator={"name": "sgd", "lr": 0.25})
    for _ in range(2):  # not compounded
        trained.scale(0.5)
    rates = {name: optimizer.param_groups[0]["lr"] for name, optimizer in trained.optimizers.items()}
    assert rates == {"generator": 0.25, "discriminator": 0.125}


def test_a_frozen_network_stays_as_it_is_alone_and_in_a_joint_update() -> None:
    def order(recipe: Any, batch: Batch) -> Iterator[Update]:
        yield Update("discriminator", {"gan": judged(recipe, batch.target)})
        yield Update(("generator", "discriminator"), {"gan": judged(recipe, recipe.generator(batch.source))})

    trained = updater(order, lr=0.1, discriminator={"frozen": True})
    before = {name: p.clone() for name, p in trained.recipe.named_parameters()}
    assert list(trained.step(**BATCH._asdict()).losses) == ["discriminator/gan", "generator+discriminator/gan"]
    changed = {name for name, p in trained.recipe.named_parameters() if not torch.equal(p, before[name])}
    assert changed == {"generator.weight", "generator.bias"}


def test_settings_of_a_network_that_does_not_exist_are_refused() -> None:
    with pytest.raises(UsageError, match=r"'generater'. Did you mean 'generator'\? Networks: generator, discriminator"):
        updater(both, generater={"lr": 0.1})
    with pytest.raises(UsageError, match=r"optimizer.generator 'sgd': nesterov is true and momentum is 0"):
        updater(both, generator={"name": "sgd", "nesterov": True})


ZERO = torch.zeros(())


@pytest.mark.parametrize(
    ("update", "complaint"),
    [
        (Update("critic", {"x": ZERO}), "'critic', but its networks are generator, discriminator"),
        (Update(("generator", "critic"), {"x": ZERO}), "'critic', but its networks are generator, discriminator"),
        (Update(("generator", "generator"), {"x": ZERO}), "Name each network once"),
        (Update((), {"x": ZERO}), "Name each network once"),
        (Update("generator", {}), "'generator' without losses"),
        (Update("generator", {"pixel": {}}), "'generator' without losses"),
        (Update("generator", {"x": ZERO}, {"x": ZERO}), "a loss and a figure 'x' of 'generator'. Rename one"),
        (Update("generator", {"x": torch.zeros(2, 3)}), r"'x' of 'generator', of shape \(2, 3\)"),
        (Update("generator", {"x": ZERO}, {"y": torch.zeros(2)}), r"'y' of 'generator', of shape \(2,\)"),
    ],
)
def test_an_update_that_cannot_be_is_named(update: Update, complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint):
        updater(lambda *_: iter([update])).step(**BATCH._asdict())


@pytest.mark.parametrize(
    ("settings", "largest"),
    [
        ({"clip": 1e-3}, {"generator": 1e-3, "discriminator": 1e-3}),
        ({"clip": 1e-3, "generator": {"clip": None}}, {"discriminator": 1e-3}),
        ({"generator": {"clip": 2e-3}}, {"generator": 2e-3}),
        ({"clip": 1e9}, {}),
        ({}, {}),
    ],
)
def test_a_gradient_longer_than_the_clip_is_shortened_to_it(
    settings: dict[str, Any], largest: dict[str, float]
) -> None:
    def gradients(**settings: Any) -> dict[str, Tensor]:
        torch.manual_seed(0)
        trained = updater(both, name="sgd", lr=0.1, **settings)
        trained.step(**BATCH._asdict())
        named = trained.networks.items()
        return {name: torch.cat([p.grad.flatten() for p in network.parameters()]) for name, network in named}

    # the second network's gradient is that of the first one's step, so only directions can be compared
    for name, gradient in gradients(**settings).items():
        if name in largest:
            assert float(gradient.norm()) == pytest.approx(largest[name], rel=1e-3)
        else:
            assert float(gradient.norm()) > 1e-2
    whole, clipped = gradients(), gradients(clip=1e-3)
    torch.testing.assert_close(
        nn.functional.normalize(clipped["discriminator"], dim=0), nn.functional.normalize(whole["discriminator"], dim=0)
    )


@pytest.mark.parametrize(
    "settings", [{"clip": 0}, {"clip": "no"}, {"clip": True}, {"generator": {"clip": -1}}, {"clip": float("nan")}]
)
def test_a_clip_that_is_no_length_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"clip is .* It is a number above 0, or null"):
        updater(both, **settings)


def test_a_clip_outlives_the_choice_of_another_optimizer() -> None:
    merged = Optimizer.merge({"lr": 0.1, "clip": 1.0, "generator": {"clip": 2.0}}, {"name": "sgd", "momentum": 0.9})
    settings = Optimizer.read(merged, "optimizer")
    assert (settings.of("generator").clip, settings.of("discriminator").clip) == (2.0, 1.0)
    assert settings.of("discriminator").options["momentum"] == 0.9
    again = Optimizer.read(settings.model_dump(), "optimizer")
    assert (again.clip, again.of("generator")) == (1.0, settings.of("generator"))
