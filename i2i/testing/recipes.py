"""Check of recipes: two short trainings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from i2i.testing import basics
from i2i.testing.basics import SOURCE, TARGET, blame, images, require, seeded

if TYPE_CHECKING:
    from torch import Tensor

    from i2i.contracts import Batch, Recipe


def check_recipe(
    cls: type[Recipe], options: Mapping[str, Any] = {}, parts: Mapping[str, Mapping[str, Any]] = {}
) -> None:
    """Check that ``cls`` keeps the contract of `i2i.contracts.Recipe`, with the components of this environment.

    Trains it for two steps: every network is updated, by finite scalars that reach all of it and that are computed
    after the update before was applied, and the same seed gives the same weights.

    Args:
        cls: The recipe.
        options: Its own options.
        parts: Part -> options of its component, with ``name`` where it is not the default one.

    Raises:
        AssertionError: If it does not.
    """
    from i2i.assembly import complete_selection, part_kinds
    from i2i.config import ENGINE

    saved = basics.completed(cls, options)
    with blame("its parts"):
        kinds = part_kinds(cls)
    require("generator" in kinds, "it has no part 'generator', which is what a trained model consists of.")
    taken = sorted(kinds.keys() & {"recipe", "dataset", *ENGINE})
    require(not taken, f"sections of the configuration are called {taken} too. Rename these parts.")
    for section, values in cls.settings.items():
        require(section in ENGINE, f"settings name {section!r}, which is none of {', '.join(ENGINE)}.")
        required = {name: "" for name, field in ENGINE[section].model_fields.items() if field.is_required()}
        with blame("settings"):
            ENGINE[section].read({**required, **json.loads(json.dumps(values))}, section)
    with blame("wiring()"):
        wiring = cls.wiring(SOURCE, TARGET, saved)
    strangers, given = sorted(wiring.keys() - kinds.keys()), wiring.get("generator")
    require(not strangers, f"wiring() names {strangers}, which are no parts.")
    require(given == (SOURCE, TARGET), f"wiring() gives the generator {given} of source {SOURCE} and target {TARGET}.")
    with blame("its choice of components"):
        selection = complete_selection(cls, cls.__name__, saved, parts)
    first, second = (_train(cls, selection) for _ in range(2))
    unequal = [name for name in first if not bool((first[name] == second[name]).all())]
    require(not unequal, f"two trainings under one seed differ, as in {', '.join(unequal[:3])}. {basics.ONLY_TORCH}")


@seeded(0)
def _train(cls: type[Recipe], selection: Any) -> dict[str, Tensor]:
    """Return weights and losses after two steps."""
    from i2i.assembly import compose
    from i2i.contracts import Batch

    with blame("putting it together"):
        recipe = compose(cls, selection, SOURCE, TARGET)
    size = basics.fitting(64, getattr(recipe.generator, "size_multiple", 1))
    batch = Batch(images(SOURCE, size, size), images(TARGET, size, size, seed=1))
    losses = [_step(recipe, batch) for _ in range(2)]
    return losses[-1] | recipe.state_dict()


def _step(recipe: Recipe, batch: Batch) -> dict[str, Tensor]:
    """Step by plain gradient descent; unlike fused optimizers, it makes torch notice losses of outdated weights."""
    import torch

    networks = {
        name: {parameter: p for parameter, p in module.named_parameters() if p.requires_grad}
        for name, module in recipe.named_children()
    }
    waiting = {f"{name}.{parameter}": None for name, trained in networks.items() for parameter in trained}
    losses: dict[str, Tensor] = {}
    with blame("step()"):
        for update in recipe.step(batch):
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
                        waiting.pop(parameter, None)
            losses |= {f"{owner}/{name}": loss.detach() for name, loss in terms.items()}
    require(not waiting, f"step() trains no {', '.join(waiting)}. Update these parameters, or freeze them.")
    return losses
