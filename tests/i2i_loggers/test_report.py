"""The report of a run: what is on it, while it goes on, at its end and after a kill."""

import json
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import typer
from training_runs import tiny

from i2i.cli.app import build_app
from i2i.training.run import resume, train
from i2i_loggers import Report
from i2i_loggers.journal import Journal
from i2i_loggers.strip import Strip


class Page(HTMLParser):
    """Text, links and pictures of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.text, self.addresses, self.open = "", list[str](), list[str]()
        self.feed(path.read_text("utf-8"))
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href", "data")]
        if tag not in ("meta", "img", "input", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & {*self.open}:
            self.text += f" {data} "

    @property
    def words(self) -> str:
        return " ".join(self.text.split())


def reported(shared_pairs: Path, **sections: Any) -> Any:
    return tiny(shared_pairs, **{"training": {"loggers": ["report"]}, **sections})


@pytest.fixture(scope="module")
def run(shared_pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("reported") / "a run"
    train(reported(shared_pairs), out)
    return out


def test_a_page_shows_how_the_run_ended_and_needs_nothing_but_itself(run: Path) -> None:
    page = Page(run / "report.html")
    assert "a run done" in page.words
    assert "step 12 of 12" in page.words
    assert page.addresses
    assert all(address.startswith("data:image/") for address in page.addresses)
    assert "http" not in re.sub(r"data:image[^\"]*", "", (run / "report.html").read_text("utf-8"))


def test_a_page_has_the_newest_figures_of_the_log_and_every_loss(run: Path) -> None:
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    words = Page(run / "report.html").words
    figures = [row["validation"]["l1"] for row in rows if "validation" in row]
    assert all(f"{figure:.4g}" in words for figure in figures)
    for name in (name for name in rows[0] if "/" in name):
        assert f" {name} " in words


def test_a_page_has_the_samples_of_each_step(run: Path) -> None:
    shown = Strip(run / "samples").shown()
    assert shown is not None
    assert (list(shown.columns), shown.rows, shown.width) == (["source", "output", "target"], 2, 16)
    assert shown.given.keys() == {"source", "target"}
    assert [frame.step for frame in shown.frames] == [0, 4, 8, 12]
    addresses = Page(run / "report.html").addresses
    assert [address for address in addresses if address in {frame.made["output"] for frame in shown.frames}] == [
        frame.made["output"] for frame in shown.frames
    ]


def test_commands_of_a_page_can_be_typed(run: Path) -> None:
    import shlex

    command: Any = typer.main.get_command(build_app())
    text = (run / "report.html").read_text("utf-8")
    typed = [line.replace("&#39;", "'") for line in re.findall(r"<pre>(i2i .*)</pre>", text)]
    assert len(typed) >= 3
    for line in typed:
        _, name, *words = shlex.split(line)
        command.get_command(command.make_context("i2i", [], resilient_parsing=True), name).make_context(name, words)


def test_after_a_kill_and_a_resumed_run_the_page_is_that_of_a_whole_one(shared_pairs: Path, tmp_path: Path) -> None:
    class KilledError(BaseException):
        pass

    class Kills(Report):
        """Is gone after step 7, and so is the process."""

        def advanced(self, rows: Any) -> None:
            super().advanced(rows)
            if rows[-1]["step"] >= 7:
                raise KilledError

        def ended(self, words: str) -> None:
            pass

    from i2i.training import loggers

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loggers, "build", lambda cls, folder, **_: Kills(folder, seconds=1e-9))
        with pytest.raises(KilledError):
            train(reported(shared_pairs), tmp_path / "run")
    killed = Page(tmp_path / "run" / "report.html").words
    assert "run training" in killed
    resume(tmp_path / "run")
    train(reported(shared_pairs), tmp_path / "whole")
    pages = [(tmp_path / name / "report.html").read_text("utf-8") for name in ("run", "whole")]
    drawings = [re.findall(r"<path[^>]*>|data:image[^\"]*", page) for page in pages]
    assert drawings[0] == drawings[1]
    words = Page(tmp_path / "run" / "report.html").words
    assert "run done" in words
    assert "resumed from step 5" in words


def test_what_was_warned_is_on_the_page_once_and_after_its_step(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "logs" / "journal")
    journal.open(0)
    journal.add("started", 0)
    journal.add("warned", 3, "early")
    journal.add("warned", 9, "late")
    journal.add("warned", 10, "late")
    again = Journal(tmp_path / "logs" / "journal")
    again.open(5)
    again.add("warned", 6, "early")
    assert [(event["step"], event["text"]) for event in again.of("warned")] == [(3, "early")]
    assert len((tmp_path / "logs" / "journal").read_text().splitlines()) == 2


def test_what_a_file_says_is_text_on_the_page(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("data: {path: <script>alert(1)</script>}\n")
    report = Report(tmp_path)
    report.warned("The image <b>bold</b> is \x1b[2J small.")
    report.started({"data": "<i>pairs</i>"}, 0, 10)
    report.ended("Stopped at <u>1</u>.")
    text = (tmp_path / "report.html").read_text("utf-8")
    assert not re.search(r"<b>bold|<i>pairs|<u>1|<script>alert|\x1b", text)
    words = Page(tmp_path / "report.html").words
    assert all(each in words for each in ("<b>bold</b>", "<i>pairs</i>", "<u>1</u>", "<script>alert(1)</script>"))
    assert "stopped" in words
    assert "i2i train --resume" in words


class Still:
    """A session that asks no clock."""

    step = 0

    def __init__(self, *_: object) -> None:
        pass

    def advance(self, step: int) -> None:
        pass


def test_pages_are_written_no_more_often_than_their_share_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from i2i_loggers import report as module

    clock = iter([0.0, *(0.0, 3.0), 12.0, 13.0, *(13.0, 13.2), 53.0, 53.3, *(53.3, 53.5)])
    written: list[str] = []
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(module, "replace", lambda path, *_: written.append(path.name))
    monkeypatch.setattr(module, "Session", Still)
    monkeypatch.setattr(module, "page_of", lambda *_: b"")
    report = Report(tmp_path)
    report.started({}, 0, 10)
    counts = []
    for step in range(1, 6):
        report.advanced([{"step": step}])
        counts.append(len(written))
    assert counts == [1, 1, 2, 2, 3]  # to make the second one took 0.2 s: 0.5 % of 40 s
