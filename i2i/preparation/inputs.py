"""What there is to do: one task an image, for several images that belong together, or for an item that was found."""

import hashlib
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from i2i import images
from i2i.data.tables.splitnames import SPLIT_NAMES
from i2i.errors import DataError, UsageError
from i2i.pairs import SPLITS, Finding, Item, Split
from i2i.plugins import suggest
from i2i.preparation.listing import Found, absolute, is_inside, is_url, list_sources
from i2i.preparation.naming import output_stems, without_suffix
from i2i.preparation.report import Row, Source
from i2i.preparation.splitting import SAFEST

SHARES = ("val", "test")
"""Choices that say how much is for what; a preparer with options of these names divides by them itself."""

MAX_SUGGESTIONS = 100  # each compares a name with all others


class Task(NamedTuple):
    """One input, and the stem of its outputs."""

    name: str
    """Printable, and different from that of every other task."""
    stem: str
    files: tuple[str, ...] = ()
    """Absolute paths, or URLs."""
    file_names: tuple[str, ...] = ()
    """Printable, relative to the sources."""
    stamps: tuple[str, ...] = ()
    """Stamps of the files, where they were listed with them."""
    group: str = ""
    split: Split | None = None
    """Where what is made of it must go."""
    item: Item | None = None
    """What it is made of instead of files."""


class Inputs(NamedTuple):
    """Everything that was found."""

    tasks: list[Task]
    """By name."""
    settled: list[Row]
    """What is skipped or rejected without looking into it, by name."""
    licence: str = ""
    attribution: str = ""
    remarks: tuple[str, ...] = ()
    facts: Mapping[str, Any] = {}
    kept: str = ""
    """Where the sources say themselves what is in which split: their folders that say so."""


def stamps_of(task: Task) -> tuple[str, ...]:
    """What changes when the input does: size and time of change, in nanoseconds, of each of its files."""
    if task.item is not None:
        return (hashlib.sha256(json.dumps(task.item.key, sort_keys=True).encode()).hexdigest()[:16],)
    return task.stamps or tuple(_stamp(file) for file in task.files)


def unread(file: str, name: str, stamp: str = "") -> Source:
    """What is known of a file that is not read.

    Args:
        file: Absolute path, or URL.
        name: What reports call it.
        stamp: Its stamp, where it was listed with it.
    """
    known = stamp or ("" if is_url(file) else _stamp(file))
    return Source(name=name, bytes=int(known.split()[0]) if known else 0)


def _stamp(file: str) -> str:
    try:
        status = os.stat(file)
    except OSError:  # reading it will say what is wrong
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"


def list_inputs(
    sources: Sequence[str | Path], cls: type[Any], written: Sequence[str], match: str = "", group: str = ""
) -> Inputs:
    """Find all inputs of a preparer that reads images.

    Args:
        sources: Files and folders; as many folders as the preparer takes images, where it takes several.
        cls: The preparer.
        written: Absolute paths and URLs of what is written, which is never read.
        match: Expression whose first group partners share; their paths without suffix when empty.
        group: Expression whose first group is shared by names that stay in one split.

    Raises:
        MissingInputError: If a source is not there.
        UsageError: If the sources are not what is wanted.
        DataError: If they hold no image.
    """
    places = [absolute(source) for source in sources]
    most, least = len(cls.inputs), len(cls.inputs) - getattr(cls, "optional", 0)
    together = most > 1 and (least > 1 or len(places) > 1)
    if together:
        _check_folders(places, least, most)
    elif match:
        raise UsageError("--match says which images of several folders belong together, and there is only one source.")
    found = list_sources(places, written)
    settled = [Row(name=images.printable(name), status="skipped", reason=reason) for name, reason in found.skipped]
    if not found.files:
        what = f" among the {len(settled)} files there" if settled else ""
        raise DataError(f"No image was found{what}. Give images, or folders that hold some.")
    if together:
        tasks, lonely = _matched(found.files, [place.rpartition("/")[2] for place in places], match)
        settled += lonely
    else:
        tasks = _single(found.files)
    inputs = _sorted(_grouped(tasks, group), settled)
    splits = _published(found.files) if getattr(cls, "keeps_splits", False) else {}
    return _kept(inputs, found.files, splits, named_by_key=together, by_match=bool(match)) if splits else inputs


