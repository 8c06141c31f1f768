"""Finding the inputs: images, images of several folders that belong together, or what a preparer finds itself."""

import os
import shlex
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from i2i import images
from i2i.errors import DataError, UsageError, suggest, things
from i2i.pairs import Finding
from i2i.partners import expression, propose
from i2i.places import is_url, without_secrets
from i2i.preparation.listing import PREPARED, Found, Listing, absolute, is_inside, list_sources
from i2i.preparation.outputs import composed, output_stems
from i2i.preparation.report import Row
from i2i.preparation.tasks import Inputs, Task, unread
from i2i.splits import SPLIT_NAMES, SPLITS, Split, safest

MAX_SUGGESTIONS = 100  # each compares a name with all others


def list_inputs(
    sources: Sequence[str | Path],
    cls: type[Any],
    written: Sequence[str],
    match: str = "",
    group: str = "",
    *,
    pairs: bool = True,
) -> Inputs:
    """Find all inputs of a preparer that reads images.

    Args:
        sources: Files and folders; as many folders as the preparer takes images, where it takes several.
        cls: The preparer.
        written: Absolute paths and URLs of what is written, which is never read.
        match: Expression whose first group partners share; their paths without suffix when empty.
        group: Expression whose first group is shared by names that stay in one split.
        pairs: Whether pairs are made of them. Where they are divided already, into folders called train, val or test,
            each then stays in its split.

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
        what = f" among the {things(len(settled), 'file')} there" if settled else ""
        raise DataError(f"No image was found{what}. Give images, or folders that hold some.{_passed_over(found)}")
    remarks = [_passed_over(found).strip()]
    if together:
        folders = [place.rpartition("/")[2] for place in places]
        tasks, lonely = _matched(found.files, folders, match)
        settled += lonely
        if lonely and not match and (better := _better_match(found.files, folders)):
            if not tasks:
                raise DataError(f"No image has a partner of its name in each folder. {better}")
            remarks.append(better)
    else:
        tasks = _single(found.files)
    inputs = _sorted(_grouped(tasks, group), settled)
    if pairs:
        inputs = _keep_published(inputs, found.files, named_by_key=together, by_match=bool(match))
    return inputs._replace(remarks=(*inputs.remarks, *filter(None, remarks)))


def _keep_published(inputs: Inputs, files: Sequence[Found], *, named_by_key: bool, by_match: bool) -> Inputs:
    """Put everything into the split whose folder it lies in, and leave that folder out of names that differ without it.

    It does nothing unless all images lie in folders that are called like splits: train, and another.

    Args:
        inputs: What there is to do.
        files: What was found.
        named_by_key: Whether images of several folders belong together.
        by_match: Whether an expression says which; partners may then lie in two splits.
    """
    tops = {one.file: one.inner.partition("/")[0] if "/" in one.inner else "" for one in files}
    splits: dict[str, Split] = {name: split for split in SPLITS for name in SPLIT_NAMES[split]}
    folders = set(tops.values())
    if not folders <= splits.keys() or "train" not in (among := {splits[top] for top in folders}) or len(among) == 1:
        return inputs
    by_file = {one.file: one for one in files}
    tasks, short = [], []
    for task in inputs.tasks:
        lies_in = {splits[tops[file]] for file in task.files}
        tasks.append(task._replace(split=safest(lies_in)))
        first = by_file[task.files[0]]
        before = "" if named_by_key else first.name[: len(first.name) - len(first.inner)]
        short.append(before + first.inner.partition("/")[2])
    if not by_match and len(set(map(composed, short))) == len(short):
        tasks = [task._replace(stem=stem) for task, stem in zip(tasks, output_stems(short), strict=True)]
    where = " and ".join(f"{name}/" for name in sorted(folders))
    remark = f"The sources are divided already, into {where}: every pair stays where it was."
    return inputs._replace(tasks=tasks, published=where, remarks=(remark,))


def _passed_over(found: Listing) -> str:
    """Return what is said of prepared datasets in the sources, after a space; nothing where there are none."""
    names = [images.printable(name) for name, reason in found.skipped if reason == PREPARED]
    if not names:
        return ""
    several = f"{len(names)} folders, such as {names[0]!r}, are prepared datasets"
    which = several if len(names) > 1 else f"{names[0]!r} is a prepared dataset"
    return f" {which}, which is read only where it is the source itself: passed over."


def inputs_of(finding: Finding, group: str = "") -> Inputs:
    """Return the inputs that a `FindingPreparer` found.

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
    stems = output_stems([f"{name}.png" for name in names])
    tasks = [
        Task(images.printable(item.name), stem, group=item.group, split=item.split, item=item)
        for item, stem in zip(finding.items, stems, strict=True)
    ]
    settled = [
        Row(name=images.printable(name), status=status, reason=reason, message=images.printable(message))
        for name, status, reason, message in finding.left_out
    ]
    inputs = _sorted(_grouped(tasks, group), settled)
    return inputs._replace(remarks=tuple(finding.remarks), finding=replace(finding, items=()))


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


def _check_folders(places: Sequence[str], least: int, most: int) -> None:
    number = str(most) if least == most else f"{least} to {most}"
    given = ", ".join(repr(without_secrets(place)) for place in places)
    if not least <= len(places) <= most:
        raise UsageError(f"{number} folders are needed, one for each image of a pair, not {given}.")
    for place in places:
        if not is_url(place) and os.path.isfile(place):
            raise UsageError(f"{place!r} is a file. {number} folders are needed, one for each image of a pair.")
    for number_of, a in enumerate(places):
        for b in places[number_of + 1 :]:
            if is_inside(a, b) or is_inside(b, a):
                raise UsageError(f"{a!r} and {b!r} lie inside each other. Give folders that have no file in common.")


def _matched(found: Sequence[Found], folders: Sequence[str], match: str) -> tuple[list[Task], list[Row]]:
    """Return tasks of the keys that every folder has once, and what is wrong with the others."""
    pattern = expression(match, "--match") if match else None
    sides: list[dict[str, list[Found]]] = [defaultdict(list) for _ in folders]
    rows = []
    for one in found:
        path = composed(one.inner)
        matched = pattern.search(path) if pattern else None
        if pattern and not (matched and matched[1]):
            message = f"{one.inner!r} does not match {match!r}, so that its partner is not known."
            rows.append(_rejected(one.name, "no-match", message, [one]))
            continue
        sides[one.root][matched[1] if matched else path].append(one)
    keys = sorted(set().union(*sides), key=os.fsencode)
    whole = [key for key in keys if all(len(side.get(key, ())) == 1 for side in sides)]
    tasks = []
    for key, stem in zip(whole, output_stems([f"{key}.png" for key in whole]), strict=True):
        members = [side[key][0] for side in sides]
        texts = tuple(images.printable(one.name) for one in members)
        stamps = tuple(one.stamp for one in members) if members[0].stamp else ()
        tasks.append(Task(images.printable(key), stem, tuple(one.file for one in members), texts, stamps))
    lonely = set(keys) - set(whole)
    return tasks, rows + _lonely(sides, [key for key in keys if key in lonely], folders)


def _better_match(found: Sequence[Found], folders: Sequence[str]) -> str:
    """Say which expression would make partners of all images; nothing where none does."""
    sides = [[composed(one.inner) for one in found if one.root == root] for root in range(len(folders))]
    if (text := propose(sides)) is None:
        return ""
    return f"--match {shlex.quote(text)} makes partners of all {len(sides[0])} in {' and '.join(map(repr, folders))}."


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
