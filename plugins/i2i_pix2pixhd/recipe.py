"""The method of pix2pixHD.

Paper: Wang et al. 2018, arXiv 1711.11585v2, section 3. Original code: github.com/NVIDIA/pix2pixHD (a BSD licence of its
own); this is our own.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from i2i.contracts import Clock, FeatureDiscriminator, Generator, Ids, Image, Recipe, Update, Verdict, Wire
from i2i.errors import UsageError
from i2i.fields import Fields
from i2i.parts import Adversarial, Losses
from i2i_pix2pixhd.blocks import halved
from i2i_pix2pixhd.contracts import Enhancer, FeatureGenerator

Share = Annotated[float, Field(ge=0, le=1)]


def translate(generator: Generator, enhancer: Enhancer | None, source: Image, instances: Ids | None = None) -> Tensor:
    """Return the target, (N, C, H, W); where there is an enhancer, out of what the generator sees at half the size."""
    source = with_boundaries(source, instances)
    if enhancer is None:
        return generator(source)
    return enhancer(source, with_features(generator).features(halved(source)))


def with_features(generator: Generator) -> FeatureGenerator:
    """Return the generator, if an enhancer can build on it.

    Raises:
        UsageError: If it cannot.
    """
    if not isinstance(generator, FeatureGenerator):
        raise UsageError(
            f"{type(generator).__name__} has no `features` for a local enhancer to build on. Choose "
            "--use generator=global, or --set recipe.enhance=false."
        )
    return generator


class Pix2PixHD(Recipe):
    """Discriminators at several sizes, feature matching, and a generator from coarse to fine (Wang et al. 2018).

    A run has three stages: the generator learns at half the size, then the local enhancer learns to double it while the
    generator rests, then both learn together. The generator minimises

        Σ_k L_GAN(G, D_k) + feature_weight · L_FM(G, D) + perceptual losses

    (section 3.2), and each discriminator D_k its adversarial loss; both see the same fakes. With a
    field ``instances``, where objects border on each other is one more channel of the source (section 3.3).

    Args:
        enhance: Whether there is a local enhancer; without one, the generator learns at full size all the time.
        stages: Shares of the run at which the second and the third stage begin. The defaults are the authors' 200, 10
            and 90 epochs.
        feature_weight: Weight of feature matching, the paper's λ; see `feature_matching`.

    Raises:
        UsageError: If the third stage is to begin before the second.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        "generator": "global",
        "enhancer": "local",
        "discriminator": "multi-scale",
        "gan_loss": "least-squares",
        "perceptual_loss": [],
    }
    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "optimizer": {"lr": 2e-4, "betas": [0.5, 0.999]},
        "schedule": {"name": "linear"},
    }
    translators: ClassVar[Mapping[str, Callable[..., Tensor]]] = {"target": translate}

    def __init__(
        self,
        generator: Generator,
        enhancer: Enhancer | None,
        discriminator: FeatureDiscriminator,
        gan_loss: Adversarial,
        perceptual_loss: Losses,
        *,
        enhance: bool = True,
        stages: tuple[Share, Share] = (0.667, 0.7),
        feature_weight: Annotated[float, Field(ge=0)] = 10.0,
    ) -> None:
        super().__init__()
        if stages[0] > stages[1]:
            raise UsageError(f"recipe.stages is {list(stages)}. The third stage begins after the second: let it rise.")
        self.generator = generator
        self.enhancer = enhancer
        self.discriminator = discriminator
        self.gan_loss = gan_loss
        self.perceptual_loss = perceptual_loss
        self.stages = stages
        self.feature_weight = feature_weight

    @classmethod
    def wiring(cls, fields: Fields, options: Mapping[str, Any]) -> Mapping[str, Wire]:
        """Wire all parts; boundaries are one more channel of the source where there are instances."""
        source, target = fields["source"].channels + ("instances" in fields), fields["target"].channels
        enhancer = {"enhancer": Wire(source, target, with_features)} if options["enhance"] else {}
        return {
            "generator": Wire(source, target),
            **enhancer,
            "discriminator": Wire(source + target),
            "gan_loss": Wire(),
            "perceptual_loss": Wire(),
        }

    def step(self, source: Image, target: Image, clock: Clock, instances: Ids | None = None) -> Iterator[Update]:
        """Yield one step of the networks that learn at this stage, then one of the discriminator."""
        source, networks = with_boundaries(source, instances), self.learning(clock)
        if self.enhancer is not None and "enhancer" not in networks:
            source, target = halved(source), halved(target)
            fake = self.generator(source)
        else:
            fake = translate(self.generator, self.enhancer, source)
        real_verdict = self.discriminator(torch.cat([source, target], dim=1))
        fake_verdict = self.discriminator(torch.cat([source, fake], dim=1))
        losses = {
            "gan": self.gan_loss.generator_loss(fake_verdict, real_verdict),
            "features": self.feature_weight * feature_matching(fake_verdict, real_verdict),
            "perceptual": self.perceptual_loss(fake, target),
        }
        yield Update(networks, losses)
        fake_verdict = self.discriminator(torch.cat([source, fake.detach()], dim=1))
        yield Update("discriminator", {"gan": self.gan_loss.discriminator_loss(real_verdict, fake_verdict)})

    def learning(self, clock: Clock) -> tuple[str, ...]:
        """Return which networks learn beside the discriminator at this stage of the run."""
        alone, together = self.stages
        if self.enhancer is None or clock.progress < alone:
            return ("generator",)
        return ("enhancer",) if clock.progress < together else ("generator", "enhancer")


def feature_matching(fake: Verdict, real: Verdict) -> Tensor:
    """Return how far a discriminator's features of fakes are from those of real images, a scalar.

    It is 4 times the mean over all layers of the mean absolute difference (the paper's 1 / N_i): with its
    discriminators, which have four hidden layers, the sum over layers and the mean over scales. So the authors' code
    weighs it (4 / (layers + 1) and 1 / scales), and the weight means the same however many scales and layers there are.
    The objective in the paper sums over scales, which would be 3 times as much.

    No gradient flows into the features of real images.
    """
    pairs = zip(fake.features, real.features, strict=True)
    return 4 * torch.stack([F.l1_loss(made, seen.detach()) for made, seen in pairs]).mean()


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
