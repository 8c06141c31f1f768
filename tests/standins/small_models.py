"""Model folders of the smallest networks."""

from pathlib import Path
from typing import Any

import torch

from i2i.assembly import assemble
from i2i.fields import Field, Fields
from i2i.selection import select
from i2i.translation.model import ModelConfig, origins, save_model

SMALL = {"generator": {"depth": 2, "base_channels": 4, "dropout": 0.5}}


def model_folder(
    path: Path, source: int = 3, target: int = 3, dtype: str = "uint8", *, parts: Any = None, **config: Any
) -> Path:
    """A model of drawn weights.

    Args:
        path: Where it goes.
        source: Channels.
        target: Channels.
        dtype: Of the targets.
        parts: Component and options of each part; a small U-Net when not given.
        config: What else is not as it usually is.
    """
    sides = {
        "source": Field(channels=source, dtype="uint8"),
        "target": Field.model_validate({"channels": target, "dtype": dtype}),
    }
    fields = Fields(sides, (16, 16))
    selection = select("pix2pix", {}, SMALL if parts is None else parts, fields)
    torch.manual_seed(0)
    recipe = assemble(selection, fields)
    about: dict[str, Any] = {"size": 16, "direction": "AtoB", "mode": "deterministic", "step": 1, **sides, **config}
    weights = {"generator": recipe.get_submodule("generator").state_dict()}
    save_model(path, ModelConfig(selection=selection, providers=origins(selection), **about), weights)
    return path
