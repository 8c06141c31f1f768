"""Fit the tensors of a checkpoint to our network: every one, and nothing else."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from i2i.assembly import Selection, build_part
from i2i.contracts import Discriminator, Generator
from i2i.errors import DataError
from i2i.system.unfilled import unfilled
from i2i_import.networks import STATISTICS, Network, tensor_names

COUNTER = "num_batches_tracked"
"""Files from before torch 0.4.1 have none, and torch itself counts from 0 then."""
HALF = (torch.float16, torch.bfloat16)


def fit(
    values: Mapping[str, Tensor], network: Network, selection: Selection, where: str, notes: list[str]
) -> dict[str, Tensor]:
    """Return the file's tensors under our names.

    Args:
        values: Tensors by their names.
        network: What they were recognised as.
        selection: Our components.
        where: The file, for messages.
        notes: Receives a line for whatever is not as it was in the file.

    Raises:
        DataError: If one is missing, too many, or of another shape or type.
    """
    own = shapes(network, selection, values, where)
    names = tensor_names(network.layers, own)
    found = dict(values)
    if stray := _stray(found, network):
        notes.append(f"{where}: {len(stray)} statistics of instance norms left out: they are not used.")
        found = {name: tensor for name, tensor in found.items() if name not in stray}
    counters = {name: torch.zeros((), dtype=torch.int64) for name in names if name.endswith(f".{COUNTER}")}
    if counters and not counters.keys() & found.keys():
        notes.append(f"{where}: it counts no batches, so they count from 0.")
        found |= counters
    _check_names(found, names, network, where)
    for theirs, ours in names.items():
        _check_tensor(theirs, found[theirs], own[ours], network, where)
    halves = [name for name in names if found[name].dtype in HALF]
    if halves:
        notes.append(f"{where}: {len(halves)} tensors of half precision widened to single, without loss.")
    return {ours: found[theirs].to(own[ours].dtype) for theirs, ours in names.items()}


def shapes(network: Network, selection: Selection, values: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
    """Build our network's tensors, the parameters without values.

    Args:
        network: What it is.
        selection: Our components.
        values: Tensors of a file: a network that is far larger than they are is not built.
        where: The file, for messages.

    Raises:
        DataError: If the network is too large, or its sizes are such that no computer can count them.
    """
    contract = Generator if network.kind == "generator" else Discriminator
    with unfilled(f"{where}: its {network}", [tensor.shape for tensor in values.values()]):
        module: nn.Module = build_part(network.kind, contract, selection, {network.kind: network.channels})
    return module.state_dict()


def _stray(found: Mapping[str, Tensor], network: Network) -> set[str]:
    if network.norm != "instance":
        return set()
    norms = [layer.theirs for layer in network.layers if layer.norm]
    return {f"{norm}.{suffix}" for norm in norms for suffix in STATISTICS} & found.keys()


def _check_names(found: Mapping[str, Tensor], names: Mapping[str, str], network: Network, where: str) -> None:
    missing = [name for name in names if name not in found]
    extra = sorted(found.keys() - names.keys())
    if not missing and not extra:
        return
    problem = f"lacks the tensor {missing[0]!r} of" if missing else f"has the tensor {extra[0]!r}, which is none of"
    others = len(missing) + len(extra) - 1
    more = f" ({others} more do not fit)" if others else ""
    raise DataError(f"{where} {problem} a {network}{more}. Give the file as it was saved.")


def _check_tensor(name: str, given: Tensor, expected: Tensor, network: Network, where: str) -> None:
    if given.shape != expected.shape:
        shape, its = tuple(given.shape), tuple(expected.shape)
        raise DataError(
            f"{where}: {name!r} is of shape {shape}, and {its} in a {network}. Give the file as it was saved."
        )
    if given.dtype != expected.dtype and not (expected.dtype == torch.float32 and given.dtype in HALF):
        raise DataError(
            f"{where}: {name!r} is {given.dtype}, and {expected.dtype} in that format. Save it again as such."
        )
