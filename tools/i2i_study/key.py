"""What only the maker of a study has: which image is what, and which session shows it."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from i2i import safe_json
from i2i.errors import DataError, MissingInputError

KEY = "key.json"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Shown(_Strict):
    """An image of the page, which hides what it is behind a number."""

    name: str
    what: Literal["real", "fake", "scrambled"]
    model: str = ""
    """Of a fake, what made it."""


class Trial(_Strict):
    """A trial of a session."""

    part: Literal["practice", "scored", "attention"]
    images: tuple[int, int]
    """Indices of what is shown first and second."""
    fake: Literal[1, 2]
    """Which of them is fake."""


class Session(_Strict):
    """What one rater sees."""

    model: str
    trials: list[Trial]


class Key(_Strict):
    """All of a study, but for the images."""

    i2i_study: Literal[1] = 1
    study: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    """Checksum of all that the page shows: results name it."""
    made_by: str
    seed: int
    same_input: bool
    models: list[str]
    notes: list[str]
    images: list[Shown]
    sessions: list[Session]


def read_key(study: Path) -> Key:
    """Read the key of a study.

    Args:
        study: The folder that `i2i study make` wrote.

    Raises:
        MissingInputError: If there is none.
        DataError: If it is damaged.
    """
    file = study / KEY
    try:
        return Key.model_validate(safe_json.load(file.read_bytes()))
    except OSError:
        raise MissingInputError(
            f"There is no {str(file)!r}. Give --study the folder that `i2i study make` wrote."
        ) from None
    except ValidationError as error:
        raise DataError(f"{str(file)!r} is no key of a study: {flaw(error)}. Take it from a backup.") from None
    except ValueError as error:
        raise DataError(f"{str(file)!r} is damaged: {error}. Take it from a backup.") from None


def flaw(error: ValidationError) -> str:
    """Say where and what the first flaw of plain data is."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"])) or "all of it"
    return f"{where}: {first['msg'][:1].lower()}{first['msg'][1:]}"
