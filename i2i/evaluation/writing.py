"""The folder of an evaluation."""

from pathlib import Path

from i2i.evaluation.grids import write_grid
from i2i.evaluation.page import write_page
from i2i.evaluation.pictures import Pictures
from i2i.evaluation.results import Evaluation
from i2i.evaluation.tables import write_tables
from i2i.system.files import make_folder, write_atomically

RESULTS = "evaluation.json"


def write(evaluation: Evaluation, pictures: Pictures, folder: Path) -> None:
    """Write all that an evaluation found, replacing what an earlier one wrote.

    These are ``evaluation.json``, ``figures.csv``, ``items.csv``, ``table.tex``, ``grid.png`` and ``index.html``.

    Args:
        evaluation: What was found.
        pictures: Of its items.
        folder: Where it goes; made when missing.

    Raises:
        OutputError: If that is not possible.
    """
    make_folder(folder)
    write_atomically(folder / RESULTS, f"{evaluation.model_dump_json(indent=2)}\n".encode())
    write_tables(evaluation, folder)
    write_grid(evaluation, pictures, folder)
    write_page(evaluation, pictures, folder)
