"""The journals keep what is done through any number of kills, and never what is not true."""

import hashlib
from pathlib import Path

import pytest

from i2i.preparation.folder import DatasetFolder
from i2i.preparation.journal import Journals, add_line
from i2i.preparation.report import Output, Row
from i2i.preparation.tasks import Shard, Task, cut, stamps_of


@pytest.fixture
def shard(tmp_path: Path) -> Shard:
    tasks = []
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / name).write_bytes(name.encode())
        tasks.append(Task(name, name[0], (str(tmp_path / name),), (name,)))
    (whole,) = cut(tasks)
    return whole


def row(name: str, *files: Path, folder: Path = Path("/")) -> Row:
    outputs = tuple(
        Output(
            file=file.relative_to(folder).as_posix(),
            bytes=file.stat().st_size,
            sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
            height=1,
            width=1,
            channels=1,
            dtype="uint8",
        )
        for file in files
    )
    return Row(name=name, status="made", notes=("x\u2028y",), outputs=outputs)


def line(shard: Shard, row: Row) -> bytes:
    task = next(task for task in shard.tasks if task.name == row.name)
    return row.model_copy(update={"stamps": stamps_of(task)}).to_line()


def journals(folder: Path, *shards: Shard) -> Journals:
    dataset = DatasetFolder(folder)
    dataset.journals, dataset.outputs = folder / "shards", folder
    return Journals(dataset, shards)


def add(folder: Path, shard: Shard, *rows: Row) -> Path:
    path = journals(folder, shard).part(shard)
    for each in rows:
        add_line(path, line(shard, each))
    return path


def names_kept(folder: Path, shard: Shard) -> list[str]:
    return sorted(row.name for row in journals(folder, shard).resume(shard).values())


def test_entries_come_back_as_they_were(tmp_path: Path, shard: Shard) -> None:
    add(tmp_path, shard, row("b.png"))
    add(tmp_path, shard, row("a.png"))
    kept = journals(tmp_path, shard).resume(shard)
    assert {number: row.to_line() for number, row in kept.items()} == {
        0: line(shard, row("a.png")),
        1: line(shard, row("b.png")),
    }


@pytest.mark.parametrize("lost", [1, 5, 40, 80])
def test_line_that_was_cut_off_spoils_neither_its_own_nor_later_ones(lost: int, tmp_path: Path, shard: Shard) -> None:
    path = add(tmp_path, shard, row("a.png"), row("b.png"))
    path.write_bytes(path.read_bytes()[:-lost])
    add_line(path, line(shard, row("c.png")))
    kept = ["a.png", "b.png", "c.png"] if lost == 1 else ["a.png", "c.png"]
    assert names_kept(tmp_path, shard) == kept


def test_entry_whose_outputs_are_gone_or_damaged_is_dropped(tmp_path: Path, shard: Shard) -> None:
    files = [tmp_path / name / f"{name}.png" for name in "abc"]  # beside the inputs of these names
    for file in files:
        file.parent.mkdir()
        file.write_bytes(file.name.encode())
    add(
        tmp_path, shard, *(row(task.name, file, folder=tmp_path) for task, file in zip(shard.tasks, files, strict=True))
    )
    files[1].unlink()
    files[2].write_bytes(b"C" + files[2].read_bytes()[1:])
    assert names_kept(tmp_path, shard) == ["a.png"]


def test_entry_about_another_input_is_dropped(tmp_path: Path, shard: Shard) -> None:
    files = [tmp_path / "made" / f"{name}.png" for name in "bc"]
    files[0].parent.mkdir()
    for file in files:
        file.write_bytes(b"made")
    made = [row(file.name, file, folder=tmp_path) for file in files]
    add(tmp_path, shard, row("a.png"), *made)
    (tmp_path / "a.png").write_bytes(b"another picture")
    tasks = [*shard.tasks[:1], shard.tasks[1]._replace(stem="other"), shard.tasks[2]]
    assert names_kept(tmp_path, Shard(shard.identity, tasks)) == ["c.png"]


def test_complete_shard_is_one_journal_in_the_order_of_tasks(tmp_path: Path, shard: Shard) -> None:
    add(tmp_path, shard, row("c.png"))
    journal = journals(tmp_path, shard)
    journal.close(shard, [line(shard, row(task.name)) for task in shard.tasks])
    assert [path.name for path in (tmp_path / "shards").iterdir()] == [f"{shard.identity}.jsonl"]
    assert [made.name for made in journal.rows([shard])] == ["a.png", "b.png", "c.png"]


def test_complete_shard_that_lost_an_output_is_complete_no_more(tmp_path: Path, shard: Shard) -> None:
    out = tmp_path / "made" / "b.png"
    out.parent.mkdir()
    out.write_bytes(b"made")
    lines = [
        line(shard, row(task.name, out, folder=tmp_path) if task.name == "b.png" else row(task.name))
        for task in shard.tasks
    ]
    journals(tmp_path, shard).close(shard, lines)
    assert names_kept(tmp_path, shard) == ["a.png", "b.png", "c.png"]
    out.unlink()
    assert names_kept(tmp_path, shard) == ["a.png", "c.png"]
    assert not journals(tmp_path, shard).complete(shard).exists()


def test_shards_are_cut_in_order() -> None:
    tasks = [Task(f"{i:04}", f"{i:04}") for i in range(1000)]
    shards = cut(tasks, 64)
    assert [task for shard in shards for task in shard.tasks] == tasks
    assert {len(shard.tasks) for shard in shards[:-1]} == {64}
    assert len({shard.identity for shard in shards}) == len(shards) == 16
    assert cut(tasks, 64) == shards
