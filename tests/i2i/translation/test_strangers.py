"""Models of people who mean harm, or whose files are broken: one line, soon, and little memory."""

import json
import struct
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from small_models import model_folder
from torch import Tensor, nn

import i2i
from i2i.errors import DataError, I2iError
from i2i.kinds import COMPONENTS
from i2i.plugins import installed
from i2i.translation.parts import load_model

SECONDS, BYTES = 2, 300_000_000


class Tower(nn.Module):
    """As many convolutions as are asked for, of as many channels.

    Args:
        blocks: Convolutions.
        width: Channels.
    """

    def __init__(self, in_channels: int, out_channels: int, *, blocks: int = 2, width: int = 4) -> None:
        super().__init__()
        sizes = [in_channels, *(width for _ in range(blocks - 1)), out_channels]
        self.blocks = nn.ModuleList()
        for before, after in pairwise(sizes):
            self.blocks.append(nn.Sequential(nn.Conv2d(before, after, 1), nn.BatchNorm2d(after)))

    def forward(self, source: Tensor) -> Tensor:
        for block in self.blocks:
            source = block(source)
        return torch.tanh(source)


class Fixed(nn.Module):
    """Has numbers of its own that are in no file, some of which it takes from its weights."""

    def __init__(self, in_channels: int, out_channels: int, *, derived: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 1)
        self.steps = [step.item() for step in torch.linspace(0, 1, 3)]
        self.register_buffer("kernel", torch.full((1,), 0.5), persistent=False)
        if derived:
            self.register_buffer("norm", self.conv.weight.detach(), persistent=False)

    def forward(self, source: Tensor) -> Tensor:
        return torch.tanh(self.conv(source) * self.kernel + self.steps[1])


@pytest.fixture(autouse=True)
def plugin() -> Iterator[None]:
    class Plugin:
        @i2i.hookimpl
        def i2i_generators(self) -> dict[str, type[nn.Module]]:
            return {"tower": Tower, "fixed": Fixed}

    of_strangers = Plugin()
    installed(COMPONENTS).register(of_strangers, "strangers", "i2i-strangers", "1.0")
    yield
    installed(COMPONENTS).manager.unregister(of_strangers)


def config_of(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the configuration as its maker could."""
    values = json.loads((folder / "config.json").read_text())
    change(values)
    (folder / "config.json").write_text(json.dumps(values))


def options(**values: Any) -> Callable[[Path], None]:
    return lambda folder: config_of(folder, lambda config: config["selection"]["parts"]["generator"].update(values))


def channels(count: int) -> Callable[[Path], None]:
    return lambda folder: config_of(folder, lambda config: config["fields"]["source"].update(channels=count))


def origin(**values: str) -> Callable[[Path], None]:
    return lambda folder: config_of(folder, lambda config: config["providers"]["generator"].update(values))


def weights(data: bytes) -> Callable[[Path], None]:
    """Other bytes, with the checksum that goes with them."""

    def replace(folder: Path) -> None:
        (folder / "generator.safetensors").write_bytes(data)
        sums = {"generator.safetensors": sha256(data).hexdigest()}
        config_of(folder, lambda config: config.update(sha256=sums))

    return replace


def header(tensors: dict[str, Any], data: bytes = b"") -> bytes:
    text = json.dumps(tensors).encode()
    return struct.pack("<Q", len(text)) + text + data


def text(config: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "config.json").write_text(config)


def tensor(shape: list[int], end: int) -> dict[str, Any]:
    return {"a": {"dtype": "F32", "shape": shape, "data_offsets": [0, end]}}


HARMS: dict[str, tuple[Callable[[Path], object], str]] = {
    "many layers": (options(blocks=100_000), "far too large"),
    "many channels": (options(width=1_000_000_000), "far too large|cannot be built"),
    "channels beyond numbers": (options(width=10**30), "generator 'tower'"),
    "channels of the image": (channels(1_000_000_000), "far too large|does not fit"),
    "one layer more": (options(blocks=3), "'blocks.1.0.weight' is F32 of 3x4x1x1, and F32 of 4x4x1x1"),
    "one layer fewer": (options(blocks=1), "'blocks.0.0.weight' is F32 of 4x3x1x1, and F32 of 3x3x1x1"),
    "a very long name": (options(name="x" * 900_000), "a name of more than 100"),
    "a very long value": (options(blocks=[0] * 300_000), "blocks"),
    "deep configuration": (text('{"a":' * 200_000), "nested deeper"),
    "large configuration": (text(f'{{"format": 2, "i2i": "{"9" * 2_000_000}"}}'), "larger than"),
    "a key twice": (text('{"format": 2, "format": 2}'), "'format' is given twice"),
    "no object": (text("[" * 49 + "]" * 49), "not the configuration"),
    "a newer one of no version": (
        text('{"format": 3, "i2i": "1; rm -rf ~"}'),
        "was made by i2i .1; rm -rf ~., this",
    ),
    "package that is none": (origin(distribution="i2i; rm -rf ~"), "distribution"),
    "package from an address": (origin(distribution="i2i @ https://example.org/x.whl"), "distribution"),
    "version that is none": (origin(version="1.0 --index-url https://example.org"), "version"),
    "a million empty tensors": (
        weights(header({f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(1_000_000)})),
        "describes its tensors in",
    ),
    "header without an end": (weights(b"\xff" * 7 + b"\x7f" + b"{}"), "describes its tensors in"),
    "header beyond the file": (weights(struct.pack("<Q", 3_000_000) + b"{}"), "is damaged"),
    "no header": (weights(b"{}"), "is damaged"),
    "shape beyond the file": (weights(header(tensor([2**40], 2**42))), "is damaged"),
    "shape of other bytes": (weights(header(tensor([2**40], 4), bytes(4))), "is damaged"),
    "shape beyond numbers": (weights(header(tensor([2**40, 2**40], 4), bytes(4))), "is damaged"),
    "deep header": (weights(struct.pack("<Q", 1_000_000) + b"[" * 1_000_000), "is damaged"),
    "another network": (weights(header(tensor([1], 4), bytes(4))), "it lacks 'blocks.0.0.weight'"),
}


def reset_peak() -> int:
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


@pytest.mark.parametrize("name", HARMS)
def test_harm_is_one_line_within_a_time_and_a_memory(tmp_path: Path, name: str) -> None:
    folder = model_folder(tmp_path / "m", parts={"generator": {"name": "tower"}})
    change, complaint = HARMS[name]
    change(folder)
    before, began = reset_peak(), time.process_time()
    with pytest.raises(I2iError, match=complaint) as refused:
        load_model(folder)
    assert time.process_time() - began < SECONDS
    assert peak() - before < BYTES
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 600


def test_a_network_with_constants_of_its_own_is_loaded_whole(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "m", parts={"generator": {"name": "fixed"}})
    network = load_model(folder)[1]["generator"]
    image = torch.rand(1, 3, 4, 4)
    expected = torch.tanh(network.get_submodule("conv")(image) * 0.5 + 0.5)
    assert torch.equal(network(image), expected)


def test_a_network_that_needs_its_weights_before_they_are_loaded_is_refused(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "m", parts={"generator": {"name": "fixed", "derived": True}})
    with pytest.raises(DataError, match="generator 'fixed' makes 'norm' of its weights when it is built"):
        load_model(folder)


def test_loading_draws_nothing(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "m")
    torch.manual_seed(7)
    before = torch.get_rng_state()
    load_model(folder)
    assert torch.equal(torch.get_rng_state(), before)