def check_undivided(inputs: Inputs, chosen: Sequence[str]) -> None:
    """Refuse shares for sources that are divided already.

    Args:
        inputs: What was found.
        chosen: Names of the choices that the user made.

    Raises:
        UsageError: If they are, and shares were chosen.
    """
    if inputs.kept and (shares := [f"--{name}" for name in SHARES if name in chosen]):
        raise UsageError(
            f"The sources are divided already, into {inputs.kept}, which stay as they are. Leave out "
            f"{' and '.join(shares)}; `i2i prepare split` divides the dataset anew."
        )


def inputs_of(finding: Finding, group: str = "") -> Inputs:
    """The inputs that a `FindingPreparer` found.

    Args:
        finding: What it found.
        group: Expression whose first group is shared by names that stay in one split, of items without a group.

    Raises:
        DataError: If two of its items have one name.
        UsageError: If the expression does not match a name.
    """
    names = [item.name for item in finding.items]
    if len(set(names)) < len(names):
        twin = Counter(names).most_common(1)[0][0]
        raise DataError(f"Two items are called {twin!r}. The preparer must give each a name of its own.")
    stems = output_stems([f"{name}.x" for name in names])
    tasks = [
        Task(images.printable(item.name), stem, group=item.group, split=item.split, item=item)
        for item, stem in zip(finding.items, stems, strict=True)
    ]
    settled = [
        Row(name=images.printable(name), status=status, reason=reason, message=images.printable(message))
        for name, status, reason, message in finding.left_out
    ]
    inputs = _sorted(_grouped(tasks, group), settled)
    return inputs._replace(
        licence=finding.licence,
        attribution=finding.attribution,
        remarks=tuple(finding.remarks),
        facts=dict(finding.facts),
    )


def expression(text: str, flag: str) -> "re.Pattern[str]":
    """A regular expression with a group.

    Raises:
        UsageError: If it is none, or has no group.
    """
    try:
        compiled = re.compile(text)
    except re.error as error:
        raise UsageError(f"{flag} {text!r} is no regular expression: {error}.") from None
    if not compiled.groups:
        raise UsageError(f"{flag} {text!r} has no group. Put parentheses around what names share, as in '([^_]+)_'.")
    return compiled


def _sorted(tasks: list[Task], settled: list[Row]) -> Inputs:
    return Inputs(
        sorted(tasks, key=lambda task: task.name), sorted(settled, key=lambda row: (row.name, row.status, row.reason))
    )


def _single(found: Sequence[Found]) -> list[Task]:
    stems = output_stems([one.name for one in found])
    texts = [images.printable(one.name) for one in found]
    return [
        Task(text, stem, (one.file,), (text,), (one.stamp,) if one.stamp else ())
        for text, stem, one in zip(texts, stems, found, strict=True)
    ]


def _grouped(tasks: list[Task], group: str) -> list[Task]:
    if not group:
        return tasks
    pattern = expression(group, "--group")
    grouped = []
    for task in tasks:
        if task.group:
            grouped.append(task)
            continue
        if not (matched := pattern.search(task.name)) or matched[1] is None:
            raise UsageError(f"--group {group!r} does not match {task.name!r}. Give one that matches every name.")
        grouped.append(task._replace(group=matched[1]))
    return grouped


def _published(files: Sequence[Found]) -> dict[str, Split]:
    """Top folder -> split, where all images lie in folders that are called like splits: train, and another."""
    tops = {_top(one) for one in files}
    splits: dict[str, Split] = {name: split for split in SPLITS for name in SPLIT_NAMES[split] if name in tops}
    return splits if tops <= splits.keys() and {"train"} < set(splits.values()) else {}


def _kept(
    inputs: Inputs, files: Sequence[Found], splits: Mapping[str, Split], *, named_by_key: bool, by_match: bool
) -> Inputs:
    """Everything in the split whose folder it lies in, which outputs are not called by where names differ without it.

    Args:
        inputs: What there is to do.
        files: What was found.
        splits: Top folder -> split.
        named_by_key: Whether images of several folders belong together.
        by_match: Whether an expression says which; partners may then lie in two splits.
    """
    by_file = {one.file: one for one in files}
    members = [[by_file[file] for file in task.files] for task in inputs.tasks]
    lies_in = [{splits[_top(one)] for one in ones} for ones in members]
    tasks = [
        task._replace(split=next(split for split in SAFEST if split in among))
        for task, among in zip(inputs.tasks, lies_in, strict=True)
    ]
    short = [_without_top(ones[0], own_folder=named_by_key) for ones in members]
    if not by_match and len(set(map(without_suffix, short))) == len(short):
        tasks = [task._replace(stem=stem) for task, stem in zip(tasks, output_stems(short), strict=True)]
    kept = " and ".join(f"{name}/" for name in sorted(splits))
    remark = f"The sources are divided already, into {kept}: every pair stays where it was."
    return inputs._replace(tasks=tasks, kept=kept, remarks=(remark,))


