"""Says what a run trains, on what, before its first step."""

import re

from i2i.choices import Component, as_choice
from i2i.compute.precision import has_amx
from i2i.errors import things
from i2i.sections.data import crop_value
from i2i.serving import part_kinds
from i2i.training.setup import Setup


def facts_of(setup: Setup) -> dict[str, str]:
    """Describe the run before its first step, in words."""
    networks = ", ".join(
        f"{name} {sum(p.numel() for p in network.parameters()) / 1e6:.1f} M"
        f"{'' if name in setup.updater.optimizers else ' (frozen)'}"
        for name, network in setup.updater.networks.items()
    )
    measured = ", ".join(setup.validator.measures)
    return {
        "recipe": setup.config.selection.recipe.name,
        "networks": f"{networks} parameters",
        "losses": _losses(setup),
        "batch": _batch(setup),
        "data": _data(setup),
        "cache": setup.rests.said,
        "images": f"{_channels(setup)}, {crop_value(setup.config.data.size)} px",
        "measured": f"{measured} of {things(_measured(setup), 'held-out item')}" if measured else "nothing",
        "model": setup.criterion.about,
        "device": f"{setup.device}, {setup.config.training.threads} threads, {setup.updater.numbers}{_slowly(setup)}",
    }


def _measured(setup: Setup) -> int:
    """Return how many items are measured."""
    return min(len(setup.validator.items), setup.criterion.images)


def _batch(setup: Setup) -> str:
    """Say of how many items a step is, how they are divided, and what it learns at."""
    training, optimizer = setup.config.training, setup.config.optimizer
    counts = {"processes": setup.ranks.count, "accumulated": training.accumulate}
    factors = [f"{count} {what}" for what, count in counts.items() if count > 1]
    divided = f" ({' x '.join([*factors, str(training.batch_size)])})" if factors else ""
    rates = {name: optimizer.of(name).lr for name in setup.updater.optimizers}
    different = {*rates.values()} or {optimizer.lr}
    said = [f"{name} {rate:g}" for name, rate in rates.items()] if len(different) > 1 else [f"{different.pop():g}"]
    return f"{things(setup.batch, 'item')}{divided}, learning rate {', '.join(said)}"


def _slowly(setup: Setup) -> str:
    slow = setup.device.type == "cpu" and setup.updater.numbers == "bf16" and not has_amx()
    return ", which this CPU computes slowly" if slow else ""


def _losses(setup: Setup) -> str:
    """Say which losses and penalties there are, with the weights of those in lists, as ``--use`` takes them."""
    said = []
    for part, kind in part_kinds(type(setup.recipe)).items():
        chosen = setup.config.selection.parts.get(part)
        if chosen and kind in ("loss", "penalty"):
            terms = [chosen] if isinstance(chosen, Component) else chosen
            said.append(f"{part} {as_choice([term.model_dump(include={'name', 'weight'}) for term in terms])}")
    return ", ".join(said) or "the recipe's own"


def _channels(setup: Setup) -> str:
    """Say what is made of what: ``3 -> 3 channels``, or ``3 channels + ids -> 12 classes``."""
    said = [(" + ".join(_kind(setup, each) for each in p.sources), _kind(setup, p.to)) for p in setup.predictors()]
    lines = dict.fromkeys(f"{taken} -> {made}" for taken, made in said)
    return "; ".join(re.sub(r"^(\d+) channels( -> \d+ channels)$", r"\1\2", line) for line in lines)


def _kind(setup: Setup, name: str) -> str:
    field = setup.fields[name]
    what = {"image": f"{field.channels} channels", "vector": f"vector of {field.channels}"}
    return what.get(field.kind, f"{field.channels} classes" if field.channels else "ids")


def _data(setup: Setup) -> str:
    """Say how many items there are, how they are stored, and of which columns, where the dataset says so."""
    kind = "pair" if setup.fields.aligned(*setup.fields) else "item"
    said = [things(len(setup.items), f"training {kind}")]
    if layout := getattr(setup.items.dataset, "layout", None):
        said.append(f"layout {layout}")
    names = {name: " and ".join(column.name for column in field.columns) for name, field in setup.fields.items()}
    ways = [(p.sources, p.to) for p in setup.predictors() if names[p.to]]
    columns = (f"{' + '.join(names[each] or 'lightness' for each in taken)} -> {names[to]}" for taken, to in ways)
    return ", ".join([*said, *(["; ".join(columns)] if ways else [])])
