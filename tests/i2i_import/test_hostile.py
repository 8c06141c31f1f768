"""Files that are made to harm: none runs anything, none takes more than it may, each is refused in one line."""

import io
import json
import os
import pickle
import re
import socket
import struct
import subprocess
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from i2i.errors import DataError, MissingInputError
from i2i_import.confined import MARGIN, OK, REFUSED
from i2i_import.reading import read_checkpoint

CANARY = "canary"
"""Files of this name in the working folder are what payloads try to make."""

DRIVER = """
import json, os, sys, time
import i2i_import.confined as confined, torch, safetensors.torch
confined._warm_up()
rows = {}
for name in sorted(os.listdir(sys.argv[1])):
    child = os.fork()
    if not child:
        os.dup2(os.open(os.path.join(sys.argv[1], name), os.O_RDONLY), 0)
        os.dup2(os.open(os.path.join(sys.argv[2], name), os.O_WRONLY | os.O_CREAT), 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            confined.main()
        except BaseException:
            os._exit(1)
        os._exit(0)
    _, status, usage = os.wait4(child, 0)
    rows[name] = [status, usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime]
print(json.dumps(rows))
"""
"""Runs the reading process's own `main` on each file of a folder, in forks of one process that has torch loaded."""


class Outcome(NamedTuple):
    status: int
    memory: int
    """Peak, in bytes."""
    seconds: float
    """Of processor time."""
    answer: bytes


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


def state_of_many() -> bytes:
    tensor = torch.zeros(1)
    return saved({f"t{i}": tensor for i in range(20_000)})


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
    "zip bomb": lambda: zipped({**members(saved(STATE)), "archive/data/0": bytes(1 << 28)}, zipfile.ZIP_DEFLATED),
    "members of one name": lambda: twice(),
    "archive of a later version": lambda: listed(6, 99),
    "encrypted members": lambda: listed(8, 0x01),
    "patched members": lambda: listed(8, 0x20),
    "strongly encrypted members": lambda: listed(8, 0x40),
    "storage of more elements than stored, zip": lambda: numbers(b"K\x08tq", b"J" + BIG + b"tq"),
    "storage of 2**45 elements, zip": lambda: numbers(b"K\x08tq", HUGE + b"tq"),
    "tensor larger than its storage, zip": lambda: numbers(b"K\x08\x85", b"J" + BIG + b"\x85"),
    "stride 0: 2**30 elements of one": lambda: saved({"a": torch.zeros(1).expand(1 << 30)}),
    "stride 0, legacy": lambda: legacy({"a": torch.zeros(1).expand(1 << 30)}),
    "storage of 2**30 elements, legacy": lambda: legacy(STATE).replace(b"K\x08Nt", b"J" + BIG + b"Nt"),
    "many tensors of one storage": lambda: saved({f"t{i}": STATE["model.0.weight"] for i in range(9000)}),
    "20,000 tensors": state_of_many,
    "long integer of 2 GB": lambda: in_zip(b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"\x01."),
    "text of 2 GB": lambda: in_zip(b"\x80\x02X" + struct.pack("<I", 2**31 - 1) + b"\x01."),
    "memo of 2**31": lambda: in_zip(b"\x80\x02Nr" + struct.pack("<I", 2**31 - 1) + b"."),
    "nested tuples": lambda: in_zip(b"\x80\x02" + b"(" * 500_000 + b"t" * 500_000 + b"."),
    "pickle of 2 MB": lambda: saved({"a" * (2 << 20): torch.zeros(1)}),
    "not a number": lambda: saved({"a": torch.tensor([1.0, float("nan")])}),
    "infinite": lambda: legacy({"a": torch.tensor([1.0, float("inf")])}),
    "a number among tensors": lambda: saved({**STATE, "epoch": 3}),
    "tensors in a dictionary": lambda: saved({"state_dict": STATE}),
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
    "sound, with names that are paths": lambda: saved({"../../canary": torch.ones(1), "/canary": torch.ones(1)}),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def outcomes(place: Path) -> dict[str, Outcome]:
    """What became of each file in the reading process."""
    if not hasattr(os, "fork"):
        pytest.skip("this system cannot fork")
    files, answers = place / "files", place / "answers"
    files.mkdir()
    answers.mkdir()
    names = [*PAYLOADS, *SOUND]
    for number, build in enumerate([*PAYLOADS.values(), *SOUND.values()]):
        (files / f"{number:03}").write_bytes(build())
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(files), str(answers)], capture_output=True, text=True, check=True, cwd=place
    )
    rows = json.loads(done.stdout)
    keys = {name: f"{number:03}" for number, name in enumerate(names)}
    return {name: Outcome(*[*rows[key], (answers / key).read_bytes()]) for name, key in keys.items()}


