"""Components that come with the engine, provided by the hooks that every plugin uses."""

from torch.optim import Optimizer

from i2i.data.dataset import Pairs
from i2i.hookspecs import hookimpl
from i2i.optimizers import SGD, Adam, AdamW, RMSprop


@hookimpl
def i2i_datasets() -> dict[str, type[Pairs]]:
    """Provide pairs in every layout that is known."""
    return {"pairs": Pairs}


@hookimpl
def i2i_optimizers() -> dict[str, type[Optimizer]]:
    """Provide torch's usual optimizers."""
    return {"adam": Adam, "adamw": AdamW, "rmsprop": RMSprop, "sgd": SGD}
