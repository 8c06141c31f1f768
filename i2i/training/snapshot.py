"""What a step left, written beside the next one, and before anything changes it.

Weights, and what optimizers and averages keep of them, change when their network is updated and at no other time. They
are written while the next step computes what leads there, those first whose network is updated first, and an update
waits for its own: a copy in memory would take as long, and as much memory again. What a forward pass changes, such as
running statistics, is copied where it stands among them. Files with nothing else, or much of it, and whatever lies on
another device are written before the next step begins.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Event
from typing import NamedTuple, Self

from torch import Tensor

from i2i.errors import ContractError
from i2i.system.folders import NewFolder
from i2i.training.tensor_file import TensorFile
from i2i.translation.model import CONFIG, ModelConfig, config_bytes, weights_file

COPIED = 2**25
"""Bytes of a file that are copied at most, 32 MiB; they are memory that a run takes beside what its steps take."""


class _Waiting(NamedTuple):
    """A file that is to be written before some networks are updated."""

    file: TensorFile
    networks: frozenset[str]
    versions: list[tuple[str, Tensor, int]]
    """Of each tensor that is not copied: its name, and how often torch knows it to be changed."""


class Snapshot:
    """Files with the tensors of one step. One that is needed twice is written once, and gets a second name.

    As a context, it leaves nothing where something went wrong: folders that were not put are gone then, and no update
    waits any more.

    Args:
        changing: Network -> all tensors that change when it is updated and at no other time, in the order in which
            networks are updated. What is not on the CPU is written at once all the same.
    """

    def __init__(self, changing: Mapping[str, Iterable[Tensor]] = {}) -> None:
        self._networks = dict[tuple[object, ...], set[str]]()
        for network, tensors in changing.items():
            for tensor in tensors:
                if tensor.device.type == "cpu":
                    self._networks.setdefault(_memory_of(tensor), set()).add(network)
        self._free = {network: Event() for network in changing}
        self._known = dict[tuple[object, ...], TensorFile]()
        self._waiting = list[_Waiting]()
        self._links = list[tuple[NewFolder, str, TensorFile]]()
        self._folders = list[NewFolder]()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for free in self._free.values():
            free.set()
        for folder in self._folders:
            folder.drop()

    def folder(self, place: Path) -> NewFolder:
        """Begin a folder of files of this step.

        Raises:
            OutputError: If it cannot be made.
        """
        self._folders.append(NewFolder(place))
        return self._folders[-1]

    def add(self, folder: NewFolder, name: str, tensors: Mapping[str, Tensor]) -> TensorFile:
        """Add a file of tensors, which is written at once if it cannot wait; see `write`.

        Args:
            folder: Where it goes, one of this snapshot's.
            name: What it is called there.
            tensors: Its content.

        Raises:
            OutputError: If it cannot be written.
        """
        key = tuple((each, *_memory_of(tensor)) for each, tensor in sorted(tensors.items()))
        if key in self._known:
            self._links.append((folder, name, self._known[key]))
            return self._known[key]
        owners = {each: self._networks.get(_memory_of(tensor), set()) for each, tensor in tensors.items()}
        networks = frozenset[str]().union(*owners.values())
        passing = {each: tensor for each, tensor in tensors.items() if not owners[each]}
        if networks and _is_little(passing.values()):
            versions = [(each, tensors[each], tensors[each]._version) for each in owners if owners[each]]
            file = TensorFile(folder, name, {**tensors, **{each: tensor.clone() for each, tensor in passing.items()}})
            self._waiting.append(_Waiting(file, networks, versions))
        else:
            file = TensorFile(folder, name, tensors)
            file.write()
        self._known[key] = file
        return file

    def write(self) -> None:
        """Write all that waits, in the order in which networks are updated, and the second names.

        Raises:
            OutputError: If it cannot be written.
            ContractError: If it was changed meanwhile without waiting.
        """
        for network, free in self._free.items():
            for waiting in [each for each in self._waiting if network in each.networks]:
                waiting.file.write()
                _check_unchanged(waiting)
            self._waiting = [each for each in self._waiting if network not in each.networks]
            free.set()
        for folder, name, file in self._links:
            folder.link(name, file.path)

    def wait(self, networks: Iterable[str]) -> None:
        """Wait until networks may change: for one that is not known to change, until all may."""
        for network in networks:
            for free in [self._free[network]] if network in self._free else self._free.values():
                free.wait()


class BegunModel:
    """A model folder of a snapshot.

    Args:
        snapshot: What its weights are added to.
        folder: Where it goes.
        config: What the model is.
        weights: Part of the recipe -> its weights.

    Raises:
        OutputError: If it cannot be written.
    """

    def __init__(
        self, snapshot: Snapshot, folder: Path, config: ModelConfig, weights: Mapping[str, Mapping[str, Tensor]]
    ) -> None:
        self._folder, self._config = snapshot.folder(folder), config
        self._files = {
            weights_file(part): snapshot.add(self._folder, weights_file(part), tensors)
            for part, tensors in weights.items()
        }

    def finish(self) -> None:
        """Check it, once the snapshot is written, and put it in its place.

        Raises:
            OutputError: If it cannot be written.
            DamagedError: If what was written does not read back.
        """
        sums = {name: file.sha256(str(self._folder.place / name)) for name, file in self._files.items()}
        self._folder.write(CONFIG, [config_bytes(self._config, sums)])
        self._folder.put()


def _memory_of(tensor: Tensor) -> tuple[object, ...]:
    return tensor.data_ptr(), tensor.dtype, tensor.device, tuple(tensor.shape), tensor.stride()


def _is_little(tensors: Iterable[Tensor]) -> bool:
    """Return whether tensors may be copied in memory: those of another device take its time, whoever waits for it."""
    tensors = list(tensors)
    return all(each.device.type == "cpu" for each in tensors) and sum(each.nbytes for each in tensors) <= COPIED


def _check_unchanged(written: _Waiting) -> None:
    for name, tensor, version in written.versions:
        if tensor._version != version:
            raise ContractError(
                f"{name!r} of {' and '.join(sorted(written.networks))} was changed while it was saved. A recipe may "
                "change weights by updates of their network, and after one. Mend its step()."
            )
