"""Inference modes: whether dropout is on, and which statistics batch norm uses."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from i2i.config import Mode


@contextmanager
def inference(module: nn.Module, mode: Mode, seed: int) -> Iterator[None]:
    """Run ``module`` in a mode, without gradients, with its noise drawn from ``seed``.

    Batch norm takes the statistics of whatever it is given, so feed one image at a time: then ``paper`` and
    ``deterministic`` do not depend on what an image is batched with. On leaving, the module and the global generators
    are as they were: running averages are not touched.
    """
    training = {child: child.training for child in module.modules()}
    momenta = {child: child.momentum for child in module.modules() if isinstance(child, _BatchNorm)}
    counted = {child: child.num_batches_tracked for child in momenta if child.num_batches_tracked is not None}
    counts = {child: count.clone() for child, count in counted.items()}
    module.eval()
    for child in module.modules():
        if isinstance(child, _DropoutNd):
            child.training = mode == "paper"
    for norm in momenta:
        norm.training = mode != "running"
        norm.momentum = 0.0  # batch statistics are used, running averages keep their values
    devices = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    try:
        with torch.inference_mode(), torch.random.fork_rng(devices):
            torch.manual_seed(seed)
            yield
    finally:
        for child, was in training.items():
            child.training = was
        for norm, momentum in momenta.items():
            norm.momentum = momentum
        for norm, count in counts.items():
            counted[norm].copy_(count)
