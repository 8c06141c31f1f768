"""Check of recipes: two short trainings."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from i2i.fields import Field, Fields
from i2i.testing import basics
from i2i.testing.basics import SOURCE, TARGET, blame, require, seeded

if TYPE_CHECKING:
    from torch import Tensor

    from i2i.contracts import Recipe
    from i2i.selection import Selection

FIELDS = {"source": Field(channels=SOURCE), "target": Field(channels=TARGET)}
STEPS = 2


def check_recipe(
    cls: type[Recipe],
    options: Mapping[str, Any] = {},
    parts: Mapping[str, Any] = {},
    *,
    fields: Mapping[str, Field] = FIELDS,
    size: tuple[int, int] = (64, 64),
) -> None:
    """Check that ``cls`` keeps the contract of `i2i.contracts.Recipe`, with the components of this environment.

    Trains it for two steps: every network is updated, by finite scalars that reach all of it and that are computed
    after the update before was applied, and the same seed gives the same weights. Then translates with it.

    Args:
        cls: The recipe.
        options: Its own options.
        parts: Part -> its component, or options of it with ``name`` where it is not the default one.
        fields: What the data has that it is trained on. Source and target have different channels, so that one taken
            for the other is noticed; give others where a recipe needs that.
        size: Height and width, in multiples of what the networks take.

    Raises:
        AssertionError: If it does not.
    """
    from i2i.assembly import build_parts
    from i2i.config import ENGINE
    from i2i.selection import complete_selection
    from i2i.serving import part_kinds

    data = Fields(fields, size)
    saved = basics.completed(cls, options)
    with blame("its parts"):
        kinds = part_kinds(cls)
    taken = sorted(kinds.keys() & {"recipe", "dataset", *ENGINE})
    require(not taken, f"sections of the configuration are called {taken} too. Rename these parts.")
    _check_settings(cls)
    _check_presets(cls)
    with blame("wiring()"):
        wiring = cls.wiring(data, saved)
    strangers = sorted(wiring.keys() - kinds.keys())
    require(not strangers, f"wiring() names {strangers}, which are no parts.")
    with blame("its choice of components"):
        selection = complete_selection(cls, cls.__name__, saved, parts, data)
    first, second = (_train(cls, selection, data) for _ in range(2))
    unequal = [name for name in first if not bool((first[name] == second[name]).all())]
    require(not unequal, f"two trainings under one seed differ, as in {', '.join(unequal[:3])}. {basics.ONLY_TORCH}")
    with blame("building the parts that it translates with"), seeded(0):
        needed = {name for made in cls.translators.values() for name in inspect.signature(made).parameters}
        build_parts(cls, selection, data, only=needed & kinds.keys())


def _check_settings(cls: type[Recipe]) -> None:
    from i2i.config import ENGINE

    for section, values in cls.settings.items():
        require(section in (*ENGINE, "dataset"), f"settings name {section!r}, which is none of {', '.join(ENGINE)}.")
        if section == "dataset":
            continue
        required = {name: "" for name, field in ENGINE[section].model_fields.items() if field.is_required()}
        with blame("settings"):
            ENGINE[section].read({**required, **json.loads(json.dumps(values))}, section)


def _check_presets(cls: type[Recipe]) -> None:
    from i2i.config import ENGINE

    for name, sections in cls.presets.items():
        known = (*ENGINE, *cls.defaults, "recipe", "dataset")
        strangers = sorted(sections.keys() - set(known))
        require(not strangers, f"preset {name!r} names {strangers}, which are none of {', '.join(known)}.")


@seeded(0)
def _train(cls: type[Recipe], selection: Selection, data: Fields) -> dict[str, Tensor]:
    """Return weights and losses after two steps."""
    from i2i.assembly import compose
    from i2i.contracts import Clock
    from i2i.parameters import given_to

    with blame("putting it together"):
        recipe = compose(cls, selection, data)
    batch = {name: _drawn(field, data.size, number) for number, (name, field) in enumerate(data.items())}
    waiting = [name for name, parameter in recipe.named_parameters() if parameter.requires_grad]
    losses: dict[str, Tensor] = {}
    for step in range(STEPS):
        losses, trained = _step(recipe, given_to(recipe.step, batch, data, Clock(step, STEPS, 0)))
        waiting = [name for name in waiting if name not in trained]
    require(not waiting, f"step() trains no {', '.join(waiting)}. Update these parameters, or freeze them.")
    return losses | recipe.state_dict()


def _drawn(field: Field, size: tuple[int, int], seed: int) -> Tensor:
    """Draw a batch of two: images and vectors in [-1, 1], ids of any class."""
    import torch

    drawn = torch.Generator().manual_seed(seed)
    if field.kind == "ids":
        return torch.randint(max(field.channels, 2), (2, *size), generator=drawn)
    return torch.rand(2, field.channels, *(size if field.kind == "image" else ()), generator=drawn) * 2 - 1


def _step(recipe: Recipe, given: Mapping[str, Any]) -> tuple[dict[str, Tensor], set[str]]:
    """Step by plain gradient descent; unlike fused optimizers, it makes torch notice losses of outdated weights.

    Returns:
        The losses, and the names of the parameters that a gradient reached.
    """
    import torch

    networks = {
        name: {parameter: p for parameter, p in module.named_parameters() if p.requires_grad}
        for name, module in recipe.named_children()
    }
    losses: dict[str, Tensor] = {}
    reached = set[str]()
    with blame("step()"):
        for update in recipe.step(**given):
            owner, terms = update.owner, update.terms
            for network in update.names:
                known = list(networks)
                require(bool(networks.get(network)), f"step() updates {network!r}, but its networks are {known}.")
            require(bool(terms), f"step() yields no loss for the {owner}.")
            for name, loss in terms.items():
                basics.check_tensor(f"the loss {name!r} of the {owner}", loss, ())
            for name, figure in update.figures.items():
                require(
                    figure.dim() == 0, f"the figure {name!r} of the {owner} is of shape {tuple(figure.shape)}, not ()."
                )
            trained = {f"{network}.{name}": p for network in update.names for name, p in networks[network].items()}
            total = torch.stack(list(terms.values())).sum()
            gradients = torch.autograd.grad(total, list(trained.values()), allow_unused=True)
            with torch.no_grad():
                for parameter, gradient in zip(trained, gradients, strict=True):
                    if gradient is not None:
                        trained[parameter].sub_(1e-3 * gradient)
                        reached.add(parameter)
            losses |= {f"{owner}/{name}": loss.detach() for name, loss in terms.items()}
    return losses, reached
