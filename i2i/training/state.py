"""Everything that a training step depends on, into a checkpoint and back."""

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from safetensors.torch import load as read_tensors
from safetensors.torch import save as as_bytes
from torch import Tensor, nn

from i2i import safe_json
from i2i.errors import DataError, UsageError, things
from i2i.training.checkpoint import Checkpoint
from i2i.training.module_state import Kept, kept, load
from i2i.training.setup import Setup
from i2i.training.updates import Updater

OWN = {"lr", "fused", "foreach", "capturable"}
"""What optimizers do not take from a checkpoint: it follows the settings and the device."""
OPTIMIZER, AVERAGE = "optimizer-", "average-"
"""Before the name of the network in the name of the file of its moments, and of its averages."""


@dataclass
class Progress:
    """How far a run has come."""

    step: int = 0
    """Steps that are done."""
    validated: int = 0
    """The last step that was validated after."""
    best: dict[str, Any] | None = None
    """Step and figures of the best model, where there was something to validate on."""
    stale: int = 0
    """Validations since the best model."""
    log_bytes: int = 0
    """How much of the metrics log was written when it was last saved."""


def capture(setup: Setup, progress: Progress) -> Checkpoint:
    """Collect everything that `restore` needs, also from the other processes, which call `hand_over` meanwhile.

    Raises:
        DataError: If a part or an optimizer keeps something that cannot be saved safely.
    """
    tensors, data = kept(setup.recipe)
    weights, own = _by_part(setup, tensors)
    moments, groups = _optimizer_state(setup.updater)
    averages = setup.updater.averages
    rng, generators = _rng_state()
    of_others, others = _gathered(setup)
    state = {
        "step": progress.step,
        "total": setup.steps,
        "validated": progress.validated,
        "best": progress.best,
        "stale": progress.stale,
        "pairs": setup.fingerprint,
        "log_bytes": progress.log_bytes,
        "recipe": data,
        "optimizers": groups,
        "averages": averages.steps,
        "rng": generators,
        "others": others,
    }
    files = {"recipe": own, "rng": rng} | of_others
    # one for each network: they are written while others are updated
    files |= {f"{OPTIMIZER}{network}": tensors for network, tensors in moments.items()}
    files |= {f"{AVERAGE}{network}": tensors for network, tensors in averages.weights.items()}
    return Checkpoint(state, files, setup.model_config(progress.step), weights)


def restore(setup: Setup, saved: Checkpoint) -> Progress:
    """Restore networks, optimizers and global generators; returns how far the run has come.

    Raises:
        UsageError: If another number of processes trained the run.
    """
    state, tensors = saved.state, saved.tensors
    if (count := 1 + len(state["others"])) != setup.ranks.count:
        raise UsageError(
            f"{things(count, 'process', 'processes')} trained this run, each with a state of its own; now there are "
            f"{setup.ranks.count}. Go on with --nproc {count}, or begin another run with --init."
        )
    weights = {f"{part}.{name}": tensor for part, named in saved.weights.items() for name, tensor in named.items()}
    rng, own = {"tensors": tensors["rng"], "state": state["rng"]}, Kept(tensors["recipe"], state["recipe"])
    if not setup.ranks.first:
        number = setup.ranks.rank.number
        mine = _told_apart(tensors[_file(number)])
        own = Kept(own.tensors | mine["recipe"], state["others"][number - 1]["recipe"])
        rng = {"tensors": mine["rng"], "state": state["others"][number - 1]["rng"]}
    load(setup.recipe, Kept(weights | own.tensors, own.data))
    setup.updater.averages.restore(_of_networks(tensors, AVERAGE), state["averages"])
    _restore_optimizers(setup.updater, _of_networks(tensors, OPTIMIZER), state["optimizers"])
    _restore_rng(**rng)  # last: whatever is built draws numbers
    return Progress(state["step"], state["validated"], state["best"], state["stale"], state["log_bytes"])


def exported(setup: Setup, parts: Iterable[str]) -> dict[str, dict[str, Tensor]]:
    """Return the weights with which some parts translate, by part; of a part that keeps nothing, none.

    Raises:
        DataError: If one keeps something else than tensors, for which a model folder has no place.
    """
    weights: dict[str, dict[str, Tensor]] = {}
    networks = {part: setup.translating(part) for part in parts}
    for part, network in networks.items():
        if not isinstance(network, nn.Module):
            continue
        tensors, data = kept(network)
        if data:
            raise DataError(f"{part!r} keeps {next(iter(data))!r}, which is no tensor. Register it as a buffer.")
        if tensors:
            weights[part] = tensors
    return weights


def hand_over(setup: Setup) -> None:
    """Give the first process, which is at `capture`, what this one has for itself."""
    _gathered(setup)


