"""The conformance kit: call these from a plugin's tests; each fails with the reason in words.

A plugin's whole test is often one line, such as ``check_generator(ResNet)``. Every check takes the options to build the
component with: give small ones where the defaults are slow.
"""

from i2i.testing.basics import check_options
from i2i.testing.data import check_dataset, check_preparer
from i2i.testing.exporters import check_exporter
from i2i.testing.loggers import check_logger
from i2i.testing.losses import check_adversarial_loss, check_loss, check_penalty
from i2i.testing.metrics import check_metric
from i2i.testing.networks import check_discriminator, check_generator
from i2i.testing.optimizers import check_optimizer
from i2i.testing.recipes import check_recipe

__all__ = [
    "check_adversarial_loss",
    "check_dataset",
    "check_discriminator",
    "check_exporter",
    "check_generator",
    "check_logger",
    "check_loss",
    "check_metric",
    "check_optimizer",
    "check_options",
    "check_penalty",
    "check_preparer",
    "check_recipe",
]
