"""What stops the command is said, what came stays, and the same command goes on from there."""

import errno
import io
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from hub import Hub
from pyarrow import parquet as pq
from scripted_server import Server, http

from i2i.errors import OutputError
from i2i_datasets import fetching

COMMAND = """
import resource, sys
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
from i2i.cli import main
main()
"""


def get(hub: Hub, tmp_path: Path, limit: int) -> subprocess.CompletedProcess[str]:
    """The command where no file may be longer."""
    environment = os.environ | hub.environment(tmp_path / "home", token=None)
    script = [sys.executable, "-c", COMMAND, str(limit), "data", "get", "facades", "set"]
    return subprocess.run(script, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)


def test_a_file_that_cannot_be_written_ends_the_command_and_the_next_one_goes_on(hub: Hub, tmp_path: Path) -> None:
    whole = io.BytesIO()
    pq.write_table(pa.table({"A": [bytes(range(256)) * 1000], "B": [b""]}), whole, compression="none")
    hub.state.put("huggan/facades", {"data/train-00000-of-00001.parquet": whole.getvalue()}, "dataset")
    stopped = get(hub, tmp_path, 150_000)
    assert stopped.returncode == 73, stopped.stderr
    assert stopped.stderr.startswith("Error: Cannot write")
    assert "archive" not in stopped.stderr
    assert not (tmp_path / "set" / "dataset.yaml").exists()
    free = get(hub, tmp_path, resource.RLIM_INFINITY)
    assert (free.returncode, free.stderr) == (0, "")
    assert (tmp_path / "set" / "data" / "train-00000-of-00001.parquet").read_bytes() == whole.getvalue()


def test_a_full_disk_is_no_failure_of_the_hub(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"disk is full: .* takes no more"), fetching._explained("me/set", tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_ctrl_c_says_how_to_go_on_and_keeps_what_came(server: Server, tmp_path: Path) -> None:
    server.script(http(200, bytes(100_000), Content_Length=200_000, ETag='"1"'))
    address = f"http://localhost:{server.port}"
    line = [sys.executable, "-c", COMMAND, str(resource.RLIM_INFINITY), "data", "get", "facades", "set"]
    pipe = subprocess.PIPE
    with subprocess.Popen([*line, "--base-url", address], cwd=tmp_path, stdout=pipe, stderr=pipe, text=True) as stopped:
        assert stopped.stdout is not None
        assert stopped.stderr is not None
        while "0.1 of 0.2 MB" not in (said := stopped.stdout.readline()):
            assert said
        stopped.send_signal(signal.SIGINT)
        assert stopped.stderr.read().endswith("\nStopped. The same command goes on from here.\n")
    assert stopped.returncode == 130
    (part,) = (tmp_path / "set").rglob("*.part")
    assert 0 < part.stat().st_size <= 100_000
