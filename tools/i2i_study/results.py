"""Results of raters: files of strangers, so each is taken for what it says only after everything in it was checked."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from i2i import images, safe_json
from i2i.errors import DataError, MissingInputError, things
from i2i_study.key import Key, Session, flaw

MAX_BYTES = 1_000_000

Seconds = Annotated[float, Field(ge=0, le=1e7, allow_inf_nan=False)]
Side = Annotated[int, Field(ge=0, le=100_000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Answer(_Strict):
    """What a rater said in a trial."""

    fake: Literal[1, 2]
    """Which image, the first or the second."""
    seconds: Seconds
    """From the question to the answer."""
    shown: Annotated[list[Seconds], Field(min_length=2, max_length=2)]
    """How long each image was on the screen."""


class Result(_Strict):
    """What the page saves."""

    i2i_study: Literal[1]
    study: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    session: Annotated[int, Field(ge=1)]
    rater: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    window: Annotated[list[Side], Field(min_length=2, max_length=2)]
    """Width and height in CSS pixels."""
    answers: Annotated[list[Answer], Field(max_length=10_000)]


class Rater(NamedTuple):
    """A result, and the session that it belongs to."""

    result: Result
    session: Session

    def right(self, part: str) -> list[bool]:
        """Return of each trial of a part whether the fake was found."""
        both = zip(self.session.trials, self.result.answers, strict=True)
        return [answer.fake == trial.fake for trial, answer in both if trial.part == part]


class Collected(NamedTuple):
    """Results that count, and why others do not."""

    raters: list[Rater]
    left_out: list[str]
    """A line each."""


def collect(paths: Sequence[Path], key: Key, *, allow_wrong: int = 0) -> Collected:
    """Read results, and leave out what does not count.

    Args:
        paths: Files, and folders of files that end in ``.json``.
        key: The study.
        allow_wrong: How many attention trials a rater may get wrong.

    Raises:
        MissingInputError: If a path is not there.
    """
    raters: dict[str, tuple[Rater, str]] = {}
    left_out = []
    for path in _files(paths):
        where = repr(images.printable(str(path)))
        try:
            rater = _read(path, key)
        except DataError as error:
            left_out.append(f"{where} is left out: {error}")
            continue
        name = rater.result.rater
        if name in raters:
            same = raters[name][0].result == rater.result
            what = "the same answers" if same else "other answers of the same rater"
            left_out.append(f"{where} is left out: {what} are in {raters[name][1]}. A rater counts once.")
            continue
        raters[name] = (rater, where)
    return Collected(*_attentive(raters.values(), left_out, allow_wrong))


def _attentive(
    raters: Iterable[tuple[Rater, str]], left_out: list[str], allow_wrong: int
) -> tuple[list[Rater], list[str]]:
    kept, lines = [], list(left_out)
    for rater, where in raters:
        right = rater.right("attention")
        if right.count(False) > allow_wrong:
            wrong = f"{right.count(False)} of {things(len(right), 'attention trial')} wrong"
            lines.append(f"Rater {rater.result.rater} is left out: {wrong} ({where}).")
        else:
            kept.append(rater)
    return kept, lines


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(path.glob("*.json"))
        elif path.exists():
            yield path
        else:
            raise MissingInputError(f"There is no {str(path)!r}. Give results that raters sent, or a folder of them.")


def _read(path: Path, key: Key) -> Rater:
    """Read one result.

    Raises:
        DataError: If it is none of this study; the message does not say which file.
    """
    result = _parsed(path)
    if result.study != key.study:
        raise DataError(f"it belongs to study {result.study}, and this one is {key.study}.")
    if result.session > len(key.sessions):
        raise DataError(f"it has session {result.session}, and the study has {len(key.sessions)}.")
    session = key.sessions[result.session - 1]
    if len(result.answers) != len(session.trials):
        raise DataError(f"it has {things(len(result.answers), 'answer')} to {things(len(session.trials), 'trial')}.")
    return Rater(result, session)


def _parsed(path: Path) -> Result:
    if not path.is_file():
        raise DataError("it is no file.")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DataError(f"it cannot be read: {(error.strerror or str(error)).lower()}.") from None
    if len(data) > MAX_BYTES:
        raise DataError(f"it is larger than {MAX_BYTES:,} bytes, and no result is.")
    try:
        return Result.model_validate(safe_json.load(data))
    except ValidationError as error:
        raise DataError(f"it is no result of a study ({flaw(error)}).") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"it is damaged ({str(error).lower()}).") from None
