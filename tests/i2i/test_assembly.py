"""Recipes are put together from names and options, and what does not fit is refused."""

from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from typing import Annotated, Any, ClassVar, Protocol

import pytest
import torch
from pydantic import Field
from torch import nn

from i2i.assembly import build_parts, compose
from i2i.choices import lay
from i2i.contracts import (
    AdversarialLoss,
    FeatureDiscriminator,
    Generator,
    Image,
    Loss,
    Recipe,
    Update,
    Verdict,
    Wire,
    contract,
)
from i2i.errors import ContractError, UnknownNameError, UsageError
from i2i.fields import Field as DataField
from i2i.fields import Fields
from i2i.hookspecs import hookimpl
from i2i.outputs import check_first
from i2i.parts import Losses
from i2i.plugins import Plugins, catalogue
from i2i.selection import Selection, complete_selection, providers, select
from i2i.serving import candidates, part_kinds, serves


class Translate(Recipe):
    """A generator and a loss; the loss is left out at weight 0.

    Args:
        weight: Of the loss.
    """

    defaults: ClassVar[Mapping[str, Any]] = {"loss": "l1", "generator": "unet"}  # in another order than the parameters

    def __init__(self, generator: Generator, loss: Loss | None, *, weight: Annotated[float, Field(ge=0)] = 1) -> None:
        super().__init__()
        self.generator, self.loss, self.weight = generator, loss, weight

    @classmethod
    def wiring(cls, fields: Fields, options: Mapping[str, Any]) -> Mapping[str, Wire]:
        generator = {"generator": Wire(fields["source"].channels, fields["target"].channels)}
        return {**generator, "loss": Wire()} if options["weight"] else generator

    def step(self, source: Image, target: Image) -> Iterator[Update]:
        yield Update("generator", {})


def data(source: int = 1, target: int = 1, **more: DataField) -> Fields:
    return Fields({"source": DataField(channels=source), "target": DataField(channels=target), **more}, (8, 8))


def choose(options: Mapping[str, Any] = {}, **parts: Any) -> Selection:
    return complete_selection(Translate, "translate", options, parts)


SMALL = {"depth": 1, "base_channels": 1}


def test_selection_is_complete() -> None:
    chosen = choose(generator={"depth": 3})
    assert chosen.recipe.model_dump() == {"name": "translate", "weight": 1.0}
    assert chosen.network("loss").model_dump() == {"name": "l1"}
    unet = chosen.network("generator").options
    assert unet["depth"] == 3
    assert unet["base_channels"] == 64


def test_selection_survives_json() -> None:
    chosen = select("pix2pix", {"gan_weight": 0.5}, {"generator": {"name": "encoder-decoder", "depth": 2}})
    assert Selection.model_validate_json(chosen.model_dump_json()) == chosen


def test_selecting_a_selection_again_changes_nothing() -> None:
    chosen = select("pix2pix", {}, {"discriminator": {"layers": 1}})
    again = select("pix2pix", chosen.recipe.options, chosen.model_dump()["parts"])
    assert again == chosen


def test_parts_arrive_where_they_belong_with_channels_and_options() -> None:
    recipe: Any = compose(Translate, choose(generator=SMALL), data(2, 5))
    assert recipe.generator.size_multiple == 2
    assert recipe.generator.down[0][0].in_channels == 2
    assert recipe.generator.up[0][1].out_channels == 5
    assert type(recipe.loss) is catalogue("loss")["l1"].cls


def test_part_that_the_options_do_not_need_is_none() -> None:
    chosen = choose({"weight": 0}, generator=SMALL)
    assert chosen.parts.keys() == {"generator"}
    assert compose(Translate, chosen, data()).loss is None


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
        defaults: ClassVar[Mapping[str, Any]] = {"generator": "unet"}

    with pytest.raises(UsageError, match=r"Forgets takes the parts \['generator', 'loss'\], but its defaults name"):
        part_kinds(Forgets)


def test_part_without_a_contract_is_refused() -> None:
    class Vague(Translate):
        def __init__(self, generator: nn.Module, loss: Loss) -> None: ...

    with pytest.raises(UsageError, match="Vague: annotate the part 'generator' with its contract, one of Generator,"):
        part_kinds(Vague)


