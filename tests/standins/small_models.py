"""Model folders of the smallest networks."""

from pathlib import Path
from typing import Any

import torch

from i2i.assembly import assemble
from i2i.fields import Field, Fields
from i2i.selection import select
from i2i.translation.model import ModelConfig, origins, save_model
from i2i.translation.parts import translating

SMALL = {"generator": {"depth": 2, "base_channels": 4, "dropout": 0.5}}


def model_folder(
    path: Path, source: int = 3, target: int = 3, dtype: str = "uint8", *, parts: Any = None, **config: Any
) -> Path:
    """A model of drawn weights, of the recipe pix2pix.

    Args:
        path: Where it goes.
        source: Channels.
        target: Channels.
        dtype: Of the targets.
        parts: Component and options of each part; a small U-Net when not given.
        config: What else is not as it usually is.
    """
    fields = {
        "source": Field(channels=source),
        "target": Field.model_validate({"channels": target, "dtype": dtype}),
    }
    return any_model(path, "pix2pix", SMALL if parts is None else parts, **{"fields": fields, **config})


def any_model(
    path: Path,
    recipe: str,
    parts: Any,
    fields: dict[str, Field],
    options: dict[str, Any] | None = None,
    *,
    gain: float = 1,
    **config: Any,
) -> Path:
    """A model of drawn weights.

    Args:
        path: Where it goes.
        recipe: Its name.
        parts: Component and options of each part.
        fields: What its data had.
        options: Of the recipe.
        gain: What weights of convolutions are multiplied by; as drawn, many networks make plain gray.
        config: What else is not as it usually is.
    """
    about: dict[str, Any] = {"size": (16, 16), "direction": "AtoB", "mode": "deterministic", "step": 1, **config}
    data = Fields(fields, about["size"])
    selection = select(recipe, options or {}, parts, data)
    torch.manual_seed(0)
    made = assemble(selection, data)
    with torch.no_grad():
        for weight in made.parameters():
            weight.mul_(gain if weight.ndim == 4 else 1)
    networks = {part: getattr(made, part) for part in translating(type(made), selection)}
    weights = {part: each.state_dict() for part, each in networks.items() if isinstance(each, torch.nn.Module)}
    written = {part: each for part, each in weights.items() if each}
    save_model(path, ModelConfig(selection=selection, providers=origins(selection), fields=fields, **about), written)
    return path
