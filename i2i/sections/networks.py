"""How networks are updated, and which have an average of their weights, each by the network's name."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Annotated, Any, NamedTuple, Self

from pydantic import ConfigDict, Field

from i2i.errors import ContractError, UsageError
from i2i.options import complete, options_of
from i2i.plugins import catalogue, lookup
from i2i.sections.section import Section


class Updating(NamedTuple):
    """How one network is updated."""

    optimizer: str
    options: dict[str, Any]
    frozen: bool
    clip: float | None
    """Largest norm of the network's gradient; a longer one is shortened to it."""

    @property
    def lr(self) -> float:
        """Return the learning rate, before the schedule."""
        return float(self.options["lr"])


WHATEVER_THE_OPTIMIZER = {"frozen", "clip"}
"""What may be said of a network that is no option of its optimizer."""


class Optimizer(Section):
    """The optimizer of all networks with its options, and mappings of what is otherwise for some, by their names.

    A network's mapping may name another optimizer, whose defaults then hold, and may say ``frozen: true``.
    """

    model_config = ConfigDict(extra="allow")

    name: str = "adam"
    clip: float | None = None
    """Largest norm of each network's gradient; a longer one is shortened to it (Pascanu et al. 2013, arXiv 1211.5063,
    section 3.2). Whatever the optimizer, so no option of it."""

    @property
    def lr(self) -> float:
        """Return the learning rate of all networks that have none of their own, before the schedule."""
        return float(self.options["lr"])

    @property
    def networks(self) -> dict[str, dict[str, Any]]:
        """Return what was said of single networks."""
        return {name: value for name, value in self._others.items() if isinstance(value, dict)}

    @property
    def options(self) -> dict[str, Any]:
        """Return the options that hold for all networks."""
        return {name: value for name, value in self._others.items() if not isinstance(value, dict)}

    @property
    def names(self) -> set[str]:
        """Return the names of all optimizers."""
        return {self.name, *(own["name"] for own in self.networks.values() if "name" in own)}

    @property
    def _others(self) -> dict[str, Any]:
        return self.model_extra or {}

    def of(self, network: str) -> Updating:
        """Return how a network is updated."""
        return _updating(self.name, self.options, self.clip, network, self.networks.get(network, {}))

    def without(self, networks: set[str]) -> Optimizer:
        """Return the same, but for what was said of some networks."""
        return self.model_construct(**{key: value for key, value in self if key not in networks})

    @classmethod
    def known(cls) -> list[str]:
        """Return the options of the installed optimizers."""
        options = (options_of(each.cls).model_fields for each in catalogue("optimizer").values())
        return list(dict.fromkeys(["name", "clip", *chain.from_iterable(options)]))

    @classmethod
    def read(cls, values: Mapping[str, Any], name: str) -> Self:
        """Return what was said, with all options of the common optimizer, and of a network's own one if it has one.

        Raises:
            UnknownNameError: If an optimizer is not installed.
            UsageError: If it has no such option, or a value is wrong.
        """
        said = {key: value for key, value in values.items() if not isinstance(value, Mapping)}
        chosen = said.pop("name", cls.model_fields["name"].default)
        clip = _clip(said.pop("clip", None), name)
        options = _complete(chosen, said, f"{name} {chosen!r}")
        networks: dict[str, Any] = {}
        for network, own in values.items():
            if isinstance(own, Mapping):
                updating = _updating(chosen, options, clip, network, own)
                # what follows the common options is not written down: it still does when those change
                kept = {*updating.options} if updating.optimizer != chosen else own.keys() & updating.options.keys()
                networks[network] = {
                    **({"name": updating.optimizer} if "name" in own else {}),
                    **{key: getattr(updating, key) for key in WHATEVER_THE_OPTIMIZER if key in own},
                    **{option: value for option, value in updating.options.items() if option in kept},
                }
        return cls.model_construct(name=chosen, clip=clip, **options, **networks)

    @classmethod
    def merge(cls, before: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        """Merge option by option, also of single networks; options belong to the optimizer that had them."""
        default = cls.model_fields["name"].default
        old, new = before.get("name", default), values.get("name", before.get("name", default))
        common = {key: value for key, value in before.items() if not isinstance(value, Mapping)}
        merged: dict[str, Any] = common if old == new else {key: common[key] for key in common.keys() & {"clip"}}
        for network, own in before.items():
            if isinstance(own, Mapping):
                said = values.get(network, {})
                later = said.get("name", own.get("name", new)) if isinstance(said, Mapping) else new
                same = own.get("name", old) == later
                merged[network] = own if same else {key: own[key] for key in own.keys() & WHATEVER_THE_OPTIMIZER}
        for key, value in values.items():
            own = merged.get(key)
            merged[key] = {**own, **value} if isinstance(own, Mapping) and isinstance(value, Mapping) else value
        return merged


class Power(Section):
    """The power-function profile of a running average; see `i2i.training.averages`."""

    width: Annotated[float, Field(gt=0, le=0.28)]
    """Standard deviation of the profile, as a part of the training so far."""


Decay = float | Power
"""How a running average forgets: at the same rate always, or ever more slowly."""


class Average(Section):
    """How running averages of weights forget, by network; None: that network has none."""

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, Annotated[float, Field(ge=0, lt=1)] | Power | None] = Field(init=False)

    use: bool = True
    """Whether networks translate with their averages: in samples, validation and the run's models."""

    @property
    def decays(self) -> dict[str, Decay]:
        """Return the decay of each network that has an average."""
        return {network: decay for network, decay in self.__pydantic_extra__.items() if decay is not None}

    def without(self, networks: set[str]) -> Average:
        """Return the same, but for what was said of some networks."""
        return self.model_construct(**{key: value for key, value in self if key not in networks})


def _updating(
    common: str, options: Mapping[str, Any], clip: float | None, network: str, own: Mapping[str, Any]
) -> Updating:
    """Return how a network is updated: by the common optimizer with some options of its own, or by another one."""
    said = {key: value for key, value in own.items() if key not in {"name", *WHATEVER_THE_OPTIMIZER}}
    name, frozen = own.get("name", common), own.get("frozen", False)
    if not isinstance(frozen, bool):
        raise UsageError(f"optimizer.{network}.frozen is {frozen!r}. It is true or false.")
    inherited = options if name == common else {}
    clip = _clip(own["clip"], f"optimizer.{network}") if "clip" in own else clip
    return Updating(name, _complete(name, {**inherited, **said}, f"optimizer.{network} {name!r}"), frozen, clip)


def _clip(value: Any, owner: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise UsageError(f"{owner}.clip is {value!r}. It is a number above 0, or null. Say such as {owner}.clip=1.")
    return float(value)


def _complete(name: Any, options: Mapping[str, Any], owner: str) -> dict[str, Any]:
    if not isinstance(name, str):
        raise UsageError(f"{owner}: its name is no text. Name one as `i2i plugins list --kind optimizer` has it.")
    full = complete(lookup("optimizer", name).cls, options, owner)
    if "lr" not in full:
        raise ContractError(f"{owner} has no option 'lr', by which the schedule works. Mend it.")
    return full