def _gathered(setup: Setup) -> tuple[dict[str, dict[str, Tensor]], list[dict[str, Any]]]:
    """Return what the other processes have for themselves, as tensors by file and as JSON; nothing but to the first.

    That is the state of their generators, and what their parts have gathered, such as pools of images.
    """
    if setup.ranks.alone:
        return {}, []
    tensors, data = kept(setup.recipe)
    rng, generators = _rng_state()
    learned = {name for name, _ in setup.recipe.named_parameters()}
    own = {f"recipe.{name}": tensor for name, tensor in tensors.items() if name not in learned}
    own |= {f"rng.{name}": tensor for name, tensor in rng.items()}
    found = setup.ranks.gathered(as_bytes({name: tensor.cpu().contiguous() for name, tensor in own.items()}))[1:]
    said = setup.ranks.gathered(json.dumps({"recipe": data, "rng": generators}).encode())[1:]
    return {_file(number): read_tensors(each) for number, each in enumerate(found, 1)}, [*map(safe_json.load, said)]


def _file(number: int) -> str:
    return f"process-{number}"


def _told_apart(own: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Return what `_gathered` has put together, by what it is of."""
    found: dict[str, dict[str, Tensor]] = {"recipe": {}, "rng": {}}
    for name, tensor in own.items():
        of, _, rest = name.partition(".")
        found[of][rest] = tensor
    return found


@contextmanager
def put_back() -> Iterator[None]:
    """Put the global generators and the number of torch's threads back as they were: a run sets them for itself."""
    threads, generators = torch.get_num_threads(), _rng_state()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        _restore_rng(*generators)


def _by_part(setup: Setup, tensors: Mapping[str, Tensor]) -> tuple[dict[str, dict[str, Tensor]], dict[str, Tensor]]:
    """Split tensors into those of each part, by the part's own names, and what is the recipe's own."""
    weights: dict[str, dict[str, Tensor]] = {}
    own: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        if part in setup.config.selection.parts:
            weights.setdefault(part, {})[rest] = tensor
        else:
            own[name] = tensor
    return weights, own


def _optimizer_state(updater: Updater) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    """Return moments by network, as tensors named ``parameter.moment``, and parameter groups as JSON."""
    tensors: dict[str, dict[str, Tensor]] = {}
    groups: dict[str, Any] = {}
    for network, optimizer in updater.optimizers.items():
        state = optimizer.state_dict()
        groups[network] = [
            {option: float(value) if isinstance(value, Tensor) else value for option, value in group.items()}
            for group in state["param_groups"]
        ]
        tensors[network] = {}
        for parameter, moments in state["state"].items():
            for moment, value in moments.items():
                if not isinstance(value, Tensor):
                    raise DataError(f"The optimizer of {network!r} keeps {moment!r}, which is no tensor. Mend it.")
                tensors[network][f"{parameter}.{moment}"] = value
    return tensors, groups


def _of_networks(tensors: Mapping[str, dict[str, Tensor]], of: str) -> dict[str, dict[str, Tensor]]:
    """Return the files of networks, by network."""
    return {file.removeprefix(of): each for file, each in tensors.items() if file.startswith(of)}


def _restore_optimizers(updater: Updater, tensors: dict[str, dict[str, Tensor]], groups: dict[str, Any]) -> None:
    for network, optimizer in updater.optimizers.items():
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors[network].items():
            parameter, moment = name.split(".", 1)
            # of its own: a file that is mapped would take its place on the disk for as long as the run goes on
            state.setdefault(int(parameter), {})[moment] = value.clone()
        own = [{option: group[option] for option in OWN & group.keys()} for group in optimizer.param_groups]
        merged = [{**saved, **kept} for saved, kept in zip(groups[network], own, strict=True)]
        optimizer.load_state_dict({"state": state, "param_groups": merged})
        kept: Any = optimizer.state
        for parameter, moments in kept.items():
            moments.update({moment: _laid_out_as(parameter, value) for moment, value in moments.items()})


def _laid_out_as(parameter: Tensor, moment: Tensor) -> Tensor:
    """Return a moment in the order in memory of the weight that it is of: they are computed together."""
    if moment.shape != parameter.shape or moment.stride() == parameter.stride():
        return moment
    return torch.empty_like(parameter, dtype=moment.dtype).copy_(moment)


def _rng_state() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the states of the global generators of torch (tensors), Python and numpy (JSON)."""
    tensors = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors |= {f"cuda-{index}": state for index, state in enumerate(torch.cuda.get_rng_state_all())}
    version, words, gauss = random.getstate()
    numpy = np.random.get_state(legacy=False)
    numpy["state"] = {"key": numpy["state"]["key"].tolist(), "pos": int(numpy["state"]["pos"])}
    return tensors, {"python": [version, list(words), gauss], "numpy": numpy}


def _restore_rng(tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    torch.set_rng_state(tensors["cpu"])
    if torch.cuda.is_available():
        saved = [tensors[name] for name in sorted(tensors) if name.startswith("cuda-")]
        torch.cuda.set_rng_state_all(saved[: torch.cuda.device_count()])
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    np.random.set_state(state["numpy"])
