"""Splits that sources were published with: what lies in folders that are called like splits stays in them."""

from collections.abc import Mapping, Sequence

from i2i.preparation.listing import Found
from i2i.preparation.naming import composed, output_stems
from i2i.preparation.tasks import Inputs
from i2i.splits import SAFEST, SPLIT_NAMES, SPLITS, Split


def published_splits(files: Sequence[Found]) -> dict[str, Split]:
    """Return top folder -> split, where all images lie in folders that are called like splits: train, and another."""
    tops = {_top(one) for one in files}
    splits: dict[str, Split] = {name: split for split in SPLITS for name in SPLIT_NAMES[split] if name in tops}
    return splits if tops <= splits.keys() and {"train"} < set(splits.values()) else {}


def keep_published(
    inputs: Inputs, files: Sequence[Found], splits: Mapping[str, Split], *, named_by_key: bool, by_match: bool
) -> Inputs:
    """Put everything into the split whose folder it lies in, and leave that folder out of names that differ without it.

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
    if not by_match and len(set(map(composed, short))) == len(short):
        tasks = [task._replace(stem=stem) for task, stem in zip(tasks, output_stems(short), strict=True)]
    where = " and ".join(f"{name}/" for name in sorted(splits))
    remark = f"The sources are divided already, into {where}: every pair stays where it was."
    return inputs._replace(tasks=tasks, published=where, remarks=(remark,))


def _top(one: Found) -> str:
    """Return the folder below its source that a file lies in."""
    top, slash, _ = one.inner.partition("/")
    return top if slash else ""


def _without_top(one: Found, *, own_folder: bool) -> str:
    """Return a file's name without that folder, relative to its own source or to all."""
    before = "" if own_folder else one.name[: len(one.name) - len(one.inner)]
    return before + one.inner.partition("/")[2]
