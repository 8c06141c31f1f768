"""Learning rate as a pure function of the step: there is no state to save."""

from i2i.config import Schedule


def lr_factor(schedule: Schedule, step: int, total: int) -> float:
    """What the learning rate is multiplied by at a step (counted from 0) of ``total``.

    ``linear`` is constant until ``decay_start`` and then falls to zero over the rest, as in the PyTorch code of
    CycleGAN and pix2pix, where the first and the second hundred epochs are these two parts.
    """
    start = round(schedule.decay_start * total)
    if schedule.name == "constant" or step < start:
        return 1.0
    return (total - step) / (total - start + 1)
