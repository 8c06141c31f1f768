"""What a preparation would do, in words, with nothing written."""

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

from i2i.preparation.choices import Wishes, finds, makes_images
from i2i.preparation.remaking import losses_of, remarks_on
from i2i.preparation.request import Request, request_for
from i2i.preparation.shards import cut
from i2i.preparation.tasks import Inputs
from i2i.preparation.unchanged import check_unchanged


def plan(
    name: str,
    sources: Sequence[str | Path],
    out: str | Path,
    **wishes: Unpack[Wishes],
) -> str:
    """What `i2i.preparation.prepare` would do with the same arguments, which it describes.

    Returns:
        Some lines of text.

    Raises:
        I2iError: What `prepare` would raise about them before it begins.
    """
    request = request_for(name, sources, out, wishes)
    finished = request.standing() == "finished"
    preparer = request.construct()
    if finds(request.provided):
        found = str(preparer.plan(list(request.sources)))
    else:
        inputs = request.find_inputs(lambda done, total: None)
        if finished or (request.dataset.reported and not request.means["overwrite"]):
            check_unchanged(request.dataset, inputs)
        found = "" if finished else _found(inputs)
    lost = remarks_on(losses_of(request.dataset), made=False) if finished else []
    return "\n".join(filter(None, [found, *_about(request, finished, lost), "Nothing has been written."]))


def _about(request: Request, finished: bool, lost: Sequence[str]) -> list[str]:
    command = f"The command: {request.command.line(pairs=not makes_images(request.provided))}"
    if finished:
        unseen = " unless the sources have changed" if finds(request.provided) and not request.asks_others else ""
        there = f"The dataset is in {str(request.dataset.folder)!r} already"
        return [command, f"{there}.", *lost] if lost else [command, f"{there}; nothing would be made{unseen}."]
    replaces = " It replaces the one that is there." if request.dataset.card.is_file() else ""
    return [command, f"The dataset would be {request.target!r}.{replaces}"]


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
    return "\n".join([*lines, *inputs.remarks])
