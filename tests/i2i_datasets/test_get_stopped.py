"""What stops the command is said, what came stays, and the same command goes on from there."""

import errno
import io
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub import Hub
from scripted_server import Server, http

from i2i.errors import OutputError
from i2i_datasets import fetching
from i2i_datasets.getting import Got


@contextmanager
def no_longer_files_than(count: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_that_cannot_be_written_ends_the_command_and_the_next_one_goes_on(
    hub: Hub, get: Callable[..., Got], notices: list[str], tmp_path: Path
) -> None:
    whole = io.BytesIO()
    pq.write_table(pa.table({"A": [bytes(range(256)) * 1000], "B": [b""]}), whole, compression="none")
    hub.state.put("huggan/facades", {"data/train-00000-of-00001.parquet": whole.getvalue()}, "dataset")
    with no_longer_files_than(150_000), pytest.raises(OutputError, match="Cannot write"):
        get(archive="http://localhost:1/facades.tar.gz")
    assert notices == []  # no other way is tried: it would meet the same disk
    assert not (tmp_path / "set" / "dataset.yaml").exists()
    assert get().fetched
    (file,) = (tmp_path / "set").rglob("*.parquet")
    assert file.read_bytes() == whole.getvalue()


def test_a_full_disk_is_no_failure_of_the_hub(tmp_path: Path) -> None:
    full = pytest.raises(OutputError, match=r"disk is full: .* takes no more")
    with full, fetching._in_one_line("me/set", tmp_path, None):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_ctrl_c_says_how_to_go_on_and_keeps_what_came(server: Server, tmp_path: Path) -> None:
    server.script(http(200, bytes(100_000), Content_Length=200_000, ETag='"1"'))
    address = f"http://localhost:{server.port}"
    line = [sys.executable, "-m", "i2i", "data", "get", "facades", "set"]
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
