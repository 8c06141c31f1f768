"""Components that fail while a run trains."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

import i2i
from i2i.plugins import COMPONENTS, installed


class Boom(nn.Module):
    """Fails when it is trained."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, source: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            raise KeyError("boom")
        return torch.tanh(self.conv(source))


class Plugin:
    @i2i.hookimpl
    def i2i_generators(self) -> dict[str, type[nn.Module]]:
        return {"boom": Boom}


def test_a_component_that_raises_is_one_line_with_plugin_distribution_and_place(
    run_cli: Callable[..., tuple[int, str, str]], shared_pairs: Path, tmp_path: Path
) -> None:
    plugin = Plugin()
    installed(COMPONENTS).register(plugin, "booming", "i2i-booming", "1.0")
    try:
        code, _, err = run_cli(
            *("train", "--plugin", "pix2pix", "--data", shared_pairs, "--out", tmp_path / "run", "--quiet"),
            *("--use", "generator=boom", "--size", 16, "--steps", 1, "--workers", 0, "--device", "cpu"),
            *("--set", "discriminator.layers=1", "--set", "discriminator.base_channels=4"),
        )
    finally:
        installed(COMPONENTS).manager.unregister(plugin)
    assert code == 2
    assert err.count("\n") == 1
    assert "plugin 'booming' (i2i-booming 1.0) fails in training: KeyError: 'boom'" in err
    assert f"{__file__}:{Boom.forward.__code__.co_firstlineno + 2}" in err