def test_there_are_enough_payloads() -> None:
    assert len(PAYLOADS) >= 40


@pytest.mark.parametrize("name", PAYLOADS)
def test_hostile_file_is_refused_in_words(name: str, outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes[name]
    assert outcome.status == 0
    assert outcome.answer.startswith(REFUSED)
    reason = outcome.answer.removeprefix(REFUSED).decode()
    assert re.fullmatch(r"(is|has|holds|goes|asks|makes|says|describes|cannot|takes) [^\n]{5,200}[^.\n]", reason)


def test_no_payload_ran(place: Path, outcomes: dict[str, Outcome]) -> None:
    assert outcomes
    assert not list(place.rglob(CANARY))
    assert not Path(CANARY).exists()


def test_no_payload_takes_more_memory_than_it_may(outcomes: dict[str, Outcome]) -> None:
    base = outcomes["sound zip"].memory
    for name, outcome in outcomes.items():
        assert outcome.memory <= base + MARGIN + (1 << 20), name


@pytest.mark.parametrize("name", SOUND)
def test_sound_file_is_read(name: str, outcomes: dict[str, Outcome]) -> None:
    assert outcomes[name].status == 0
    assert outcomes[name].answer.startswith(OK)


def test_payload_ends_in_one_line_from_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "net.pth"
    path.write_bytes(PAYLOADS["reduce, zip"]())
    with pytest.raises(DataError) as error:
        read_checkpoint(path)
    assert str(error.value) == f"{path} asks for 'posix.system', which is no part of weights."
    assert os.listdir(tmp_path) == ["net.pth"]


def test_missing_file_and_folder_are_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.pth"):
        with pytest.raises(MissingInputError, match=re.escape(f"There is no checkpoint {str(path)!r}.")):
            read_checkpoint(path)


CONFINED = """
import os, socket, sys
from i2i_import.confinement import leave_network, limit, watch
left = leave_network()
import torch
limit(memory=1 << 28, output=1 << 20, seconds=60)
tries = {
    "memory": lambda: bytearray(1 << 30),
    "output": lambda: os.write(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT), bytes(2 << 20)) > 1 << 20 or 1 / 0,
}
watched = {
    "file": lambda: open(sys.argv[2], "w"),
    "folder": lambda: os.mkdir(sys.argv[2]),
    "socket": lambda: socket.socket(),
    "process": lambda: os.system("touch " + sys.argv[2]),
    "program": lambda: __import__("subprocess").run(["touch", sys.argv[2]]),
}
import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
import subprocess
def report(tries):
    for name, attempt in tries.items():
        try:
            attempt()
        except BaseException as error:
            print(name, type(error).__name__)
        else:
            print(name, "DONE")
if left:
    try:
        socket.create_connection(("127.0.0.1", int(sys.argv[3])), 2)
        print("network DONE")
    except OSError:
        print("network refused")
else:
    print("network refused")
report(tries)
watch()
report(watched)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
def test_process_has_given_up_network_files_programs_and_memory(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        arguments = [str(tmp_path / "big"), str(tmp_path / CANARY), str(server.getsockname()[1])]
        command = [sys.executable, "-c", CONFINED, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = dict(line.split() for line in done.stdout.splitlines())
    assert told == {
        "network": "refused",
        "memory": "MemoryError",
        "output": "ZeroDivisionError",
        "file": "ConfinementError",
        "folder": "ConfinementError",
        "socket": "ConfinementError",
        "process": "ConfinementError",
        "program": "ConfinementError",
    }
    assert not (tmp_path / CANARY).exists()
