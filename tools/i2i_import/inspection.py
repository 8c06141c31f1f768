"""Looks at a file of ``torch.save`` before anything in it is loaded: nothing here constructs an object."""

import io
import pickletools
import zipfile
from collections import Counter
from typing import BinaryIO

MAX_TENSORS = 10_000
MAX_PICKLE = 1 << 20
"""Bytes of pickle; those of the networks at hand take some 20,000."""

ZIP_MAGIC, ZIP_END = b"PK\x03\x04", b"PK\x05\x06"
ENCODED = 0x01 | 0x20 | 0x40
"""Flags of members that are encrypted, patches, or strongly encrypted (PKWARE's APPNOTE.TXT, 4.4.4)."""
END_OF_DIRECTORY = 22
"""Bytes of an archive's last record, without a comment; readers that look for it elsewhere may find another."""
DAMAGES = (zipfile.BadZipFile, ValueError, EOFError, OSError)
"""What `zipfile` raises of an archive that is not whole."""
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
"""All that a state dict of tensors names."""


class RefusedError(Exception):
    """What is wrong with the file, as the rest of a sentence that begins with its name."""


def inspect(file: BinaryIO, size: int) -> None:
    """Refuse what no state dict has: compression, more tensors or bytes than it may, names of anything but tensors.

    Args:
        file: The checkpoint, at its beginning; it is left there.
        size: Its bytes.

    Raises:
        RefusedError: If it is no such file, or more than one.
    """
    head = file.read(MAX_PICKLE + 1)
    if head.startswith(ZIP_MAGIC):
        _inspect_zip(file, size)
    else:
        stream = io.BytesIO(head)
        for _ in range(LEGACY_PICKLES):
            _inspect_pickle(stream)
    file.seek(0)


def _inspect_zip(file: BinaryIO, size: int) -> None:
    try:
        archive = zipfile.ZipFile(file)
    except NotImplementedError as error:  # it asks for a later version of the format
        raise RefusedError(f"is an archive of a kind that PyTorch never writes ({error})") from error
    except DAMAGES as error:
        raise RefusedError("is a damaged archive. Copy it again") from error
    file.seek(size - END_OF_DIRECTORY)
    if file.read(len(ZIP_END)) != ZIP_END:
        raise RefusedError("goes on behind its archive. Copy it again")
    members = archive.infolist()
    if len(members) > MAX_TENSORS:
        raise RefusedError(f"has {len(members)} members, more than {MAX_TENSORS}")
    for member in members:
        stored = member.compress_type == zipfile.ZIP_STORED and member.file_size == member.compress_size
        if not stored or member.flag_bits & ENCODED:
            raise RefusedError(
                f"has the member {member.filename[:80]!r} compressed or encrypted: PyTorch never does that"
            )
    if sum(member.file_size for member in members) > size:
        raise RefusedError("says that it holds more bytes than it has")
    if (twice := Counter(member.filename for member in members).most_common(1)) and twice[0][1] > 1:
        raise RefusedError(f"has the member {twice[0][0][:80]!r} twice")
    names = {name.rpartition("/")[2]: name for name in archive.namelist() if name.count("/") == 1}
    if "constants.pkl" in names:
        raise RefusedError("is a TorchScript program, not a file of weights. Save the network's state_dict()")
    if "data.pkl" not in names:
        raise RefusedError("is an archive, but none of PyTorch: it has no data.pkl")
    if archive.getinfo(names["data.pkl"]).file_size > MAX_PICKLE:
        raise RefusedError(f"describes its tensors in more than {MAX_PICKLE} bytes")
    try:
        _inspect_pickle(io.BytesIO(archive.read(names["data.pkl"])))
    except DAMAGES as error:
        raise RefusedError("is a damaged archive. Copy it again") from error


def _inspect_pickle(stream: BinaryIO) -> None:
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            if opcode.name == "GLOBAL" and argument not in ALLOWED:
                raise RefusedError(f"asks for {str(argument)[:80].replace(' ', '.')!r}, which is no part of weights")
            if opcode.name in ("STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"):
                raise RefusedError(f"makes objects by {opcode.name}, which is no part of weights")
    except RefusedError:
        raise
    except Exception as error:  # genops raises what its decoders raise
        raise RefusedError("is no file of PyTorch, or it is cut. Copy it again") from error
