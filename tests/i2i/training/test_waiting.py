"""A step asks nothing of the device: it would wait for all that is under way there. This holds without a GPU.

A tensor on torch's ``meta`` device has no value, so that whoever asks for one fails.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from training_runs import tiny

from i2i.assembly import assemble
from i2i.contracts import Clock
from i2i.fields import Field, Fields
from i2i.parameters import asks_clock, given_to
from i2i.plugins import catalogue
from i2i.selection import select
from i2i.training import train
from i2i.training.trainer import Trainer
from i2i.training.updates import Updater

IMAGE, LABELS, INSTANCES = Field(channels=3), Field(channels=4, kind="ids", void=255), Field(channels=0, kind="ids")
SIZE = (32, 32)
STEPS = 3


class Case(NamedTuple):
    """A recipe, what is chosen of it, and the target of its data."""

    recipe: str
    parts: Mapping[str, Any]
    target: Field = IMAGE


UNET, RESNET = {"generator": {"depth": 3}}, {"generator": {"blocks": 1}, "generator_back": {"blocks": 1}}
PENALTIES = {"penalties": [{"name": "r1", "every": 2}, {"name": "r2", "every": 1}]}
LOSSES = {"pixel_loss": ["l2", "charbonnier", "ssim", "total-variation"], "gan_loss": "relativistic"}
CASES = {
    "bridge": Case("bridge", {"velocity": {"depth": 2, "blocks": 1}}),
    "cyclegan": Case("cyclegan", RESNET),
    "pix2pix": Case("pix2pix", UNET),
    "pix2pix with penalties": Case("pix2pix", UNET | PENALTIES),
    "pix2pix with other losses": Case("pix2pix", UNET | LOSSES),
    "pix2pixhd": Case("pix2pixhd", {"generator": {"blocks": 1, "downsamplings": 3}, "discriminator": {"scales": 2}}),
    "regression": Case("regression", UNET),
    "regression of classes": Case("regression", UNET, LABELS),
}


def fields_of(case: Case) -> Fields:
    extra = {"instances": INSTANCES} if case.recipe == "pix2pixhd" else {}
    return Fields({"source": IMAGE, "target": case.target, **extra}, SIZE)


def without_values(field: Field) -> Tensor:
    shape = (2, *SIZE) if field.kind == "ids" else (2, field.channels, *SIZE)
    return torch.empty(shape, dtype=torch.long if field.kind == "ids" else torch.float32, device="meta")


def on_meta(case: Case) -> tuple[Updater, Fields]:
    fields = fields_of(case)
    with torch.device("meta"):
        recipe = assemble(select(case.recipe, {}, case.parts, fields), fields)
        averaged = {name: 0.9 for name, _ in recipe.named_children() if name in ("generator", "velocity")}
        return Updater(recipe, {}, averaged), fields


def test_every_recipe_is_held_to_it() -> None:
    ours = {name for name, found in catalogue("recipe").items() if found.distribution == "i2i-toolkit"}
    assert {case.recipe for case in CASES.values()} == ours


@pytest.mark.parametrize("name", CASES)
def test_no_step_asks_for_a_value(name: str) -> None:
    updater, fields = on_meta(CASES[name])
    batch = {field: without_values(described) for field, described in fields.items()}
    for step in range(STEPS) if asks_clock(updater.recipe.step) else (0,):
        updater.scale(1 / (step + 1))
        given = given_to(updater.recipe.step, batch, fields, Clock(step, STEPS, 0))
        applied = updater.step(**given)
        assert all(value.is_meta for value in (*applied.losses.values(), *applied.figures.values()))


class Unasked(TorchDispatchMode):
    """Refuses what would have to wait for the device."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    WAITING = (
        torch.ops.aten._local_scalar_dense.default,
        torch.ops.aten.nonzero.default,
        torch.ops.aten.masked_select.default,
        torch.ops.aten.equal.default,
        torch.ops.aten._unique2.default,
    )

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert func not in self.WAITING, func
        return func(*args, **(kwargs or {}))


def test_nor_does_anything_else_between_two_steps(
    shared_pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance, steps = Trainer._advance, list[int]()

    def watched(trainer: Trainer, *given: Any) -> None:
        with Unasked():
            advance(trainer, *given)
        steps.append(trainer.progress.step)

    monkeypatch.setattr(Trainer, "_advance", watched)
    train(tiny(shared_pairs, schedule={"name": "linear"}, average={"generator": 0.9}), tmp_path / "run")
    assert steps == list(range(1, 13))


def test_asking_is_noticed() -> None:
    with pytest.raises(AssertionError, match="_local_scalar_dense"), Unasked():
        torch.ones(()).item()


@pytest.mark.filterwarnings("ignore:Synchronization debug mode")
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_is_not_waited_for_between_two_steps(
    shared_pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance = Trainer._advance

    def watched(trainer: Trainer, *given: Any) -> None:
        torch.cuda.set_sync_debug_mode("error" if trainer.progress.step else "default")
        try:
            advance(trainer, *given)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    monkeypatch.setattr(Trainer, "_advance", watched)
    config = tiny(shared_pairs, training={"device": "cuda", "capture": False})
    assert train(config, tmp_path / "run").step == 12
