"""Which layer of the networks of Li et al. 2018 (arXiv:1712.09913) is which of ours: the names of their code."""

from .names import Names, conv_norm


def resnet(depth: int) -> Names:
    """A CIFAR ResNet with option B shortcuts, or without any."""
    blocks = (depth - 2) // 6
    layers = conv_norm("stem", "conv1", "bn1") | {"head": "linear"}
    for number in range(3 * blocks):
        ours, theirs = f"blocks.{number}", f"layer{number // blocks + 1}.{number % blocks}"
        layers |= conv_norm(f"{ours}.conv1", f"{theirs}.conv1", f"{theirs}.bn1")
        layers |= conv_norm(f"{ours}.conv2", f"{theirs}.conv2", f"{theirs}.bn2")
        layers |= conv_norm(f"{ours}.shortcut", f"{theirs}.shortcut.0", f"{theirs}.shortcut.1")
    return layers
