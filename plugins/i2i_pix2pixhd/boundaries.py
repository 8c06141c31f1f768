"""Where objects border on each other, which a map of classes does not say of two of one class.

Paper: Wang et al. 2018, arXiv 1711.11585v2, section 3.3. Original code: github.com/NVIDIA/pix2pixHD (a BSD licence of
its own); this is our own.
"""

import torch
from torch import Tensor


def with_boundaries(source: Tensor, instances: Tensor | None) -> Tensor:
    """Return the source, and behind it on channels `boundaries` where there are instances."""
    return source if instances is None else torch.cat([source, boundaries(instances).to(source.dtype)], dim=1)


def boundaries(instances: Tensor) -> Tensor:
    """Tell pixels whose object differs from that of any of their four neighbours (Wang et al. 2018, section 3.3).

    Args:
        instances: Numbers of objects, (N, H, W).

    Returns:
        Boolean, (N, 1, H, W).
    """
    found = torch.zeros_like(instances, dtype=torch.bool)
    for axis in (1, 2):
        differs, length = instances.diff(dim=axis) != 0, instances.shape[axis] - 1
        found.narrow(axis, 0, length).logical_or_(differs)
        found.narrow(axis, 1, length).logical_or_(differs)
    return found[:, None]
