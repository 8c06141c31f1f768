"""Learning rates over a run, as parts of those that networks are given."""

from math import cos, pi

from i2i.errors import UsageError, things
from i2i.sections.training import Schedule


def factor_at(schedule: Schedule, step: int, total: int) -> float:
    """Return by what learning rates are multiplied at a step (counted from 0) of ``total``.

    All schedules begin with a warm-up in which the factor rises in equal parts, by the step, to that of the schedule
    (Goyal et al. 2017, arXiv 1706.02677, section 2.2). Then

    - ``constant`` is 1,
    - ``linear`` is 1 until ``decay_start``, and falls to zero over the rest, as in the PyTorch code of CycleGAN and
      pix2pix, where the first and the second hundred epochs are these two parts,
    - ``cosine`` is 1 until ``decay_start``, and falls along half a cosine (Loshchilov and Hutter 2017, arXiv
      1608.03983, equation 5, without restarts and down to 0),
    - ``step`` is multiplied by ``factor`` after each of the steps ``at``.

    ``linear`` and ``cosine`` reach zero one step after the last: every step trains.
    """
    rising = min(1.0, (step + 1) / schedule.warmup) if schedule.warmup else 1.0
    match schedule.name:
        case "linear":
            return rising * _left(schedule, step, total)
        case "cosine":
            return rising * (1 - cos(pi * _left(schedule, step, total))) / 2
        case "step":
            return rising * float(schedule.factor ** sum(at <= step for at in schedule.at))
    return rising


def follows_length(schedule: Schedule) -> bool:
    """Return whether a run of another length has other learning rates at the same steps."""
    return schedule.name in ("linear", "cosine")


def check_warmup(schedule: Schedule, total: int) -> None:
    """Refuse a warm-up that the run ends in.

    Raises:
        UsageError: If it is not shorter than the run.
    """
    if schedule.warmup >= total > 0:
        raise UsageError(
            f"schedule.warmup is {schedule.warmup}, and the run has {things(total, 'step')}: it would never train at "
            "its learning rate. Say a lower schedule.warmup, or more steps."
        )


def _left(schedule: Schedule, step: int, total: int) -> float:
    """Return how much of the way down is left, in 0..1."""
    begin = {"linear": 0.5, "cosine": 0.0}[schedule.name] if schedule.decay_start == "auto" else schedule.decay_start
    start = round(begin * total)
    return 1.0 if step < start else (total - step) / (total - start + 1)