def _top(one: Found) -> str:
    """The folder below its source that a file lies in."""
    top, slash, _ = one.inner.partition("/")
    return top if slash else ""


def _without_top(one: Found, *, own_folder: bool) -> str:
    """A file's name without that folder, relative to its own source or to all."""
    before = "" if own_folder else one.name[: len(one.name) - len(one.inner)]
    return before + one.inner.partition("/")[2]


def _check_folders(places: Sequence[str], least: int, most: int) -> None:
    number = str(most) if least == most else f"{least} to {most}"
    if not least <= len(places) <= most or not all(is_url(place) or os.path.isdir(place) for place in places):
        given = ", ".join(map(repr, places))
        raise UsageError(
            f"{number} folders are needed, one for each image that belongs to a pair, got {given}. "
            "Give them, then the dataset's."
        )
    for number_of, a in enumerate(places):
        for b in places[number_of + 1 :]:
            if is_inside(a, b) or is_inside(b, a):
                raise UsageError(f"{a!r} and {b!r} lie inside each other. Give folders that have no file in common.")


def _matched(found: Sequence[Found], folders: Sequence[str], match: str) -> tuple[list[Task], list[Row]]:
    """Tasks of the keys that every folder has once, and what is wrong with the others."""
    pattern = expression(match, "--match") if match else None
    sides: list[dict[str, list[Found]]] = [defaultdict(list) for _ in folders]
    rows = []
    for one in found:
        path = without_suffix(one.inner)
        matched = pattern.search(path) if pattern else None
        if pattern and not (matched and matched[1]):
            message = f"{one.inner!r} does not match {match!r}, so that its partner is not known."
            rows.append(_rejected(one.name, "no-match", message, [one]))
            continue
        sides[one.root][matched[1] if matched else path].append(one)
    keys = sorted(set().union(*sides), key=os.fsencode)
    whole = [key for key in keys if all(len(side.get(key, ())) == 1 for side in sides)]
    tasks = []
    for key, stem in zip(whole, output_stems([f"{key}.x" for key in whole]), strict=True):
        members = [side[key][0] for side in sides]
        texts = tuple(images.printable(one.name) for one in members)
        stamps = tuple(one.stamp for one in members) if members[0].stamp else ()
        tasks.append(Task(images.printable(key), stem, tuple(one.file for one in members), texts, stamps))
    lonely = set(keys) - set(whole)
    return tasks, rows + _lonely(sides, [key for key in keys if key in lonely], folders)


def _lonely(sides: Sequence[dict[str, list[Found]]], keys: Sequence[str], folders: Sequence[str]) -> list[Row]:
    rows = []
    for number, key in enumerate(keys):
        ones = [one for side in sides for one in side.get(key, ())]
        files = " and ".join(repr(one.inner.rpartition("/")[2]) for one in ones)
        lacking = [place for place, side in enumerate(sides) if key not in side]
        if lacking:
            others = sides[lacking[0]].keys() - set().union(*(s for i, s in enumerate(sides) if i != lacking[0]))
            near = suggest(key, others) if number < MAX_SUGGESTIONS else ""
            message = f"{files} has no partner in {' and '.join(repr(folders[place]) for place in lacking)}.{near}"
            rows.append(_rejected(key, "no-partner", message, ones))
        else:
            message = f"{files} have the same name. Leave one in each folder."
            rows.append(_rejected(key, "several-partners", message, ones))
    return rows


def _rejected(name: str, reason: str, message: str, files: Sequence[Found]) -> Row:
    sources = tuple(unread(one.file, images.printable(one.name), one.stamp) for one in files)
    text = images.printable(message)
    return Row(name=images.printable(name), status="rejected", reason=reason, message=text, sources=sources)
