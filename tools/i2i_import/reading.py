"""Load a stranger's checkpoint: a file of ``torch.save`` or safetensors, of which nothing is run."""

import io
import pickletools
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from i2i.errors import DataError, MissingInputError
from i2i.translation.weights import read_tensors

MAX_BYTES = 4 << 30
"""A U-Net of four times the usual width takes 3.5 GB."""
MAX_NAMES = 1 << 19
"""Bytes of pickle, JSON or an archive's directory that name the tensors; the networks at hand take some 20,000."""

ZIP_MAGIC = b"PK\x03\x04"
ZIP_END, ZIP64_END = struct.Struct("<4s8xII2x"), struct.Struct("<4s36xQ8x20x")
"""An archive's last records (PKWARE's APPNOTE.TXT, 4.3.14 to 4.3.16): signature and bytes of the directory."""
LEGACY_PICKLES = 5
"""Of the older serialisation: magic number, protocol, system, objects, keys of the storages that follow."""

ALLOWED = frozenset(
    {
        "collections OrderedDict",
        "torch._utils _rebuild_tensor_v2",
        "torch._utils _rebuild_parameter",
        *(f"torch {kind}Storage" for kind in ("Float", "Half", "BFloat16", "Double", "Long", "Int")),
    }
)
"""All that a state dict names. ``weights_only`` allows more, such as a bytearray of any size."""
SHARED = ("GLOBAL", "REDUCE", "UNICODE", "BINUNICODE", "STRING", "BINSTRING", "SHORT_BINSTRING")
"""Opcodes whose results a state dict puts in several places."""
PROTOCOL = 2

GENERATOR = "latest_net_G.pth"
"""What the other code calls the newest generator in a folder of checkpoints."""
CYCLEGAN = {
    "generator": "latest_net_G_A.pth",
    "generator_back": "latest_net_G_B.pth",
    "discriminator": "latest_net_D_A.pth",
    "discriminator_back": "latest_net_D_B.pth",
}
"""Part -> what it calls the newest of the networks of a CycleGAN; D_A judges what G_A makes."""
SUFFIXES = (".pth", ".pt", ".ckpt", ".safetensors")
COMPILED, PARALLEL = "_orig_mod", "module"
"""What ``torch.compile`` and ``DataParallel`` put before the names of a network's tensors."""


def find_checkpoints(path: Path) -> dict[str, Path]:
    """Return part -> file: the generator, or of a folder with those of a CycleGAN the newest of each network.

    Raises:
        MissingInputError: If a folder has no generator, or one of two; the message says what is there.
    """
    if not path.is_dir():
        return {"generator": path}
    if (path / GENERATOR).is_file():
        return {"generator": path / GENERATOR}
    found = {part: path / name for part, name in CYCLEGAN.items() if (path / name).is_file()}
    if "generator" in found:
        if "generator_back" not in found:
            one, other = CYCLEGAN["generator"], CYCLEGAN["generator_back"]
            raise MissingInputError(
                f"The folder {str(path)!r} has {one} and no {other}. "
                f"Give {one} itself, and with --back the generator of the way back, if there is one."
            )
        return found
    others = sorted(file.name for file in path.iterdir() if file.suffix in SUFFIXES)
    listed = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
    give = f"Give one of its files: {listed}." if others else "Give the generator's file."
    raise MissingInputError(f"The folder {str(path)!r} has no {GENERATOR}. {give}")


def read_checkpoint(path: Path, notes: list[str]) -> dict[str, Tensor]:
    """Load tensors by name, on the CPU, without the prefixes of ``DataParallel`` and ``torch.compile``.

    Args:
        path: The file; its tensors may be an entry of it, such as ``state_dict``.
        notes: Receives a line if they are.

    Raises:
        MissingInputError: If there is no such file.
        DataError: If it does not hold a network's tensors, or is made to harm.
    """
    if not path.is_file():
        raise MissingInputError(f"There is no checkpoint {str(path)!r}.")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise DataError(
            f"{path} has {size} bytes, and no network of this format more than {MAX_BYTES}. Check the file."
        )
    try:
        tensors = _load(path, size, notes)
    except _RefusedError as error:
        raise DataError(f"{path} {error}.") from None
    return _plain_names(tensors)


class _RefusedError(Exception):
    """What is wrong with the file, as the rest of a sentence that begins with its name."""


def _load(path: Path, size: int, notes: list[str]) -> Mapping[str, Tensor]:
    with path.open("rb") as file:
        head = file.read(MAX_NAMES)
        zipped = head.startswith(ZIP_MAGIC)
        if head[8:9] == b"{":
            loaded = read_tensors(path)
        else:
            if zipped:
                _check_archive(file, size)
            else:
                _check_pickles(io.BytesIO(head), LEGACY_PICKLES)
            loaded = _unpickle(path, mapped=zipped)
    tensors, entry = _state_dict(loaded)
    if entry:
        notes.append(f"{path}: its tensors are those of {entry!r}; the rest is left out.")
    _check_tensors(tensors, size)
    return tensors


