from collections.abc import Iterator
from pathlib import Path

import pytest
from bench import Bench, Files
from commander import Commander
from hub import Hub
from hub_state import Account

ACCOUNTS = {
    "hf_writer": Account("ada", organisations=("lovelace",)),
    "hf_reader": Account("ada", "read"),
    "hf_other": Account("bob"),
}


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Hub(dict(ACCOUNTS)).running() as hub:
        home = tmp_path_factory.mktemp("home")
        command = Commander(hub.environment(home, token=None), home / "log.txt")
        yield Bench(hub, command, home)
        command.close()


@pytest.fixture
def bench(running: Bench) -> Iterator[Bench]:
    """A hub on which nothing fails yet."""
    running.fails()
    running.hub.requests.clear()
    yield running
    running.fails()


@pytest.fixture(scope="session")
def run(running: Bench, shared_pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two steps."""
    folder = tmp_path_factory.mktemp("run") / "run"
    small = ["--size", 16, "--steps", 2, "--set", "generator.depth=2", "--set", "generator.base_channels=2"]
    small += ["--set", "discriminator.base_channels=2", "--set", "discriminator.layers=1"]
    outcome = running.command("train", "--plugin", "pix2pix", "--data", shared_pairs, "--out", folder, *small)
    assert outcome.code == 0, outcome.err
    return folder


@pytest.fixture(scope="session")
def pushed(running: Bench, run: Path) -> Files:
    """What is on the hub of `run`."""
    name = running.new_name()
    assert running("push", run, name, "--licence", "mit").code == 0
    return running.repository(name).files()
