"""What is trained: the cells of the paper's tables, by the settings that make each of them.

Paper: Isola et al. 2017, arXiv 1611.07004v3, tables 1, 2, 3 and 6.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

Settings = dict[str, Any]

CLASSES, VOID = 11, 11
"""Classes of CamVid, and the id of pixels that have none."""

LOSSES: Mapping[str, Settings] = {
    "l1": {"recipe": {"gan_weight": 0.0}},
    "gan": {"recipe": {"conditional": False}, "pixel_loss": []},
    "cgan": {"pixel_loss": []},
    "l1-gan": {"recipe": {"conditional": False}},
    "l1-cgan": {},
}
"""The paper's objectives, as the docstring of the recipe pix2pix says them."""


@dataclass(frozen=True)
class Profile:
    """One size at which the tables are made.

    Attributes:
        size: Height and width of the images, in pixels; the generators halve them down to one pixel.
        width: ``base_channels`` of generators and discriminators.
        batch: Pairs in a batch.
        steps: Length of every run.
        every: Steps between checkpoints.
        device: Device, as ``training.device`` says it.
        threads: CPU threads of a run; all cores where it is None.
        workers: Processes that read a run's images.
        patches: Layers of the discriminator by the receptive field that they have, in pixels.
        default_patch: Receptive field of all cells but those of table 3.
    """

    size: int
    width: int
    batch: int
    steps: int
    every: int
    device: str
    threads: int | None
    workers: int
    patches: Mapping[int, int]
    default_patch: int = 70

    @property
    def depth(self) -> int:
        return self.size.bit_length() - 1


SMALL = Profile(
    size=64,
    width=32,
    batch=8,
    steps=1500,
    every=500,
    device="cpu",
    threads=1,
    workers=0,
    patches={1: 0, 16: 1, 34: 2, 70: 3},
)

PROFILES: Mapping[str, Profile] = {
    "quick": replace(SMALL, width=16, steps=600, every=300),
    "small": SMALL,
    "paper": Profile(
        size=256,
        width=64,
        batch=8,
        steps=9200,  # 200 epochs of CamVid's 367 pairs
        every=2300,
        device="cuda",
        threads=None,
        workers=4,
        patches={1: 0, 16: 1, 70: 3, 286: 5},
    ),
}
"""The first two are for two CPU cores: a patch of 70 sees 1.1 times the width there, as 286 does at 256 pixels."""


@dataclass(frozen=True, eq=False)
class Cell:
    """One row of a table, trained once for each seed.

    Attributes:
        name: Folder of its runs.
        recipe: Recipe that trains it.
        settings: What it is trained with, beside the profile.
        to_labels: Whether photographs become labels; otherwise labels become photographs.
    """

    name: str
    recipe: str
    settings: Settings
    to_labels: bool = False


def cells(profile: Profile) -> list[Cell]:
    """Return every cell of the four tables once, those of table 1 first; several tables share the U-Net's."""
    default: Settings = {"discriminator": {"layers": profile.patches[profile.default_patch]}}
    found = [Cell(f"photo-{loss}", "pix2pix", default | settings) for loss, settings in LOSSES.items()]
    found += [
        Cell(f"photo-encoder-decoder-{loss}", "pix2pix", default | LOSSES[loss] | {"generator": "encoder-decoder"})
        for loss in ("l1", "l1-cgan")
    ]
    found += [
        Cell(f"photo-patch-{patch}", "pix2pix", {"discriminator": {"layers": layers}})
        for patch, layers in profile.patches.items()
        if patch != profile.default_patch
    ]
    found += [
        Cell(f"labels-{loss}", "pix2pix", default | LOSSES[loss], to_labels=True) for loss in ("l1", "cgan", "l1-cgan")
    ]
    return [*found, Cell("labels-cross-entropy", "regression", {}, to_labels=True)]


def run_settings(cell: Cell, profile: Profile, streets: str, seed: int) -> Settings:
    """Return the settings of a run, as a file for ``i2i train --config`` holds them.

    Args:
        cell: What is trained.
        profile: At which size.
        streets: The dataset folder, as `paper_tables.streets` makes it.
        seed: Seed of the run.
    """
    generator = cell.settings.get("generator", "unet")
    settings: Settings = {
        **cell.settings,
        "recipe": {"name": cell.recipe, **cell.settings.get("recipe", {})},
        "generator": {"name": generator, "depth": profile.depth, "base_channels": profile.width},
        "dataset": _columns(cell),
        "data": {"path": streets, "crop": profile.size, "workers": profile.workers},
        "inference": {"mode": "paper"},
        "validation": {"every": profile.steps + 1, "images": 8},  # it decides nothing: the last model is judged
        "training": {
            "steps": profile.steps,
            "batch_size": profile.batch,
            "seed": seed,
            "device": profile.device,
            "threads": profile.threads,
            "checkpoint_every": profile.every,
            "keep": 1,
        },
    }
    if cell.recipe == "regression":
        settings["optimizer"] = {"lr": 2e-4, "betas": [0.5, 0.999]}  # those of pix2pix, so that the loss alone differs
    if "discriminator" in settings and settings["recipe"].get("gan_weight") == 0:
        del settings["discriminator"]
    elif "discriminator" in settings:
        settings["discriminator"] = {**settings["discriminator"], "base_channels": profile.width}
    return settings


def _columns(cell: Cell) -> Settings:
    """Return what the dataset takes as source and target; labels are colours, as in the authors' code."""
    if not cell.to_labels:
        return {"source": ["colours"], "target": ["photo"]}
    if cell.recipe == "regression":
        return {"source": ["photo"], "target": ["ids"], "target_classes": CLASSES, "void": VOID}
    return {"source": ["photo"], "target": ["colours"]}