def _unpickle(path: Path, *, mapped: bool) -> Any:
    """Load what was looked at; mapped, a storage can hold nothing that is not in the file."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except Exception as error:  # whatever the parsers of two serialisations come upon
        raise _RefusedError(f"cannot be read as weights ({type(error).__name__}). Copy it again") from error


def _check_archive(file: BinaryIO, size: int) -> None:
    """Refuse an archive that is not as PyTorch writes it, so that it can hold no more than its bytes."""
    try:
        if _directory_bytes(file, size) > MAX_NAMES:
            raise _RefusedError(f"lists its members in more than {MAX_NAMES} bytes")
        archive = zipfile.ZipFile(file)
        members = {member.filename: member for member in archive.infolist()}
        for name, member in members.items():
            if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
                raise _RefusedError(f"has the member {name[:80]!r} compressed: PyTorch never does that")
        if len(members) < len(archive.infolist()) or sum(member.file_size for member in members.values()) > size:
            raise _RefusedError("has members of one name, or says that it holds more bytes than it has")
        described = [name for name in members if name.endswith("/data.pkl")]
        if any(name.endswith("/constants.pkl") for name in members):
            raise _RefusedError("is a TorchScript program, not a file of weights. Save the network's state_dict()")
        if len(described) != 1 or members[described[0]].file_size > MAX_NAMES:
            raise _RefusedError(f"has no data.pkl of at most {MAX_NAMES} bytes, in which PyTorch names its tensors")
        _check_pickles(io.BytesIO(archive.read(described[0])), 1)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError) as error:
        raise _RefusedError("is a damaged archive, or none of PyTorch. Copy it again") from error


def _directory_bytes(file: BinaryIO, size: int) -> int:
    """Return the size of an archive's directory, without reading it."""
    tail = ZIP64_END.size + ZIP_END.size
    file.seek(max(size - tail, 0))
    last = file.read()
    magic, length, _ = ZIP_END.unpack(last[-ZIP_END.size :])
    if magic != b"PK\x05\x06":  # readers that look for it elsewhere may find another
        raise _RefusedError("goes on behind its archive. Copy it again")
    if len(last) == tail and last.startswith(b"PK\x06\x06"):
        return int(ZIP64_END.unpack(last[: ZIP64_END.size])[1])
    return int(length)


def _check_pickles(stream: BinaryIO, count: int) -> None:
    """Refuse pickles that name anything but tensors, before they are loaded; nothing here makes an object of them."""
    try:
        for _ in range(count):
            shared, last = set[object](), ""
            for opcode, argument, _ in pickletools.genops(stream):
                name = opcode.name
                if name == "PROTO" and argument not in range(PROTOCOL + 1):
                    raise _RefusedError(f"is pickled by protocol {argument}, and PyTorch writes {PROTOCOL}")
                if name == "GLOBAL" and argument not in ALLOWED:
                    asked = str(argument)[:80].replace(" ", ".")
                    raise _RefusedError(f"asks for {asked!r}, which is no part of weights")
                if name.endswith("GET") and argument not in shared:  # tuples of tuples can take years to hash
                    raise _RefusedError("puts one value in several places, which is no part of weights")
                if name.endswith("PUT"):
                    (shared.add if last in SHARED else shared.discard)(argument)
                last = name
    except _RefusedError:
        raise
    except Exception as error:  # genops raises what its decoders raise
        raise _RefusedError("is no file of PyTorch or safetensors, or it is cut. Copy it again") from error


def _state_dict(loaded: Any) -> tuple[Mapping[str, Tensor], str]:
    """Return a network's tensors, and the name of the entry that holds them where they are not alone in the file."""
    if not isinstance(loaded, dict):
        raise _RefusedError(f"holds a {type(loaded).__name__}, not tensors by name")
    if _are_tensors(loaded):
        return loaded, ""
    entries = [
        name
        for name, value in loaded.items()
        if isinstance(name, str) and isinstance(value, dict) and value and _are_tensors(value)
    ]
    if len(entries) == 1:
        return loaded[entries[0]], entries[0]
    listed = ", ".join(repr(name[:80]) for name in entries[:5])
    several = f"holds several networks ({listed})" if entries else "holds more than tensors by name"
    raise _RefusedError(f"{several}. Save the state_dict() of the generator alone")


def _are_tensors(values: Mapping[Any, Any]) -> bool:
    return all(isinstance(name, str) and isinstance(value, Tensor) for name, value in values.items())


def _check_tensors(tensors: Mapping[str, Tensor], size: int) -> None:
    for name, tensor in tensors.items():
        if tensor.layout != torch.strided or tensor.device.type != "cpu":
            raise _RefusedError(f"has the tensor {name[:80]!r} that is not stored value by value")
    if sum(tensor.nbytes for tensor in tensors.values()) > size:
        raise _RefusedError("says that its tensors have more bytes than the file")
    for name, tensor in tensors.items():
        if not bool(tensor.isfinite().all()):
            raise _RefusedError(f"has the tensor {name[:80]!r} with values that are not finite")


def _plain_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors under the names that the network itself gives them."""
    paths = {name: [part for part in name.split(".") if part != COMPILED] for name in tensors}
    while all(len(path) > 1 and path[0] == PARALLEL for path in paths.values()) and paths:
        paths = {name: path[1:] for name, path in paths.items()}
    return {".".join(path): tensors[name].detach() for name, path in paths.items()}
