"""The worked examples of the chapter, section by section."""

from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import pairwise
from math import floor, prod

from flax import nnx

from experiments.sizing.example import (
    MILLION,
    Example,
    counted,
    multiplied,
    plain,
    pooled,
    real,
    saved,
    sized,
    square,
    traced,
)
from experiments.sizing.inception import REDUCED, googlenet, inception
from src.arithmetic.costs import Convolution, bottleneck, dense, depthwise_separable, parameters, weights
from src.arithmetic.sizes import exact_size, output_size, receptive_fields, same_padding
from src.layers.blocks import Flatten
from src.layers.pooling import GlobalMaxPool, MaxPool


def architecture() -> list[Example]:
    """Dense networks against convolutions, and pooling."""
    image, photograph = (32, 32, 3), (200, 200, 3)
    row = floor(exact_size(5, 2, stride=2)), output_size(5, 2, stride=2, padding=(0, 1)), 1
    moved = real(square(2, 1, 1), strides=2, padding=[(0, 0), (0, 1)])
    flat = [traced(shape, plain(Flatten())).shape[0] for shape in (photograph, image)]
    return [
        Example("values of a 200x200x3 image", "dense networks", 120_000, prod(photograph), flat[0]),
        counted("100 dense nodes on it", "dense networks", 12 * MILLION, dense(120_000, 100), unit=MILLION),
        Example("32x32x3 as a vector", "Fig. 1", 3_072, prod(image), flat[1]),
        counted("a template as large as the image", "Fig. 2", 3_073, dense(3_072, 1)),
        multiplied("weights of one 5x5x3 filter", "Fig. 3b", 75, (1, 1), square(5, 3, 1)),
        counted("with its bias", "Fig. 3b", 76, square(5, 3, 1)),
        sized("its map", "Figs 3c, 4", (28, 28, 1), image, square(5, 3, 1)),
        sized("six filters", "Figs 3d, 5", (28, 28, 6), image, square(5, 3, 6)),
        sized("ten of 5x5x6 on top", "Fig. 5", (24, 24, 10), (28, 28, 6), square(5, 6, 10)),
        sized("2x2 on 5x5, S=1", "Fig. 6a", (4, 4, 1), (5, 5, 1), square(2, 1, 1)),
        Example("S=2, one zero on the right", "Fig. 6b", (2, 3, 1), row, traced((5, 5, 1), moved).shape),
        counted("20 maps of 5x5 filters", "shared filters", 1_520, square(5, 3, 20)),
        counted("20 dense nodes", "shared filters", 61_460, dense(3_072, 20)),
        pooled("2x2 pooling of 4x4", "Fig. 7", (2, 2, 1), (4, 4, 1), 2),
        pooled("global pooling of 6x6x3", "Fig. 8", (1, 1, 3), (6, 6, 3), 6),
    ]


CONVNET: tuple[tuple[Convolution | int, tuple[int, int, int], int], ...] = (
    (square(3, 3, 32), (30, 30, 32), 896),
    (square(3, 32, 32), (28, 28, 32), 9_248),
    (2, (14, 14, 32), 0),
    (square(3, 32, 64), (12, 12, 64), 18_496),
    (square(3, 64, 64), (10, 10, 64), 36_928),
    (2, (5, 5, 64), 0),
    (square(3, 64, 64), (3, 3, 64), 36_928),
)
"""Fig. 9: a convolution or the window of a pooling, what it gives, and its parameters as printed."""


def convnet_layers() -> list[Example]:
    """The body of Fig. 9, layer by layer."""
    examples, before = [], (32, 32, 3)
    for number, (layer, after, printed) in enumerate(CONVNET, 1):
        if isinstance(layer, int):
            examples.append(pooled(f"layer {number}, pooling", "Fig. 9", after, before, layer))
        else:
            examples += [
                sized(f"layer {number}, convolution", "Fig. 9", after, before, layer),
                counted("its parameters", "Fig. 9", printed, layer),
                multiplied("its multiplications", "Fig. 9", None, after[:2], layer),
            ]
        before = after
    return examples


