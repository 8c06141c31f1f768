"""A run for TensorBoard."""

import shlex
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from i2i import images
from i2i.errors import UsageError


class TensorBoard:
    """Losses, figures and samples for TensorBoard, in ``logs/tensorboard``; look by ``tensorboard --logdir runs``.

    Steps that a resumed run makes again take the place of what they were.

    Args:
        every: Steps from one point of a curve to the next.

    Raises:
        UsageError: If the package ``tensorboard`` is missing.
    """

    def __init__(self, folder: Path, *, every: Annotated[int, Field(ge=1)] = 10) -> None:
        if find_spec("tensorboard") is None:
            raise UsageError("Logger 'tensorboard' needs TensorBoard. Install it: pip install 'i2i-toolkit[track]'.")
        self._folder, self._every = folder / "logs" / "tensorboard", every
        self.where = f"tensorboard --logdir {shlex.quote(str(folder))}"

    def started(self, facts: Mapping[str, str], done: int, total: int) -> None:
        """Begin a file of events, and note what the run is."""
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(self._folder), purge_step=done + 1)
        table = "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in facts.items())])
        self._writer.add_text("run", table, done)

    def advanced(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Note losses and figures of steps; one that is not finite is left out."""
        for row in rows:
            if row["step"] % self._every == 0:
                for name, value in row.items():
                    if value is not None and name not in ("step", "epoch"):
                        self._writer.add_scalar(name, value, row["step"])

    def validated(self, step: int, figures: Mapping[str, float], best: bool) -> None:
        """Note figures of held-out items."""
        for name, value in figures.items():
            self._writer.add_scalar(f"validation/{name}", value, step)
        self._writer.flush()

    def pictured(self, step: int, path: Path) -> None:
        """Note samples."""
        self._writer.add_image("samples", images.read(path).pixels, step, dataformats="HWC")

    def ended(self, words: str) -> None:
        """Write what is left."""
        self._writer.close()
