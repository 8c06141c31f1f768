"""The launcher: what ends one process ends all, once, with one line; nobody outlives it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from i2i.cli import launching

PROGRAM = """
import os, signal, sys, time
number, what = int(os.environ["RANK"]), sys.argv[1:]
def saved(*_):
    sys.exit(75)
signal.signal(signal.SIGTERM, saved)
open(os.path.join(what[1], str(number)), "w").write(str(os.getpid()))
if what[0] == "killed" and number:
    os.kill(os.getpid(), signal.SIGKILL)
if what[0] == "fails" and number:
    sys.exit(65)
if what[0] == "fails":
    time.sleep(0.2)
    sys.exit(76)
if what[0] != "fine":
    time.sleep(600)
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The script that is launched in the place of i2i."""
    path = tmp_path / "script.py"
    path.write_text(PROGRAM)
    return path


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize(("what", "code"), [("fine", 0), ("fails", 65), ("killed", 71)])
def test_the_exit_code_is_that_of_the_process_that_failed(
    what: str, code: int, script: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launching, "GRACE", 0.3)
    given = [what, str(script.parent)]
    assert launching.launch(2, given, "Go on.", [sys.executable, str(script)]) == code
    begun = [script.parent / str(number) for number in range(2)]
    assert all(is_gone(int(path.read_text())) for path in begun if path.exists())
    said = capsys.readouterr().err
    assert bool(said) == (what == "killed")
    assert ("Process 2 of 2 was killed by SIGKILL" in said) == (what == "killed")


def test_a_signal_is_passed_on_and_waited_for(script: Path) -> None:
    words = ["waits", str(script.parent)]
    call = f"launch(2, {words!r}, '', [sys.executable, {str(script)!r}])"
    code = f"import sys; from i2i.cli.launching import launch; sys.exit({call})"
    launcher = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 60
    while not all((script.parent / str(number)).exists() for number in range(2)) and time.monotonic() < deadline:
        time.sleep(0.01)
    launcher.send_signal(signal.SIGTERM)
    assert launcher.wait(60) == 75
