"""Processes that read are killed, in a process of its own: what other tests leave running there would be forked too."""

import subprocess
import sys
from pathlib import Path

CASES = Path(__file__).parents[2] / "standins" / "loading_deaths.py"


def test_readers_that_die_hang_or_fail_end_the_reading_in_one_line() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", str(CASES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "5 passed" in done.stdout
