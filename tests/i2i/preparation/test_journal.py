"""The journal keeps what is done through any number of kills."""

from pathlib import Path

import pytest

from i2i.preparation.inputs import Task
from i2i.preparation.journal import Journal, entry_of
from i2i.preparation.report import Output, Row


@pytest.fixture
def tasks(tmp_path: Path) -> dict[str, Task]:
    made = {}
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / name).write_bytes(name.encode())
        made[name] = Task(name, name[0], (tmp_path / name,), (name,))
    return made


def row(name: str, *files: str) -> Row:
    outputs = tuple(Output(file=file, sha256="0", height=1, width=1, channels=1, dtype="uint8") for file in files)
    return Row(name=name, status="made", notes=("x\u2028y",), outputs=outputs)


def names_after(folder: Path, tasks: dict[str, Task], *added: Row) -> list[str]:
    with Journal(folder / "journal", tasks, folder) as journal:
        names = [row.name for row in journal.rows]
        for new in added:
            journal.add(entry_of(tasks[new.name], new))
    return names


def test_entries_come_back_as_they_were(tmp_path: Path, tasks: dict[str, Task]) -> None:
    assert names_after(tmp_path, tasks, row("b.png"), row("a.png")) == []
    with Journal(tmp_path / "journal", tasks, tmp_path) as journal:
        assert journal.rows == [row("b.png"), row("a.png")]


@pytest.mark.parametrize("lost", [1, 5, 40, 80])
def test_line_that_was_cut_off_spoils_neither_its_own_nor_later_ones(
    lost: int, tmp_path: Path, tasks: dict[str, Task]
) -> None:
    names_after(tmp_path, tasks, row("a.png"), row("b.png"))
    path = tmp_path / "journal"
    path.write_bytes(path.read_bytes()[:-lost])
    kept = names_after(tmp_path, tasks, row("c.png"))
    assert kept in (["a.png"], ["a.png", "b.png"])
    assert names_after(tmp_path, tasks) == [*kept, "c.png"]


def test_entry_without_its_outputs_is_dropped(tmp_path: Path, tasks: dict[str, Task]) -> None:
    (tmp_path / "here.png").touch()
    names_after(tmp_path, tasks, row("a.png", "here.png"), row("b.png", "here.png", "gone.png"))
    assert names_after(tmp_path, tasks) == ["a.png"]


def test_entry_about_another_task_is_dropped(tmp_path: Path, tasks: dict[str, Task]) -> None:
    names_after(tmp_path, tasks, row("a.png"), row("b.png"), row("c.png"))
    del tasks["a.png"]
    tasks["b.png"] = tasks["b.png"]._replace(stem="other")
    assert names_after(tmp_path, tasks) == ["c.png"]
