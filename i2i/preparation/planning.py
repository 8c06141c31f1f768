"""What a preparation would do, in words, with nothing written."""

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

from i2i.options import build
from i2i.plugins import lookup
from i2i.preparation.choices import Choices, command_for, finds
from i2i.preparation.dataset import Command, DatasetFolder
from i2i.preparation.inputs import Inputs, list_inputs
from i2i.preparation.listing import absolute, is_url
from i2i.preparation.shards import cut


def plan(name: str, sources: Sequence[str | Path], out: str | Path, **choices: Unpack[Choices]) -> str:
    """What `i2i.preparation.prepare` would do with the same arguments.

    Args:
        name: The preparer.
        sources: What it is made of.
        out: Where it would go.
        **choices: What the dataset is to be; see `i2i.preparation.choices.Choices`.

    Returns:
        Some lines of text.

    Raises:
        I2iError: What `prepare` would raise about them before it begins.
    """
    provided = lookup("preparer", name)
    command = command_for(name, provided, sources, choices)
    target = absolute(out)
    if not is_url(target):
        DatasetFolder(Path(target)).check_ours()
    if finds(provided):
        preparer = build(provided.cls, options=command.all_options, owner=f"preparer {name!r}")
        found = preparer.plan([str(source) for source in sources])
    else:
        found = _found(list_inputs(sources, provided.cls, target, command.match, command.group))
    return f"{found}\n{_settings(command)}\nThe dataset would be {target!r}. Nothing has been written."


def _found(inputs: Inputs) -> str:
    files = sum(len(task.files) for task in inputs.tasks)
    shards = len(cut(inputs.tasks))
    pieces = "1 shard" if shards == 1 else f"{shards} shards"
    lines = [f"{len(inputs.tasks)} inputs ({files} images) would be worked on, in {pieces}."]
    for status in ("skipped", "rejected"):
        rows = [row for row in inputs.settled if row.status == status]
        if rows:
            reasons = ", ".join(sorted({row.reason for row in rows}))
            lines.append(f"{len(rows)} files would be {status}: {reasons}. The first is {rows[0].name!r}.")
    return "\n".join(lines)


def _settings(command: Command) -> str:
    return f"The command: {command.line(pairs=True)}"
