"""Running averages of the weights of networks, with which they translate."""

import copy
from collections.abc import Mapping
from math import sqrt

import torch
from torch import Tensor, nn

from i2i.contracts import Recipe
from i2i.sections.networks import Decay, Power


def exponent_of(width: float) -> float:
    """Return the exponent gamma of the power-function profile of a width sigma_rel (Karras et al. 2024, section 3.1).

    It is the positive solution of sigma_rel = (gamma + 1)^(1/2) / ((gamma + 2) (gamma + 3)^(1/2)), their equation 3,
    which falls from 1 / (2 sqrt(3)) = 0.289 at gamma = 0 towards 0.
    """
    low, high = 0.0, 1 / width  # sigma_rel is below 1 / (gamma + 2)
    for _ in range(100):
        middle = (low + high) / 2
        too_wide = sqrt(middle + 1) / ((middle + 2) * sqrt(middle + 3)) > width
        low, high = (middle, high) if too_wide else (low, middle)
    return low


class Averages:
    """After each step of a network, average <- decay · average + (1 - decay) · weights.

    A number is the decay of every step (as in Yazıcı et al. 2019, arXiv 1806.04498, equation 4), and the average begins
    with the weights that a run begins with. By a power function the decay of step t, counted from 1, is
    (1 - 1/t)^(gamma + 1) (Karras et al. 2024, arXiv 2312.02696, equation 2): the average forgets where it began, and is
    always as wide in proportion to the steps so far.

    Buffers, such as the statistics of batch norm, are not averaged: those of the network hold.

    Args:
        recipe: Whose networks.
        decays: Network -> decay in [0, 1), or its power function.
    """

    def __init__(self, recipe: Recipe, decays: Mapping[str, Decay]) -> None:
        self._recipe = recipe
        self._decays = {name: decay for name, decay in decays.items() if not isinstance(decay, Power)}
        self._exponents = {name: exponent_of(each.width) for name, each in decays.items() if isinstance(each, Power)}
        self.weights: dict[str, dict[str, Tensor]] = {}
        """Network -> the average of each parameter, by its name there."""
        self.steps: dict[str, int] = {}
        """Network with a power function -> its steps so far."""
        self.begin()

    def begin(self) -> None:
        """Begin anew with the weights that networks have now."""
        self.steps = dict.fromkeys(self._exponents, 0)
        for network in (*self._decays, *self._exponents):
            named = self._recipe.get_submodule(network).named_parameters()
            self.weights[network] = {name: parameter.detach().clone() for name, parameter in named}

    @torch.no_grad()
    def follow(self, network: str) -> None:
        """Go on after a step of a network; nothing is done for one without an average."""
        if network in self.weights:
            decay = self._decay(network)
            for name, parameter in self._recipe.get_submodule(network).named_parameters():
                self.weights[network][name].lerp_(parameter, 1 - decay)

    def _decay(self, network: str) -> float:
        """Count a step of a network, and return its decay."""
        if network in self._decays:
            return self._decays[network]
        self.steps[network] += 1
        return float((1 - 1 / self.steps[network]) ** (self._exponents[network] + 1))

    def applied(self, network: str) -> nn.Module:
        """Return a network that translates: with its average where it has one, and all else as the network has it.

        It shares its values with the network and the average, and is good until the next step.
        """
        module = self._recipe.get_submodule(network)
        if network not in self.weights:
            return module
        shared = {id(each): each.detach() for each in module.buffers()} | {
            id(parameter): nn.Parameter(self.weights[network][name], requires_grad=False)
            for name, parameter in module.named_parameters()
        }
        return copy.deepcopy(module, shared)

    def restore(self, weights: Mapping[str, Mapping[str, Tensor]], steps: Mapping[str, int]) -> None:
        """Go back to weights and steps as they were."""
        for network, named in self.weights.items():
            for name, weight in named.items():
                weight.copy_(weights[network][name])
        self.steps = {network: steps[network] for network in self.steps}
