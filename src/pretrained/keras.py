"""Which layer of the networks of `keras.applications` is which of ours, by family.

Keras numbers layers without a name of their own, from the first that the process has made; the tables of networks
that have such layers therefore look at the names of the arrays.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import count

from ..config.errors import UserError
from ..models import densenet as densenets
from ..models import inception_resnet_v2 as inception_resnets
from ..models import inception_v3 as inceptions
from ..models import mobilenet as mobilenets
from ..models import mobilenet_v2 as mobilenets_v2
from ..models import nasnet as nasnets
from ..models import resnet as resnets
from ..models import xception as xceptions
from ..models.vgg import CONVOLUTIONS
from .chains import branches, convolutions
from .names import Kernel, Names, Zeros, conv_norm, depthwise, one_pixel, pointwise


def _places(counts: Iterable[int]) -> list[str]:
    """Their name of each residual or dense block."""
    return [f"conv{stage}_block{place}" for stage, blocks in enumerate(counts, 2) for place in range(1, blocks + 1)]


def vgg(depth: int) -> Names:
    """VGG16 and VGG19."""
    layers: Names = {"dense.0.linear": "fc1", "dense.1.linear": "fc2", "head": "predictions"}
    for stage, convs in enumerate(CONVOLUTIONS[depth]):
        for conv in range(convs):
            layers[f"stages.{stage}.convs.{conv}"] = f"block{stage + 1}_conv{conv + 1}"
    return layers


def resnet(depth: int) -> Names:
    """ResNet50 to ResNet152, `variant=keras`."""
    layers: Names = conv_norm("stem", "conv1_conv", "conv1_bn") | {"head": "predictions"}
    for number, theirs in enumerate(_places(resnets.BLOCKS[depth])):
        for place, ours in enumerate(("shortcut", "conv1", "conv2", "conv3")):
            layers |= conv_norm(f"blocks.{number}.{ours}", f"{theirs}_{place}_conv", f"{theirs}_{place}_bn")
    return layers


def resnet_v2(depth: int) -> Names:
    """ResNet50V2 to ResNet152V2."""
    layers: Names = {"stem": "conv1_conv", "norm": "post_bn", "head": "predictions"}
    for number, theirs in enumerate(_places(resnets.BLOCKS[depth])):
        ours = f"blocks.{number}"
        layers |= {f"{ours}.norm": f"{theirs}_preact_bn", f"{ours}.projection": f"{theirs}_0_conv"}
        layers |= conv_norm(f"{ours}.conv1", f"{theirs}_1_conv", f"{theirs}_1_bn")
        layers |= conv_norm(f"{ours}.conv2", f"{theirs}_2_conv", f"{theirs}_2_bn")
        layers[f"{ours}.conv3"] = f"{theirs}_3_conv"
    return layers


def densenet(depth: int) -> Names:
    """DenseNet121 to DenseNet201, `variant=keras`; a transition follows each dense block but the last."""
    layers: Names = conv_norm("stem.conv", "conv1_conv", "conv1_bn") | {"norm": "bn", "head": "predictions"}
    number = 0
    for stage, convs in enumerate(densenets.BLOCKS[depth], 2):
        for place in range(1, convs + 1):
            ours, theirs = f"layers.{number}.convs", f"conv{stage}_block{place}"
            layers |= conv_norm(f"{ours}.0", f"{theirs}_1_conv", f"{theirs}_0_bn")
            layers |= conv_norm(f"{ours}.1", f"{theirs}_2_conv", f"{theirs}_1_bn")
            number += 1
        layers |= conv_norm(f"layers.{number}.conv", f"pool{stage}_conv", f"pool{stage}_bn")
        number += 1
    return layers


def mobilenet() -> Names:
    """MobileNet, of any width."""
    layers: Names = conv_norm("stem", "conv1", "conv1_bn") | {"head": one_pixel("conv_preds")}
    for number in range(len(mobilenets.BLOCKS)):
        ours, first, second = f"blocks.{number}", f"conv_dw_{number + 1}", f"conv_pw_{number + 1}"
        layers |= conv_norm(f"{ours}.depthwise", depthwise(first), f"{first}_bn")
        layers |= conv_norm(f"{ours}.pointwise", second, f"{second}_bn")
    return layers


def mobilenet_v2() -> Names:
    """MobileNetV2, `variant=keras`."""
    layers: Names = conv_norm("stem", "Conv1", "bn_Conv1") | conv_norm("last", "Conv_1", "Conv_1_bn")
    layers["head"] = "predictions"
    for number in range(sum(blocks for _, _, blocks, _ in mobilenets_v2.STAGES)):
        ours, theirs = f"blocks.{number}", f"block_{number}" if number else "expanded_conv"
        for part, conv in (
            ("expand", f"{theirs}_expand"),
            ("depthwise", depthwise(f"{theirs}_depthwise")),
            ("project", f"{theirs}_project"),
        ):
            layers |= conv_norm(f"{ours}.{part}", conv, f"{theirs}_{part}_BN")
    return layers


def xception(arrays: Iterable[str]) -> Names:
    """Xception, from the names of its arrays; the shortcuts have no names."""
    layers: Names = {"head": "predictions"}
    for conv in (1, 2):
        layers |= conv_norm(f"stem{conv}", f"block1_conv{conv}", f"block1_conv{conv}_bn")
    blocks = (*xceptions.ENTRY, *xceptions.MIDDLE, *xceptions.EXIT)
    for number, widths in enumerate(blocks):
        for conv in range(len(widths)):
            theirs = f"block{number + 2}_sepconv{conv + 1}"
            layers |= _separable(f"blocks.{number}.convs.{conv}", theirs, f"{theirs}_bn")
    for conv in range(len(xceptions.TAIL)):
        theirs = f"block{len(blocks) + 2}_sepconv{conv + 1}"
        layers |= _separable(f"tail.{conv}", theirs, f"{theirs}_bn")
    shortcuts = [f"blocks.{number}.shortcut" for number, widths in enumerate(blocks) if widths not in xceptions.MIDDLE]
    return layers | _by_number(shortcuts, arrays)


def _separable(ours: str, theirs: str, norm: str) -> Names:
    return {
        f"{ours}.conv.depthwise": depthwise(theirs),
        f"{ours}.conv.pointwise": pointwise(theirs),
        f"{ours}.norm": norm,
    }


def inception_v3(arrays: Iterable[str]) -> Names:
    """InceptionV3, `variant=keras`, from the names of its arrays; no convolution has a name."""
    chains = (("stem", inceptions.STEM), ("before", inceptions.BEFORE), ("after", inceptions.AFTER))
    ours = [conv for name, steps in chains for conv in convolutions(steps, name)]
    return _by_number(ours, arrays) | {"head": "predictions"}


def inception_resnet_v2(arrays: Iterable[str]) -> Names:
    """InceptionResNetV2, from the names of its arrays; only the last convolution of a residual module has a name."""
    ours, number = [*convolutions(inceptions.STEM, "stem")], count()
    layers = conv_norm("last.layers.0", "conv_7b", "conv_7b_bn") | {"head": "predictions"}
    for kind, (first, module, repeats, _) in zip(("35", "17", "8"), inception_resnets.STAGES, strict=True):
        ours += convolutions(first, f"layers.{next(number)}")
        for place in range(1, repeats + 1 + (kind == "8")):  # the last module of all stands alone in our table
            residual = f"layers.{next(number)}"
            ours += branches(module, f"{residual}.branches")
            layers[f"{residual}.widen"] = f"block{kind}_{place}_conv"
    return layers | _by_number(ours, arrays)


def nasnet(size: str, arrays: Iterable[str]) -> Names:
    """NASNetMobile and NASNetLarge, from the names of their arrays, where scopes stand before the names of layers."""
    plan, normals = nasnets.PLANS[size], 0
    layers: Names = conv_norm("stem", "stem_conv1", "stem_bn1") | {"head": "predictions"}
    for number, (kind, _, _) in enumerate(nasnets.places(plan, small=False)):
        if kind is nasnets.NORMAL:
            word, block = "normal", str(normals + (normals >= plan.cells))
            normals += 1
        else:
            word, block = "reduction", f"reduce_{normals}" if normals else f"stem_{number + 1}"
        ours = f"cells.{number}"
        layers |= conv_norm(f"{ours}.now", f"{word}_conv_1_{block}", f"{word}_bn_1_{block}")
        layers |= conv_norm(f"{ours}.before", f"adjust_conv_projection_{block}", f"adjust_bn_{block}")
        layers |= {f"{ours}.before.even": f"adjust_conv_1_{block}", f"{ours}.before.odd": f"adjust_conv_2_{block}"}
        for place, pair in enumerate(kind.sums):
            # The fourth sum of a reduction has no convolution; Keras calls that of the fifth the fourth.
            theirs = place + 1 if word == "normal" else min(place + 1, 4)
            for side, left_or_right in enumerate(("left", "right")):
                if isinstance(pair[side][0], int):
                    layers |= _separables(f"{ours}.sums.{place}.{side}", f"{word}_{left_or_right}{theirs}_{block}")
    return _in_scopes(layers, arrays)


def _separables(ours: str, theirs: str) -> Names:
    first = _separable(f"{ours}.first", f"separable_conv_1_{theirs}", f"separable_conv_1_bn_{theirs}")
    return first | _separable(f"{ours}.second", f"separable_conv_2_{theirs}", f"separable_conv_2_bn_{theirs}")


def _in_scopes(layers: Names, arrays: Iterable[str]) -> Names:
    """The same table with the scopes that stand before the names of layers in the names of these arrays."""
    scoped = {path.split("/")[-1]: path for path in (name.rpartition("/")[0] for name in arrays)}

    def found(entry: str | Kernel | Zeros) -> str | Kernel | Zeros:
        if isinstance(entry, Kernel):
            return entry._replace(layer=scoped.get(entry.layer, entry.layer))
        return scoped.get(entry, entry) if isinstance(entry, str) else entry

    return {ours: found(entry) for ours, entry in layers.items()}


def _by_number(ours: Sequence[str], arrays: Iterable[str]) -> Names:
    """Convolutions with normalization that have no names, in the order in which both networks are built.

    Raises:
        UserError: the arrays are those of another network.
    """
    convs, norms = (_numbered(arrays, kind) for kind in ("conv2d", "batch_normalization"))
    if not len(ours) == len(convs) == len(norms):
        raise UserError(
            f"the weights have {len(convs)} convolutions that are only numbered, where {len(ours)} are needed"
        )
    names: Names = {}
    for own, conv, norm in zip(ours, convs, norms, strict=True):
        names |= conv_norm(own, conv, norm)
    return names


def _numbered(arrays: Iterable[str], kind: str) -> list[str]:
    """The layers `kind`, `kind_1`, `kind_2`, … that there are, in the order of their numbers."""
    found = (re.fullmatch(rf"({kind}(?:_(\d+))?)/.+", name) for name in arrays)
    numbers = {match[1]: int(match[2] or 0) for match in found if match}
    return sorted(numbers, key=numbers.__getitem__)
