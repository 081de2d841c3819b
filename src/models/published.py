"""Which of their layers is which of ours, for weights that are published, by family."""

PARTS = {"conv": "", "norm": "_bn"}


def cifar_resnet(depth: int) -> dict[str, str]:
    """PyTorch names of a CIFAR ResNet, such as those of Li et al. 2018."""
    blocks = (depth - 2) // 6
    layers = {"stem.conv": "conv1", "stem.norm": "bn1", "head": "linear"}
    for number in range(3 * blocks):
        ours, theirs = f"blocks.{number}", f"layer{number // blocks + 1}.{number % blocks}"
        for place in (1, 2):
            layers[f"{ours}.conv{place}.conv"] = f"{theirs}.conv{place}"
            layers[f"{ours}.conv{place}.norm"] = f"{theirs}.bn{place}"
        layers[f"{ours}.shortcut.conv"] = f"{theirs}.shortcut.0"
        layers[f"{ours}.shortcut.norm"] = f"{theirs}.shortcut.1"
    return layers


def mobilenet() -> dict[str, str]:
    """Keras names of MobileNet, of any width."""
    layers = {"head": "conv_preds"}
    for part, ending in PARTS.items():
        layers[f"stem.{part}"] = f"conv1{ending}"
        for number in range(13):
            layers[f"blocks.{number}.depthwise.{part}"] = f"conv_dw_{number + 1}{ending}"
            layers[f"blocks.{number}.pointwise.{part}"] = f"conv_pw_{number + 1}{ending}"
    return layers
