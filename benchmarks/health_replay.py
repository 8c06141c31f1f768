"""Replays runs as `i2i.training.health` saw their losses, or would have seen them: what is said of which.

    python benchmarks/health_replay.py RUNS

``RUNS`` is a folder in which run folders are. Of each run it prints what its losses give reason to say, then how many
runs there are. Losses alone are replayed: what pictures and clocks say is not in ``metrics.jsonl``.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from i2i import safe_json
from i2i.assembly import assemble
from i2i.config import read_file, resolve
from i2i.errors import I2iError
from i2i.fields import Fields
from i2i.parts import Adversarial
from i2i.training.health import Health
from i2i.translation.model import read_config


def replay(run: Path) -> list[str]:
    """Return what is said of a run."""
    model = read_config(run / "model")
    fields = Fields(model.fields, model.size)
    config = resolve([read_file(run / "config.yaml")]).for_data(fields)
    with torch.device("meta"):
        recipe = assemble(config.selection, fields)
    for part in recipe.children():
        if isinstance(part, Adversarial):
            part.loss = part.loss.to_empty(device="cpu")
            part.scales = 1
    return list(Health(recipe, config, fields).advanced(list(rows(run))))


def rows(run: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of its steps."""
    for line in (run / "metrics.jsonl").read_text().splitlines():
        row = safe_json.load(line)
        if "validation" not in row:
            yield row


def main() -> None:
    """Print what is said of each run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", type=Path, nargs="+")
    found, without = 0, []
    for folder in parser.parse_args().runs:
        for config in sorted(folder.glob("*/config.yaml")):
            try:
                said = replay(config.parent)
            except I2iError as error:
                without.append(f"{config.parent}: {error}")
                continue
            found += 1
            for line in said:
                print(f"{config.parent}: {line}")
    for line in without:
        print(f"not replayed: {line}")
    print(json.dumps({"runs": found, "not replayed": len(without)}))


if __name__ == "__main__":
    main()