def convnet_heads() -> list[Example]:
    """What Figs 9 and 10 put on top of the body, and all of it together."""
    body = [layer for layer, _, _ in CONVNET if isinstance(layer, Convolution)]
    makes = [plain(MaxPool(layer)) if isinstance(layer, int) else real(layer, padding="VALID") for layer, *_ in CONVNET]
    wide, narrow, logits = dense(576, 1024), dense(64, 1024), dense(1024, 10)
    flat = traced((32, 32, 3), *makes, plain(Flatten()), real(wide), real(logits))
    globally = traced((32, 32, 3), *makes, plain(GlobalMaxPool()), real(narrow), real(logits))
    total = parameters([*body, wide, logits])
    products = sum(layer.multiplications(shape[:2]) for layer, shape, _ in CONVNET if isinstance(layer, Convolution))
    products += wide.multiplications() + logits.multiplications()
    return [
        Example("flattened", "Fig. 9", 576, prod(CONVNET[-1][1]), traced((3, 3, 64), plain(Flatten())).shape[0]),
        counted("dense layer", "Fig. 9", 590_848, wide),
        Example("its share in percent", "Fig. 9", 84, Fraction(100 * wide.parameters, total)),
        counted("logits", "Fig. 9", 10_250, logits),
        Example("all parameters", "Fig. 9", 703_594, total, flat.parameters),
        Example("all multiplications", "Fig. 9", None, products, flat.multiplications),
        counted("dense layer", "Fig. 10", 66_560, narrow),
        Example("all parameters", "Fig. 10", 179_306, parameters([*body, narrow, logits]), globally.parameters),
    ]


def sizing() -> list[Example]:
    """The sections on sizes and on multiplications."""
    filters, line = square(5, 3, 20), Convolution((3,), 1, 1)
    lengths = [traced((10, 1), real(line, strides=step, padding=0)).shape[0] for step in (2, 1)]
    nodes = dense(3, 20).multiplications()
    growth = Fraction(filters.multiplications((28, 28)), nodes)
    grown = Fraction(traced((32, 32, 3), real(filters, padding="VALID")).multiplications, nodes)
    return [
        Example("32x32 with P=2", "Fig. 11", (36, 36), (32 + 2 * 2, 32 + 2 * 2)),
        sized("three 5x5x3 filters, P=2", "Fig. 11", (32, 32, 3), (32, 32, 3), square(5, 3, 3), padding=2),
        sized("3x3 on 7x7, S=1", "Fig. 12a", (5, 5, 1), (7, 7, 1), square(3, 1, 1)),
        sized("3x3 on 7x7, S=2", "Fig. 12b", (3, 3, 1), (7, 7, 1), square(3, 1, 1), stride=2),
        Example("W=10, F=3, S=2", "sizing", Fraction(9, 2), exact_size(10, 3, stride=2), lengths[0]),
        Example("W=10, F=3, S=1", "sizing", 5, output_size(10, 3), lengths[1]),
        Example("P that keeps the size, F=3", "sizing", 1, same_padding(32, 3)[0]),
        Example("P that keeps the size, F=5", "sizing", 2, same_padding(32, 5)[0]),
        counted("20 maps of 5x5 filters: D(FFD+1) + D", "sizing", 20 * (75 + 1) + 20, filters),
        Example("multiplications over those of as many nodes", "computations", 25 * 28 * 28, growth, grown),
    ]


def sequences() -> list[Example]:
    """One dimension: Figs 13 and 14."""
    symbols, logit = Convolution((), 10_000, 128, bias=False), dense(32, 1)
    first, second = Convolution((7,), 128, 32), Convolution((7,), 32, 32)
    return [
        sized("four 2x1 filters on 5x4", "Fig. 13", (4, 4), (5, 4), Convolution((2,), 4, 4)),
        counted("embedding of 10,000 words", "Fig. 14", 1_280_000, symbols),
        sized("convolution", "Fig. 14", (494, 32), (500, 128), first),
        counted("its parameters", "Fig. 14", 28_704, first),
        pooled("pooling by 5", "Fig. 14", (98, 32), (494, 32), 5),
        sized("convolution", "Fig. 14", (92, 32), (98, 32), second),
        counted("its parameters", "Fig. 14", 7_200, second),
        counted("logit", "Fig. 14", 33, logit),
        counted("all parameters", "Fig. 14", 1_315_937, symbols, first, second, logit),
    ]


def transfer() -> list[Example]:
    """MobileNet as a feature extractor, and the head on top of it (Fig. 17)."""
    widths = ((32, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 512), *((512, 512),) * 5)
    blocks = [depthwise_separable((3, 3), *pair) for pair in (*widths, (512, 1024), (1024, 1024))]
    stack = [square(3, 3, 32), *(layer for block in blocks for layer in block)]
    stack = [replace(layer, bias=False) for layer in stack]
    normed = weights(stack) + sum(2 * layer.outputs for layer in stack)
    makes = [make for layer in stack for make in (real(layer), partial(nnx.BatchNorm, layer.outputs))]
    side = 160 // receptive_fields([(3, 2)] * 5)[-1].stride
    return [
        Example("MobileNet's features at 160x160", "Fig. 17", (5, 5, 1024), (side, side, stack[-1].outputs)),
        Example("its parameters, frozen", "Fig. 17", 3_206_976, normed, traced((1, 1, 3), *makes).parameters),
        counted("head on pooled features", "Fig. 17", 262_257, dense(1024, 256), dense(256, 1)),
        counted("head on flattened features", "summary of it", 6_554_113, dense(25_600, 256), dense(256, 1)),
    ]


