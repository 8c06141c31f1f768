"""How long a run trains, and by which learning rates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt, model_validator

from i2i.choices import Component
from i2i.sections.components import Components
from i2i.sections.section import Section


class Schedule(Section):
    """Learning rate over the run; `i2i.training.schedules.factor_at` has the formulas."""

    name: Literal["constant", "linear", "cosine", "step"] = "constant"
    """``constant`` as in the paper; ``linear`` falls to zero, as in the later PyTorch code; ``cosine`` along half a
    cosine; ``step`` by a factor at some steps."""
    warmup: Annotated[int, Field(ge=0)] = 0
    """Steps over which the rate rises from almost zero."""
    decay_start: Annotated[float, Field(ge=0, lt=1)] | Literal["auto"] = "auto"
    """Part of the run after which ``linear`` and ``cosine`` begin to fall; ``auto`` is 0.5 for the one, 0 for the
    other."""
    at: tuple[PositiveInt, ...] = ()
    """Steps after which ``step`` lowers the rate."""
    factor: Annotated[float, Field(gt=0, le=1)] = 0.1
    """By what ``step`` multiplies the rate, each time."""

    @classmethod
    def merge(cls, before: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        """Merge option by option; steps of ``step`` do not go over to another schedule that is named now."""
        name = before.get("name", "constant")
        kept = {key: value for key, value in before.items() if key != "at" or values.get("name", name) == name}
        return {**kept, **values}

    @model_validator(mode="after")
    def _steps_go_with_their_schedule(self) -> Schedule:
        if bool(self.at) != (self.name == "step"):
            said = "[], and it needs steps" if not self.at else f"{[*self.at]}, which only schedule.name=step reads"
            raise ValueError(f"name is {self.name} and at {said}. Say both, such as schedule.at=[500]")
        return self


Precision = Literal["auto", "float32", "bf16"]
"""Numbers that networks compute in; ``auto`` is bf16 on a GPU that has it, else float32."""


class Training(Section):
    """How long, on what, and how often things are written."""

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    epochs: PositiveInt = 200
    steps: PositiveInt | None = None
    """Steps of the whole run; overrules ``epochs``, unless those are said later."""
    batch_size: PositiveInt = 1
    """Items that are computed at once."""
    accumulate: PositiveInt = 1
    """How many times as many a step makes its updates of, computed one batch after another."""
    device: str = "auto"
    threads: PositiveInt | None = None
    """CPU threads; the bits of a result depend on it. All cores when not given."""
    compile: bool = False
    """Compile networks by ``torch.compile``, and say what that costs and when it pays."""
    capture: bool = True
    """Record a step on a CUDA device as a graph, where that can be, and repeat it."""
    precision: Precision = "auto"
    """Numbers that networks compute in: float32, or bf16 with weights, losses and updates in float32. ``auto`` is bf16
    on a GPU that has it, else float32."""
    init: str | None = None
    """Run, checkpoint or model folder whose weights the run begins with; drawn from the seed when not given."""
    checkpoint_every: PositiveInt = 1000
    """Steps between checkpoints."""
    keep: PositiveInt = 2
    """Checkpoints that are kept."""
    recompute: bool = False
    """Compute blocks of networks again for the gradient, instead of keeping what they made: less memory, more time."""
    patience: PositiveInt | None = None
    """Validations without a better one after which the run ends early; it goes to its end when not given."""
    export: Literal["translators", "all"] = "translators"
    """Networks that the run's models hold; with ``all``, those who get a model can train on from it."""
    loggers: Components = (Component(name="report"),)
    """Who hears how the run goes, besides the one who started it."""

    @classmethod
    def merge(cls, before: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        """Merge; a number of steps gives way to epochs that are said later."""
        return {**before, **({"steps": None} if values.get("epochs") is not None else {}), **values}
