"""Files that are made to harm: none runs anything, none takes more than it may, each is refused in one line."""

import io
import os
import pickle
import re
import struct
import subprocess
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from cyclegan import Unet
from safetensors.torch import save as safe_tensors

from i2i.errors import DataError, MissingInputError
from i2i_import.importing import fit
from i2i_import.reading import MAX_BYTES, read_checkpoint
from i2i_import.recognition import recognise_generator

CANARY = "canary"
"""Files of this name in the working folder are what payloads try to make."""


class Calls:
    """What pickles as a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call


TOUCH = f"open({CANARY!r}, 'w').close()"
STATE: dict[str, Any] = {"model.0.weight": torch.arange(8.0)}


def saved(value: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


def legacy(value: Any) -> bytes:
    return saved(value, _use_new_zipfile_serialization=False)


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def edited(change: Callable[[bytes], bytes], state: dict[str, Any] = STATE) -> bytes:
    """A zip checkpoint with another pickle in it."""
    files = members(saved(state))
    changed = change(files["archive/data.pkl"])
    assert changed != files["archive/data.pkl"]
    return zipped({**files, "archive/data.pkl": changed})


def in_zip(payload: bytes) -> bytes:
    return edited(lambda _: payload)


def in_legacy(payload: bytes) -> bytes:
    """A file of the older serialisation whose objects are a payload."""
    data = legacy(STATE)
    stream = io.BytesIO(data)
    for _ in range(3):
        pickle.load(stream)
    return data[: stream.tell()] + payload


def called(module: str, name: str, argument: str) -> bytes:
    """A pickle, written by hand, that calls a function with a text."""
    return (
        b"\x80\x02"
        + f"c{module}\n{name}\nX".encode()
        + struct.pack("<I", len(argument))
        + argument.encode()
        + b"\x85R."
    )


def stacked(module: str, name: str, argument: str) -> bytes:
    def text(value: str) -> bytes:
        return b"\x8c" + bytes([len(value)]) + value.encode()

    return b"\x80\x04" + text(module) + text(name) + b"\x93" + text(argument) + b"\x85R."


def numbers(old: bytes, new: bytes) -> bytes:
    return edited(lambda data: data.replace(old, new))


def doubled(between: bytes) -> bytes:
    """Tuples of the same tuple twice, 60 deep: to hash it would take 2**60 steps."""
    return b")q\x00" + (between + b"h\x00h\x00\x86q\x00") * 60


SYSTEM = Calls(os.system, f"touch {CANARY}")
EVALUATED, EXECUTED = Calls(eval, TOUCH), Calls(exec, TOUCH)
MAGIC = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)
BIG, HUGE = struct.pack("<i", 1 << 30), b"\x8a\x08" + struct.pack("<q", 1 << 45)
INST = f"(S'touch {CANARY}'\nios\nsystem\n.".encode()

PAYLOADS: dict[str, Callable[[], bytes]] = {
    "reduce, bare pickle": lambda: pickle.dumps(SYSTEM, protocol=2),
    "reduce, bare pickle of protocol 4": lambda: pickle.dumps(SYSTEM, protocol=4),
    "reduce, bare pickle of protocol 0": lambda: pickle.dumps(SYSTEM, protocol=0),
    "reduce, zip": lambda: saved({"a": SYSTEM}),
    "reduce, legacy": lambda: legacy({"a": SYSTEM}),
    "reduce as a key, zip": lambda: saved({("a", 1): SYSTEM}),
    "reduce, protocol 4, zip": lambda: saved({"a": SYSTEM}, pickle_protocol=4),
    "reduce behind tensors": lambda: saved({**STATE, "z": SYSTEM}),
    "reduce in the magic number": lambda: pickle.dumps(EVALUATED, protocol=2) + legacy(STATE),
    "reduce in the protocol number": lambda: MAGIC + pickle.dumps(EVALUATED, protocol=2) + legacy(STATE),
    "reduce in the keys of storages": lambda: legacy(STATE).replace(b"]q\x00X", pickle.dumps(EXECUTED, 2) + b"]q\x00X"),
    "eval, zip": lambda: saved({"a": EVALUATED}),
    "eval, legacy": lambda: legacy({"a": EVALUATED}),
    "exec, zip": lambda: saved({"a": EXECUTED}),
    "subprocess, zip": lambda: saved({"a": Calls(subprocess.check_call, ["touch", CANARY])}),
    "import, zip": lambda: in_zip(called("builtins", "__import__", "antigravity")),
    "getattr, legacy": lambda: in_legacy(called("builtins", "getattr", CANARY)),
    "open for writing, zip": lambda: saved({"a": Calls(open, CANARY, "w")}),
    "torch's own loader, zip": lambda: in_zip(called("torch.serialization", "load", "other.pth")),
    "torch's hub, zip": lambda: in_zip(called("torch.hub", "load_state_dict_from_url", "http://127.0.0.1/")),
    "torch's storage loader, zip": lambda: in_zip(called("torch.storage", "_load_from_bytes", "x")),
    "an attribute of a module, zip": lambda: in_zip(called("torch", "os.system", f"touch {CANARY}")),
    "an attribute of a module, stacked": lambda: in_zip(stacked("torch", "os.system", f"touch {CANARY}")),
    "STACK_GLOBAL, legacy": lambda: in_legacy(stacked("posix", "system", f"touch {CANARY}")),
    "INST, zip": lambda: in_zip(INST),
    "INST, legacy": lambda: in_legacy(INST),
    "EXT, zip": lambda: in_zip(b"\x80\x02\x82\x01)R."),
    "a pickled module": lambda: saved(torch.nn.Linear(1, 1)),
    "TorchScript": lambda: zipped({**members(saved(STATE)), "archive/constants.pkl": b"\x80\x02]."}),
    "polyglot: pickle in front of a zip": lambda: pickle.dumps(SYSTEM, protocol=2) + saved(STATE),
    "polyglot: zip in front of a pickle": lambda: saved(STATE) + pickle.dumps(SYSTEM, protocol=2),
    "polyglot: two zips": lambda: saved({"a": SYSTEM}) + saved({"a": SYSTEM}),
    "compressed members": lambda: zipped(members(saved(STATE)), zipfile.ZIP_DEFLATED),
    "zip bomb": lambda: zipped({**members(saved(STATE)), "archive/data/0": bytes(1 << 25)}, zipfile.ZIP_DEFLATED),
    "members of one name": lambda: twice(),
    "archive of a later version": lambda: listed(6, 99),
    "encrypted members": lambda: listed(8, 0x01),
    "patched members": lambda: listed(8, 0x20),
    "strongly encrypted members": lambda: listed(8, 0x40),
    "tensor larger than its storage, zip": lambda: numbers(b"K\x08\x85", b"J" + BIG + b"\x85"),
    "stride 0: 2**30 elements of one": lambda: saved({"a": torch.zeros(1).expand(1 << 30)}),
    "stride 0, legacy": lambda: legacy({"a": torch.zeros(1).expand(1 << 30)}),
    "storage of 2**30 elements, legacy": lambda: legacy(STATE).replace(b"K\x08Nt", b"J" + BIG + b"Nt"),
    "many tensors of one storage": lambda: saved({f"t{i}": STATE["model.0.weight"] for i in range(9000)}),
    "archive of 11,000 members": lambda: zipped({**members(saved(STATE)), **{f"a/{i}": b"" for i in range(11_000)}}),
    "bytes out of nothing": lambda: in_zip(b"\x80\x02cbuiltins\nbytearray\n\x8a\x05" + bytes(4) + b"\x02\x85R."),
    "tuples of tuples as a key": lambda: in_zip(b"\x80\x02}" + doubled(b"0") + b"K\x01s."),
    "tuples of tuples, put twice": lambda: in_zip(b"\x80\x02}" + doubled(b"q\x00") + b"K\x01s."),
    "several networks": lambda: saved({"netG": STATE, "netD": dict(STATE)}),
    "safetensors with a header of 2**40 bytes": lambda: struct.pack("<Q", 1 << 40) + b"{}",
    "safetensors with a tensor beyond its end": lambda: safe_tensors(STATE).replace(b"[0,32]", b"[0,99]"),
    "safetensors of 2**40 values": lambda: safe_tensors(STATE).replace(b'shape":[8]', b'shape":[1099511627776]'),
    "cut safetensors": lambda: safe_tensors(STATE)[:-1],
    "long integer of 2 GB": lambda: in_zip(b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"\x01."),
    "text of 2 GB": lambda: in_zip(b"\x80\x02X" + struct.pack("<I", 2**31 - 1) + b"\x01."),
    "memo of 2**31": lambda: in_zip(b"\x80\x02Nr" + struct.pack("<I", 2**31 - 1) + b"."),
    "nested tuples": lambda: in_zip(b"\x80\x02" + b"(" * 500_000 + b"t" * 500_000 + b"."),
    "pickle of 2 MB": lambda: saved({"a" * (2 << 20): torch.zeros(1)}),
    "not a number": lambda: saved({"a": torch.tensor([1.0, float("nan")])}),
    "infinite": lambda: legacy({"a": torch.tensor([1.0, float("inf")])}),
    "a number among tensors": lambda: saved({**STATE, "epoch": 3}),
    "a list": lambda: saved([torch.zeros(1)]),
    "sparse": lambda: saved({"a": torch.eye(3).to_sparse()}),
    "without storage": lambda: saved({"a": torch.empty(3, device="meta")}),
    "cut zip": lambda: saved(STATE)[:-200],
    "cut legacy": lambda: legacy(STATE)[:-20],
    "empty": lambda: b"",
    "text": lambda: b"<html>404 Not Found</html>" * 100,
}


def listed(place: int, value: int) -> bytes:
    """A zip checkpoint with another byte at a place of each entry of its directory."""
    data = bytearray(saved(STATE))
    for entry in re.finditer(rb"PK\x01\x02", bytes(data)):
        data[entry.start() + place] = value
    return bytes(data)


def twice() -> bytes:
    files = members(saved(STATE))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in [*files.items(), ("archive/data.plk", files["archive/data.pkl"])]:
            archive.writestr(name, data)
    return buffer.getvalue().replace(b"archive/data.plk", b"archive/data.pkl")


SOUND: dict[str, Callable[[], bytes]] = {
    "sound zip": lambda: saved(STATE),
    "sound legacy": lambda: legacy(OrderedDict(STATE)),
    "sound, with parameters": lambda: saved({"a": torch.nn.Parameter(torch.ones(3))}),
    "sound, with the metadata of a module": lambda: saved(torch.nn.BatchNorm2d(2).state_dict()),
    "sound, of which a storage claims more than there is": lambda: numbers(b"K\x08tq", b"J" + BIG + b"tq"),
    "sound, of which a storage claims 2**45 elements": lambda: numbers(b"K\x08tq", HUGE + b"tq"),
    "sound safetensors": lambda: safe_tensors(STATE),
    "sound, with names that are paths": lambda: saved({"../../canary": torch.ones(1), "/canary": torch.ones(1)}),
}


def complaint(path: Path) -> str:
    """What is said of a file that is refused, behind its name."""
    with pytest.raises(DataError) as error:
        read_checkpoint(path, [])
    assert str(error.value).startswith(f"{path} ")
    return str(error.value).removeprefix(f"{path} ")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.mark.parametrize("name", PAYLOADS)
def test_hostile_file_is_refused_in_words_and_runs_nothing(
    name: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    path = place / "net.pth"
    path.write_bytes(PAYLOADS[name]())
    before = memory()
    reason = complaint(path)
    assert re.fullmatch(r"(is|has|holds|goes|asks|puts|says|lists|describes|cannot) [^\n]{5,200}\.", reason)
    assert os.listdir(place) == ["net.pth"]
    assert memory() < before + (100 << 20)


def memory() -> int:
    """The most that this process ever took, in bytes."""
    resource = pytest.importorskip("resource")
    most: int = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most * 1024 if sys.platform == "linux" else most


@pytest.mark.parametrize("name", SOUND)
def test_sound_file_is_read(name: str, place: Path) -> None:
    path = place / "net.pth"
    path.write_bytes(SOUND[name]())
    assert read_checkpoint(path, [])
    assert os.listdir(place) == ["net.pth"]


def test_what_is_wrong_is_named(place: Path) -> None:
    path = place / "net.pth"
    for name, reason in {
        "reduce, zip": "asks for 'posix.system', which is no part of weights.",
        "bytes out of nothing": "asks for 'builtins.bytearray', which is no part of weights.",
        "zip bomb": "has the member 'archive/data.pkl' compressed: PyTorch never does that.",
        "not a number": "has the tensor 'a' with values that are not finite.",
        "several networks": "holds several networks ('netG', 'netD'). Save the state_dict() of the generator alone.",
    }.items():
        path.write_bytes(PAYLOADS[name]())
        assert complaint(path) == reason


def test_file_that_is_larger_than_any_network_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "net.pth").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert complaint(tmp_path / "net.pth").startswith(f"has {MAX_BYTES + 1} bytes, and no network of this format")


def test_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.pth"
    with pytest.raises(MissingInputError, match=re.escape(f"There is no checkpoint {str(path)!r}.")):
        read_checkpoint(path, [])


@pytest.mark.parametrize("width", [2**20, 2**62])
def test_network_that_is_far_larger_than_its_file_is_not_built(tmp_path: Path, width: int) -> None:
    state = dict(Unet(3, 3, 5, 1, "batch", dropout=False).state_dict())
    network = recognise_generator(state, "net.pth")
    network.options["base_channels"] = width
    before = memory()
    with pytest.raises(DataError, match=r"^net\.pth[^\n]*\.$"):
        fit(state, network, "net.pth", [])
    assert memory() < before + (100 << 20)
