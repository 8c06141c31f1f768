"""What is known about the sets that can be fetched."""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from i2i import safe_yaml
from i2i.errors import UnknownNameError, UsageError, suggest

UNPAIRED = frozenset(
    {"ae_photos", "apple2orange", "cezanne2photo", "grumpifycat", "horse2zebra", "iphone2dslr_flower", "monet2photo"}
    | {"summer2winter_yosemite", "ukiyoe2photo", "vangogh2photo"}
)
"""Sets of Zhu et al. 2017 and later that people ask for by name."""


class ClassicSet(BaseModel):
    """A set of pairs that somebody published. What is not known is None."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    hub: str | None
    """Repository of the Hugging Face Hub that holds a copy."""
    archive: str | None
    """Address of the authors' own archive of A|B files."""
    pairs: dict[str, int]
    """As published, by split."""
    sizes: dict[Literal["hub", "archive"], int]
    """Bytes to be fetched, by where from, as far as that is known."""
    halves: tuple[str, str] | None
    """What is in A and in B of the authors' archive."""
    licence: str | None
    """Its identifier by SPDX."""
    terms: str
    """Where the images are from, and what that means."""
    cite: str


@cache
def classic_sets() -> dict[str, ClassicSet]:
    """Load all sets, by name."""
    file = Path(__file__).with_name("sets.yaml")
    table = safe_yaml.load(file.read_text("utf-8"), file.name)
    return {name: ClassicSet.model_validate(facts) for name, facts in table.items()}


def classic_set(name: str) -> ClassicSet:
    """Return the set of that name.

    Raises:
        UnknownNameError: If there is none.
        UsageError: If it has no pairs.
    """
    known = classic_sets()
    if name in UNPAIRED:
        raise UsageError(
            f"{name!r} is a set of CycleGAN without pairs, and i2i trains on pairs. Sets of pairs: {', '.join(known)}."
        )
    if name not in known:
        raise UnknownNameError(f"No classic set is called {name!r}.{suggest(name, known)} Known: {', '.join(known)}.")
    return known[name]
