import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from scripted_server import Server

from i2i.pairs import Pixels

settings.register_profile(
    "repeatable",
    max_examples=50,
    derandomize=True,  # the same examples in each run
    deadline=None,  # no test fails because the machine is busy
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")


def smooth(seed: int, size: int, channels: int) -> Pixels:
    """A picture of a few soft blobs: learnable, unlike noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (4, 4, channels), np.uint8)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC).reshape(size, size, channels)


def write_png(path: Path, pixels: Pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    done, data = cv2.imencode(".png", pixels[..., ::-1] if pixels.shape[-1] == 3 else pixels)
    assert done
    path.write_bytes(data.tobytes())


def write_negatives(root: Path) -> Path:
    """Six training and two validation pairs of 32 px: the target is the negative of the source."""
    for split, seeds in (("train", range(6)), ("val", range(6, 8))):
        for seed in seeds:
            source = smooth(seed, 32, 3)
            write_png(root / split / "imageA" / f"{seed:02}.png", source)
            write_png(root / split / "imageB" / f"{seed:02}.png", 255 - source)
    return root


@pytest.fixture(scope="session", autouse=True)
def _no_power_loss() -> Iterator[None]:
    """Nothing that a test writes has to outlast a power loss, so nobody waits until it is on the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture
def pairs_folder(tmp_path: Path) -> Path:
    """A dataset folder of the test's own; see `write_negatives`."""
    return write_negatives(tmp_path / "pairs")


@pytest.fixture(scope="session")
def shared_pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset folder that no test changes; see `write_negatives`."""
    return write_negatives(tmp_path_factory.mktemp("shared") / "pairs")


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that says what the test tells it to."""
    with closing(Server()) as server:
        yield server


@pytest.fixture
def canary() -> Iterator[Server]:
    """Another one; in tests of what is refused, one that nobody may reach."""
    with closing(Server()) as server:
        yield server


@pytest.fixture
def run_cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Call the command line in this process; returns exit code, standard output and standard error."""
    from i2i.cli import main

    def call(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        code = left.value.code
        return (code if isinstance(code, int) else 0 if code is None else 1), captured.out, captured.err

    return call