def test_providers_name_plugin_and_distribution_of_every_part() -> None:
    found = providers(select("pix2pix", {"gan_weight": 0}, {}))
    assert found.keys() == {"recipe", "generator", "pixel_loss.l1"}
    assert {(p.plugin, p.distribution) for p in found.values()} == {
        ("pix2pix", "i2i-toolkit"),
        ("losses", "i2i-toolkit"),
    }


class Gives(nn.Module):
    """Gives what a test says."""

    fake: Any

    def __init__(self, in_channels: int, out_channels: int, *, bounded: bool = True) -> None:
        super().__init__()

    def forward(self, source: torch.Tensor) -> Any:
        return self.fake


def translating(generator: nn.Module) -> Recipe:
    return Translate(generator, None)


@pytest.mark.parametrize(
    ("fake", "complaint"),
    [
        (torch.zeros(2, 3, 7, 8), r"returns \(2, 3, 7, 8\) for \(2, 1, 8, 8\), expected was \(2, 3, 8, 8\)"),
        ((torch.zeros(2, 3, 8, 8),), "returns a tuple"),
        (torch.full((2, 3, 8, 8), -1.5), r"returns values up to 1.5, which is outside \[-1, 1\]. End it with tanh"),
    ],
)
def test_what_a_generator_gives_first_is_checked_and_then_no_more(fake: Any, complaint: str) -> None:
    generator = Gives(1, 3)
    generator.fake = fake
    check_first(translating(generator), {"generator": Wire(1, 3)})
    with pytest.raises(ContractError, match=f"^Gives {complaint}"):
        generator(torch.zeros(2, 1, 8, 8))
    assert generator(torch.zeros(2, 1, 8, 8)) is fake


def test_logits_may_leave_the_range_of_images() -> None:
    generator = Gives(1, 3)
    generator.fake = torch.full((2, 3, 8, 8), -1.5)
    check_first(translating(generator), {"generator": Wire(1, 3, bounded=False)})
    assert generator(torch.zeros(2, 1, 8, 8)) is generator.fake


class Weighs(Translate):
    """A generator and a list of losses."""

    defaults: ClassVar[Mapping[str, Any]] = {"generator": "unet", "loss": {"name": "l1", "weight": 100}}

    def __init__(self, generator: Generator, loss: Losses) -> None:
        nn.Module.__init__(self)
        self.generator, self.loss = generator, loss

    @classmethod
    def wiring(cls, fields: Fields, options: Mapping[str, Any]) -> Mapping[str, Wire]:
        logits = {"bounded": False} if fields["target"].kind == "ids" else {}
        return {"generator": Wire(fields["source"].channels, fields["target"].channels, **logits), "loss": Wire()}


