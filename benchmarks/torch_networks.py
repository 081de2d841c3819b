"""Networks of `src/models` in PyTorch, for comparison; they have as many parameters as ours."""

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


def conv(inputs: int, outputs: int, side: int, stride: int = 1, *, groups: int = 1, bias: bool = False) -> nn.Conv2d:
    """A convolution that leaves the size of the maps, but for its stride."""
    return nn.Conv2d(inputs, outputs, side, stride, side // 2, groups=groups, bias=bias)


def normalized(layer: nn.Conv2d, activation: type[nn.Module] = nn.ReLU) -> list[nn.Module]:
    """A convolution, batch normalization, and what comes after it."""
    return [layer, nn.BatchNorm2d(layer.out_channels), activation()]


def activated(layer: nn.Conv2d) -> nn.Sequential:
    """Batch normalization, ReLU, and a convolution."""
    return nn.Sequential(nn.BatchNorm2d(layer.in_channels), nn.ReLU(), layer)


class Average(nn.Module):
    """The mean of each map."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


class Bottleneck(nn.Module):
    """Convolutions of 1x1, 3x3 and 1x1 pixels around which a shortcut leads, a convolution where shapes change."""

    def __init__(self, inputs: int, inside: int, stride: int) -> None:
        super().__init__()
        outputs = 4 * inside
        layers = normalized(conv(inputs, inside, 1)) + normalized(conv(inside, inside, 3, stride))
        self.branch = nn.Sequential(*layers, *normalized(conv(inside, outputs, 1), nn.Identity))
        projection = nn.Sequential(*normalized(conv(inputs, outputs, 1, stride), nn.Identity))
        self.shortcut = nn.Identity() if inputs == outputs else projection

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.branch(x) + self.shortcut(x))


def resnet50() -> nn.Sequential:
    """ResNet-50 for ImageNet, with the stride in its 3x3 convolutions."""
    layers = [*normalized(conv(3, 64, 7, 2)), nn.MaxPool2d(3, 2, 1)]
    inputs = 64
    for stage, count in enumerate((3, 4, 6, 3)):
        for block in range(count):
            layers.append(Bottleneck(inputs, 64 * 2**stage, 2 if stage and not block else 1))
            inputs = 256 * 2**stage
    return nn.Sequential(*layers, Average(), nn.Linear(2048, 1000))


def vgg16_bn() -> nn.Sequential:
    """VGG-16 with batch normalization and one dense layer of 512."""
    layers: list[nn.Module] = []
    inputs = 3
    for outputs, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            layers += normalized(conv(inputs, outputs, 3, bias=True))
            inputs = outputs
        layers.append(nn.MaxPool2d(2))
    dense = [nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, 10)]
    return nn.Sequential(*layers, nn.Flatten(), *dense)


def mobilenet() -> nn.Sequential:
    """MobileNet whose first two strides of 2 are 1."""
    layers, inputs = normalized(conv(3, 32, 3), nn.ReLU6), 32
    strides = (1, 1, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
    for outputs, stride in zip((64, 128, 128, 256, 256, *[512] * 6, 1024, 1024), strides, strict=True):
        layers += normalized(conv(inputs, inputs, 3, stride, groups=inputs), nn.ReLU6)
        layers += normalized(conv(inputs, outputs, 1), nn.ReLU6)
        inputs = outputs
    return nn.Sequential(*layers, Average(), nn.Dropout(1e-3), nn.Linear(1024, 10))


class DenseLayer(nn.Module):
    """Puts 12 new channels behind those that come in."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.new = nn.Sequential(activated(conv(inputs, 48, 1)), activated(conv(48, 12, 3)))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.new(x)], 1)


def densenet_bc() -> nn.Sequential:
    """DenseNet-BC of 100 layers, growth 12."""
    layers: list[nn.Module] = [conv(3, 24, 3)]
    width = 24
    for block in range(3):
        if block:
            layers += [activated(conv(width, width // 2, 1)), nn.AvgPool2d(2)]
            width //= 2
        layers += [DenseLayer(width + 12 * number) for number in range(16)]
        width += 12 * 16
    return nn.Sequential(*layers, nn.BatchNorm2d(width), nn.ReLU(), Average(), nn.Linear(width, 10))


class WideBlock(nn.Module):
    """Normalization and ReLU before each of two convolutions; a 1x1 convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.branch = nn.Sequential(conv(inputs, outputs, 3, stride), activated(conv(outputs, outputs, 3)))
        self.shortcut = None if inputs == outputs else conv(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        active = F.relu(self.norm(x))
        return self.branch(active) + (x if self.shortcut is None else self.shortcut(active))


def wrn16_8() -> nn.Sequential:
    """WRN-16-8."""
    blocks, inputs = [], 16
    for outputs, stride in ((128, 1), (256, 2), (512, 2)):
        blocks += [WideBlock(inputs, outputs, stride), WideBlock(outputs, outputs, 1)]
        inputs = outputs
    return nn.Sequential(conv(3, 16, 3), *blocks, nn.BatchNorm2d(512), nn.ReLU(), Average(), nn.Linear(512, 10))


def convnet() -> nn.Sequential:
    """The chapter's ConvNet (Fig. 9)."""
    layers: list[nn.Module] = []
    inputs = 3
    for outputs, pool in ((32, False), (32, True), (64, False), (64, True), (64, False)):
        layers += [nn.Conv2d(inputs, outputs, 3), nn.ReLU(), *([nn.MaxPool2d(2)] if pool else [])]
        inputs = outputs
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(576, 1024), nn.ReLU(), nn.Linear(1024, 10))


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "vgg16_bn_cifar10": vgg16_bn,
    "mobilenet_cifar10": mobilenet,
    "densenet_bc_cifar10": densenet_bc,
    "wrn16_8": wrn16_8,
    "convnet_fig9": convnet,
}
"""By the experiment that trains ours."""
