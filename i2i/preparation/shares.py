"""What is said where the splits are not as large as was asked for."""

from math import floor

from i2i.preparation.command import Command
from i2i.preparation.report import Tally
from i2i.preparation.splitting import HELD_OUT
from i2i.preparation.tasks import Inputs


def missed_shares(command: Command, tally: Tally, inputs: Inputs) -> list[str]:
    """Why nothing is held out, or far more or fewer pairs than the shares say; nothing where it is as it should be.

    Args:
        command: What was asked for.
        tally: What was made.
        inputs: What it was made of; nothing is said where inputs say themselves where they belong, or were not asked.
    """
    pairs = sum(tally.splits.values())
    divided = any(task.split for task in inputs.tasks)
    if not pairs or not inputs.tasks or divided or not tally.of_pairs:
        return []
    remarks = []
    for split in HELD_OUT:
        share: float = getattr(command, split)
        wanted, got = max(floor(pairs * share + 0.5), int(share > 0)), tally.splits[split]
        if abs(got - wanted) > max(wanted / 2, 1) or bool(wanted) > bool(got):
            said = f"{split} has {got or 'none'} of {pairs} pairs" if pairs > 1 else f"{split} has no pair"
            remarks.append(f"{said}, where --{split} {share:g} means {wanted}: {_why(command, tally, pairs)}.")
    return remarks


def _why(command: Command, tally: Tally, pairs: int) -> str:
    if pairs == 1:
        return "there is only one, which is for training"
    if command.split == "hash":
        return "--split hash draws for each lot of pairs by itself"
    if tally.splits["train"] == 1:
        return "one must be left for training"
    return "pairs that share an image, look the same or have one group stay together"
