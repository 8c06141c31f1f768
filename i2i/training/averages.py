"""Running averages of the weights of networks, with which they translate."""

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from i2i.contracts import Recipe


class Averages:
    """After each step of a network, average <- decay · average + (1 - decay) · weights.

    The averages begin with the weights that a run begins with (as in Yazıcı et al. 2019, arXiv 1806.04498, equation 4).
    Buffers, such as the statistics of batch norm, are not averaged: those of the network hold.

    Args:
        recipe: Whose networks.
        decays: Network -> decay, in [0, 1).
    """

    def __init__(self, recipe: Recipe, decays: Mapping[str, float]) -> None:
        self._recipe, self._decays = recipe, dict(decays)
        self._weights: dict[str, dict[str, Tensor]] = {}
        self.begin()

    def begin(self) -> None:
        """Begin anew with the weights that networks have now."""
        for network in self._decays:
            named = self._recipe.get_submodule(network).named_parameters()
            self._weights[network] = {name: parameter.detach().clone() for name, parameter in named}

    @torch.no_grad()
    def follow(self, network: str) -> None:
        """Go on after a step of a network; nothing is done for one without an average."""
        if network in self._decays:
            for name, parameter in self._recipe.get_submodule(network).named_parameters():
                self._weights[network][name].lerp_(parameter, 1 - self._decays[network])

    def applied(self, network: str) -> nn.Module:
        """Return a network that translates: with its average where it has one, and all else as the network has it.

        It shares its values with the network and the average, and is good until the next step.
        """
        module = self._recipe.get_submodule(network)
        if network not in self._weights:
            return module
        shared = {id(each): each.detach() for each in module.buffers()} | {
            id(parameter): nn.Parameter(self._weights[network][name], requires_grad=False)
            for name, parameter in module.named_parameters()
        }
        return copy.deepcopy(module, shared)

    def state(self) -> dict[str, Tensor]:
        """Return all averages by ``network.parameter``."""
        named = self._weights.items()
        return {f"{network}.{name}": weight for network, weights in named for name, weight in weights.items()}

    def restore(self, saved: Mapping[str, Tensor]) -> None:
        """Go back to what `state` returned."""
        for name, weight in self.state().items():
            weight.copy_(saved[name])
