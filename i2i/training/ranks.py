"""Several processes train one run: their gradients are added up, and what happens to one of them is known to all."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from i2i.errors import ElsewhereError, I2iError, RankGoneError, ResourceError, UsageError
from i2i.system.rank import ALONE, Rank, end_with_parent, this_rank

PATIENCE = timedelta(hours=6)
"""For how long processes wait for one that lives, such as while it measures; one that died is noticed at once."""

BUCKET = 2**25
"""Bytes of gradients that are sent together."""


class Ranks:
    """The processes that train a run together, seen from one of them; alone, nothing is sent and nobody waited for.

    All of them call each method, in the same order.

    Args:
        rank: Which one this is.
    """

    def __init__(self, rank: Rank = ALONE) -> None:
        self.rank, self.count, self.first, self.alone = rank, rank.count, rank.first, rank.alone

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Put the sum over all processes in the place of each tensor.

        Raises:
            RankGoneError: If another process is gone.
        """
        if self.alone or not tensors:
            return
        with _reaching():
            sent = []
            for bucket in _buckets(tensors):
                flat = torch.cat([tensor.detach().reshape(-1) for tensor in bucket])
                sent.append((bucket, flat, dist.all_reduce(flat, async_op=True)))
            for bucket, flat, work in sent:
                work.wait()
                parts = flat.split([tensor.numel() for tensor in bucket])
                with torch.no_grad():
                    for tensor, part in zip(bucket, parts, strict=True):
                        tensor.copy_(part.view_as(tensor))

    def told(self, word: int) -> list[int]:
        """Return what each process says, in their order.

        Args:
            word: What this one says.

        Raises:
            RankGoneError: If another process is gone.
        """
        if self.alone:
            return [word]
        words = torch.zeros(self.count, dtype=torch.int64)
        words[self.rank.number] = word
        self.add_up([words])
        return words.tolist()

    def gathered(self, data: bytes) -> list[bytes]:
        """Return to the first process what each of them has, in their order; to the others nothing.

        Args:
            data: What this one has.

        Raises:
            RankGoneError: If another process is gone.
        """
        lengths = self.told(len(data))
        if self.alone:
            return [data]
        with _reaching():
            if not self.first:
                dist.send(torch.frombuffer(bytearray(data or b"\0"), dtype=torch.uint8), dst=0)
                return []
            found = [data]
            for number, length in enumerate(lengths[1:], 1):
                received = torch.empty(max(length, 1), dtype=torch.uint8)
                dist.recv(received, src=number)
                found.append(received.numpy().tobytes()[:length])
            return found

    @contextmanager
    def agreeing(self) -> Iterator[None]:
        """End all processes where one of them comes to an error: the first that has one says it.

        Raises:
            ElsewhereError: If another process has failed.
        """
        failed: I2iError | None = None
        try:
            yield
        except RankGoneError:
            raise
        except I2iError as error:
            failed = error
        self.check(failed)

    def check(self, failed: I2iError | None) -> None:
        """End all processes where one of them has failed; see `agreeing`."""
        codes = self.told(0 if failed is None else failed.exit_code)
        speaker = next((number for number, code in enumerate(codes) if code), None)
        if speaker is None:
            return
        if failed is not None and speaker == self.rank.number:
            failed.is_of_one_process = True
            raise failed
        raise ElsewhereError(codes[speaker]) from failed

    @contextmanager
    def in_turn(self) -> Iterator[None]:
        """Let the first process go ahead, such as to fetch what all of them read then."""
        if not self.first:
            self.check(None)
        failed: I2iError | None = None
        try:
            yield
        except I2iError as error:
            failed = error
        if self.first:
            self.check(failed)
        elif failed is not None:
            raise failed

    def device(self, chosen: torch.device) -> torch.device:
        """Return the device of this process, where one was chosen for all.

        Raises:
            UsageError: If there are not enough of them.
        """
        if self.alone or chosen.type == "cpu":
            return chosen
        if chosen.type != "cuda" or chosen.index is not None:
            raise UsageError(
                f"training.device is {chosen}, and {self.count} processes train. Say cuda, and each takes a GPU of its "
                "own; or cpu."
            )
        if self.rank.local_count > (found := torch.cuda.device_count()):
            raise UsageError(
                f"{self.rank.local_count} processes train on this machine, which has {found} GPUs. Start as many."
            )
        return torch.device("cuda", self.rank.local)


NO_OTHERS = Ranks()


def _buckets(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Yield tensors of one type together, as many as fit, and at least one."""
    bucket: list[Tensor] = []
    size = 0
    for tensor in tensors:
        kind = (tensor.dtype, tensor.device)
        if bucket and ((bucket[0].dtype, bucket[0].device) != kind or size + tensor.nbytes > BUCKET):
            yield bucket
            bucket, size = [], 0
        bucket.append(tensor)
        size += tensor.nbytes
    if bucket:
        yield bucket


@contextmanager
def _reaching() -> Iterator[None]:
    """Say in one line that another process is gone, which reaches torch as a connection that is closed."""
    try:
        yield
    except RuntimeError as error:
        raise RankGoneError(
            "Another process of the run is gone, so this one stops. What was saved is whole."
        ) from error


@contextmanager
def joined(device: str) -> Iterator[Ranks]:
    """Meet the other processes of the run, where there are any, and leave them at the end.

    Args:
        device: ``training.device``, such as ``auto``.

    Raises:
        ResourceError: If they do not meet.
    """
    rank = this_rank()
    if rank.alone:
        yield NO_OTHERS
        return
    if not dist.is_available():
        raise UsageError("This build of torch has no torch.distributed, so a run has one process. Install another.")
    end_with_parent()
    on_gpus = torch.cuda.is_available() and device.startswith(("auto", "cuda"))
    if on_gpus and rank.local < torch.cuda.device_count():
        torch.cuda.set_device(rank.local)  # before anything is put on the first one
    ours = not dist.is_initialized()
    if ours:
        try:
            dist.init_process_group("cpu:gloo,cuda:nccl" if on_gpus else "gloo", timeout=PATIENCE)
        except (RuntimeError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise ResourceError(
                f"The {rank.count} processes of the run do not meet: {reason}. Look at MASTER_ADDR, MASTER_PORT and "
                "the network."
            ) from error
    try:
        yield Ranks(rank)
    finally:
        if ours:
            with suppress(RuntimeError):
                dist.destroy_process_group()