def trends() -> list[Example]:
    """Small filters, bottlenecks, groups and depthwise separable convolutions, with C = M = N = 64."""
    c, large, small = 64, square(7, 64, 64), square(3, 64, 64)
    fields = [traced((9, 9, 64), *(real(small),) * depth).field[0] for depth in (2, 3)]
    formulas = [field.size for field in receptive_fields([(3, 1)] * 3)]
    fewer = 100 * (1 - Fraction(parameters([small] * 3), large.parameters))
    separable, grouped = depthwise_separable((3, 3), c, c), bottleneck(256, 128, groups=32)
    regular_products, separable_products = 9 * c * c * 28 * 28, 9 * c * 28 * 28 + c * c * 28 * 28
    return [
        counted("7x7 filters: 49C² + C", "Fig. 19", 49 * c**2 + c, large),
        counted("three times 3x3: 27C² + 3C", "Fig. 19", 27 * c**2 + 3 * c, small, small, small),
        Example("fewer, in percent", "Fig. 19", 45, fewer),
        Example("side seen through two of 3x3", "Fig. 20", 5, formulas[1], fields[0]),
        Example("side seen through three of 3x3", "Fig. 19", 7, formulas[2], fields[1]),
        sized("32 filters of 1x1", "Fig. 21", (56, 56, 32), (56, 56, 64), square(1, 64, 32)),
        multiplied("weights: 9C²", "Fig. 22", 9 * c**2, (1, 1), small),
        multiplied("weights with a bottleneck: 3.25C²", "Fig. 22", 13 * c**2 // 4, (1, 1), *bottleneck(c, c // 2)),
        saved("the factor", "Fig. 22", None, bottleneck(c, c // 2), small),
        multiplied("weights, 3x3 on 256 maps", "Fig. 23", None, (1, 1), square(3, 256, 256)),
        multiplied("weights, 32 groups of 4", "Fig. 23", None, (1, 1), *grouped),
        saved("the factor", "Fig. 23", None, grouped, square(3, 256, 256)),
        multiplied("multiplications, 28x28", "Fig. 24a", regular_products, (28, 28), small),
        multiplied("depthwise separable", "Fig. 24b", separable_products, (28, 28), *separable),
        saved("the factor", "Fig. 24", 9, separable, small),
    ]


def architectures() -> list[Example]:
    """AlexNet, VGG, Inception, ResNet and ResNeXt."""
    alexnet, place, c = square(11, 3, 96), (28, 28), 256
    naive, reduced = [square(side, c, maps) for side, maps in ((1, 128), (3, 192), (5, 96))], inception(*REDUCED)
    maps = pairwise((3, 64, 64, 128, 128, *(256,) * 4, *(512,) * 8))
    convolutions = [square(3, *pair) for pair in maps]
    head = dense(7 * 7 * 512, 4096), dense(4096, 4096), dense(4096, 1000)
    widths = [traced((side, side, 3), real(alexnet, strides=4, padding=0)).shape[0] for side in (224, 227)]
    grouped, full = bottleneck(c, 128, groups=32), square(3, c, c)
    return [
        Example("width after 11x11, S=4, P=0 on 224", "Fig. 28", 55, exact_size(224, 11, stride=4), widths[0]),
        Example("the same on 227", "AlexNet", None, output_size(227, 11, stride=4), widths[1]),
        counted("VGG-19", "VGGNet", 144 * MILLION, *convolutions, *head, unit=MILLION),
        counted("its fully connected part", "VGGNet", 124 * MILLION, *head, unit=MILLION),
        multiplied("weights of its first dense layer", "VGGNet", 102_760_448, (), head[0]),
        Example("maps of the naive module", "Fig. 32a", 672, 128 + 192 + 96 + c),
        Example("maps of the reduced module", "Fig. 32b", 480, 128 + 192 + 96 + 64),
        multiplied("multiplications, naive", "Fig. 32a", 854 * MILLION, place, *naive, unit=MILLION),
        multiplied("multiplications, reduced", "Fig. 32b", 358 * MILLION, place, *reduced, unit=MILLION),
        multiplied("weights of all convolutions", "Inception", 5 * MILLION, (1, 1), *googlenet(), unit=MILLION),
        Example("ResNet's 152 layers over 22", "ResNet", 10, Fraction(152, 22)),
        multiplied("weights of 256-64-64-256", "Fig. 39a", None, (1, 1), *bottleneck(c, 64)),
        saved("the factor", "Fig. 39a", 3, bottleneck(c, 64), full),
        multiplied("weights of 32 paths of 4", "Fig. 39b", None, (1, 1), *grouped),
        saved("the factor", "Fig. 39b", None, grouped, full),
    ]


SECTIONS = (architecture, convnet_layers, convnet_heads, sizing, sequences, transfer, trends, architectures)