def weights(said: Any) -> dict[str, float]:
    chosen = complete_selection(Weighs, "weighs", {}, {"loss": said}).parts["loss"]
    assert isinstance(chosen, list)
    return {term.name: term.weight for term in chosen}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, {"l1": 100}),
        ({"weight": 3}, {"l1": 3}),
        ({"l1": {"weight": 3}}, {"l1": 3}),
        ("l2", {"l2": 100}),
        ([], {}),
        (["l1", "l2"], {"l1": 100, "l2": 100}),
        ([{"name": "l2", "weight": 2}, {"name": "l1"}], {"l2": 2, "l1": 100}),
    ],
)
def test_weight_that_is_not_said_is_the_one_of_the_recipes_default(said: Any, expected: dict[str, float]) -> None:
    assert weights(said) == expected


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"weight": -1}, "loss 'l1': option 'weight'"),
        ({"weight": float("inf")}, "loss 'l1': option 'weight'"),
        ([{"weight": 2}], "names no component. Write such as"),
        (["non-saturating"], "NonSaturating does not serve as Loss"),
    ],
)
def test_list_that_cannot_be_is_refused(said: Any, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        weights(said)


def test_option_of_one_among_several_says_whose_it_is() -> None:
    before = [{"name": "l1", "weight": 1}, {"name": "l2", "weight": 2}]
    assert lay(before, {"l2": {"weight": 5}}, "loss") == [{"name": "l1", "weight": 1}, {"name": "l2", "weight": 5}]
    with pytest.raises(UsageError, match=r"loss is a list of l1, l2: whose option is 'weight'.* Write such as loss.l1"):
        lay(before, {"weight": 5}, "loss")


def test_second_component_of_a_name_has_a_name_of_its_own() -> None:
    chosen = complete_selection(Weighs, "weighs", {}, {"loss": ["l1", "l1"], "generator": SMALL}, data())
    recipe: Any = compose(Weighs, chosen, data())
    assert list(recipe.loss.weights) == ["l1", "l1-2"]


def test_one_part_takes_one_component() -> None:
    with pytest.raises(UsageError, match="generator is one generator, and 2 are given"):
        choose(generator=["unet", "unet"])


LABELS = DataField(channels=5, kind="ids")


@pytest.mark.usefixtures("_strangers")
def test_recipe_decides_options_by_the_data() -> None:
    fields = Fields({"source": DataField(channels=1), "target": LABELS}, (8, 8))
    chosen = complete_selection(Weighs, "weighs", {}, {"generator": {"name": "gives"}}, fields)
    assert chosen.network("generator").options == {"bounded": False}
    with pytest.raises(UsageError, match="generator 'gives': the recipe sets bounded to False for this data"):
        complete_selection(Weighs, "weighs", {}, {"generator": {"name": "gives", "bounded": True}}, fields)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"source": DataField(channels=1)}, "needs a field 'target'"),
        ({"source": LABELS, "target": DataField(channels=3, kind="vector")}, "takes 'target' as image, and the data"),
        ({"source": DataField(channels=0, kind="ids"), "target": LABELS}, "how many classes there are is not declared"),
        ({"source": LABELS, "target": LABELS, "mask": LABELS}, "takes no field 'mask': it takes source, target"),
        ({"source": LABELS, "target": DataField(channels=3, group="b")}, "learns from pairs, and source and target of"),
    ],
)
def test_data_that_a_recipe_does_not_take_is_refused(fields: Mapping[str, DataField], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        complete_selection(Translate, "translate", {}, {}, Fields(fields, (8, 8)))


@contract("projector")
class Projector(Protocol):
    """Of a kind that no core contract knows."""

    def __call__(self, features: torch.Tensor, /) -> torch.Tensor: ...

    def widths(self) -> list[int]: ...


class MLP(nn.Module):
    """Projects features of these widths."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.given = widths

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features

    def widths(self) -> list[int]:
        return self.given


class Projects(Translate):
    """A generator, and a projector that is built of it."""

    defaults: ClassVar[Mapping[str, Any]] = {"generator": "unet", "projector": "mlp"}

    def __init__(self, generator: Generator, projector: Projector) -> None:
        nn.Module.__init__(self)
        self.generator, self.projector = generator, projector

    @classmethod
    def wiring(cls, fields: Fields, options: Mapping[str, Any]) -> Mapping[str, Wire]:
        return {"generator": Wire(1, 1), "projector": Wire(lambda generator: [generator.depth])}


@pytest.fixture
def _strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Components of a plugin, one of them of a kind of its own."""

    class Plugin:
        @staticmethod
        @hookimpl
        def i2i_components() -> Any:
            return {"projector": {"mlp": MLP}}

        @staticmethod
        @hookimpl
        def i2i_generators() -> Any:
            return {"gives": Gives}

    plugins = Plugins(entry_points(group="i2i"))
    plugins.register(Plugin, "strange")
    monkeypatch.setattr("i2i.plugins.installed", lambda group: plugins)


@pytest.mark.usefixtures("_strangers")
def test_part_may_be_of_a_kind_of_its_own_and_be_built_of_another_part() -> None:
    chosen = complete_selection(Projects, "projects", {}, {"generator": SMALL})
    recipe: Any = compose(Projects, chosen, data())
    assert recipe.projector.widths() == [1]
    assert list(build_parts(Projects, chosen, data(), only=["projector"]).values()) != [None, None]
    assert build_parts(Projects, chosen, data(), only=["generator"])["projector"] is None


def test_discriminator_of_features_says_that_it_returns_them() -> None:
    class Plain(nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return image

    class Seeing(nn.Module):
        def forward(self, image: torch.Tensor) -> Verdict:
            return Verdict([image], [image])

    assert serves(Seeing, FeatureDiscriminator)
    assert not serves(Plain, FeatureDiscriminator)
