"""VGG-16 and AlexNet as torch's own layers: narrow, of drawn weights."""

import torch
from torch import Tensor, nn

ROW_D: list[int | str] = [4, 4, "M", 6, 6, "M", 8, 8, 8, "M", 8, 8, 8, "M", 8, 8, 8, "M"]
"""Table 1, column D, but narrow: channels of convolutions, and M for max pooling."""


def vgg16() -> nn.Sequential:
    layers: list[nn.Module] = []
    channels = 3
    for each in ROW_D:
        if isinstance(each, str):
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(channels, each, 3, padding=1), nn.ReLU()]
            channels = each
    return nn.Sequential(*layers)


def alexnet() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 4, 11, 4, 2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(4, 6, 5, 1, 2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(6, 8, 3, 1, 1),
        nn.ReLU(),
        nn.Conv2d(8, 7, 3, 1, 1),
        nn.ReLU(),
        nn.Conv2d(7, 5, 3, 1, 1),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
    )


def named(features: nn.Sequential) -> dict[str, Tensor]:
    return {f"features.{name}": tensor for name, tensor in features.state_dict().items()}


def looked(features: nn.Sequential, image: Tensor, seen_at: tuple[int, ...]) -> list[Tensor]:
    mean, deviation = (torch.tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    x, seen = ((image + 1) / 2 - mean) / deviation, []
    for place, layer in enumerate(features):
        x = layer(x)
        if place in seen_at:
            seen.append(x.detach())
    return seen
