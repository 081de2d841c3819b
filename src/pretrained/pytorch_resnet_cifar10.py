"""Which layer of the networks of pytorch_resnet_cifar10 is which of ours.

Yerlan Idelbayev 2018: Proper ResNet Implementation for CIFAR10/CIFAR100 in PyTorch
(github.com/akamaster/pytorch_resnet_cifar10). Its files were saved from `DataParallel`, which puts a `module.` before
the names of arrays; `torch_file.py` leaves it out. Pixels from 0 to 1 are normalized by (.485, .456, .406) and
(.229, .224, .225).
"""

from . import li2018
from .names import Names, Zeros


def resnet(depth: int) -> Names:
    """A CIFAR ResNet, `shortcut=A_centred`."""
    blocks = (depth - 2) // 6
    # The layers have the names that Li et al. took over.
    return li2018.resnet(depth) | {f"blocks.{stage * blocks}.shortcut": Zeros(centred=True) for stage in (1, 2)}
