"""The card of a dataset: what ``dataset.yaml`` says about how it was made and what is in it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from i2i.pairs import range_of
from i2i.preparation.command import Command
from i2i.preparation.report import ImageCounts, Tally
from i2i.preparation.tasks import Inputs
from i2i.prepared import HALVES
from i2i.splits import SPLITS

FORMAT = 1


def card_of(command: Command, tally: Tally, inputs: Inputs) -> dict[str, Any]:
    """Build the content of ``dataset.yaml``."""
    halves = HALVES if len(tally.kinds) != 1 else ("image",)
    kinds = tally.kinds or [{} for _ in halves]
    counts = {name: tally.states[name] for name in ("made", "skipped", "rejected")}
    splits = {split: tally.splits[split] for split in SPLITS} if tally.of_pairs else {}
    return {
        "format": FORMAT,
        "command": command.line(pairs=tally.of_pairs),
        **command.model_dump(mode="json"),
        "counts": counts | splits,
        "images": {half: _described(kinds) for half, kinds in zip(halves, kinds, strict=True)},
        **({"remarks": list(inputs.remarks)} if inputs.remarks else {}),
        **({"facts": dict(inputs.facts)} if inputs.facts else {}),
        "licence": command.licence or inputs.licence,
        "attribution": command.attribution or inputs.attribution,
        **({"terms": inputs.terms} if inputs.terms else {}),
    }


def _described(kinds: Mapping[tuple[str, int], ImageCounts]) -> list[dict[str, Any]]:
    """Describe what images there are, by type and channels: how many, in which range of values, of which sizes."""
    return [
        {
            "images": kind.images,
            "dtype": dtype,
            "channels": channels,
            "range": list(range_of(np.dtype(dtype))),
            "height": list(kind.heights),
            "width": list(kind.widths),
        }
        for (dtype, channels), kind in sorted(kinds.items())
    ]
