"""Every worked example of the chapter's arithmetic, by formula and from real layers, and where the chapter is wrong.

`python -m experiments.sizing` prints the examples and writes `docs/errata.md`.
"""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import pairwise
from math import floor, prod
from pathlib import Path
from typing import Any, NamedTuple

from flax import nnx

from src.arithmetic.costs import Convolution, bottleneck, dense, depthwise_separable, parameters, ratio, weights
from src.arithmetic.sizes import exact_size, output_shape, output_size, receptive_fields, same_padding
from src.models.blocks import Flatten
from src.models.pooling import GlobalMaxPool, MaxPool
from src.models.summary import layers

ERRATA = Path("docs/errata.md")
MILLION = 10**6

Value = int | Fraction | tuple[int, ...]
Make = Callable[..., nnx.Module]


class Example(NamedTuple):
    """One number of the chapter.

    Attributes:
        what: is counted.
        place: figure or section of the chapter.
        chapter: its number; none where it leaves it to the reader.
        formula: ours.
        layer: that of a real layer, if the example is about one.
        unit: to which the chapter rounds.
    """

    what: str
    place: str
    chapter: Value | None
    formula: Value
    layer: Value | None = None
    unit: int = 1

    @property
    def wrong(self) -> bool:
        """Whether the chapter's number is another one, even after rounding."""
        if self.chapter is None or self.chapter == self.formula:
            return False
        return isinstance(self.formula, tuple) or self.chapter != round(self.formula / self.unit) * self.unit


class Traced(NamedTuple):
    """What the traced program of a network says; nothing is computed."""

    shape: tuple[int, ...]
    parameters: int
    multiplications: int
    field: tuple[int, ...]


def traced(input_shape: tuple[int, ...], *makes: Make) -> Traced:
    """Traces layers one after the other."""
    rows = layers(lambda: nnx.Sequential(*(make(rngs=nnx.Rngs(0)) for make in makes)), input_shape)
    counts = sum(row.parameters for row in rows), sum(row.multiplications for row in rows)
    return Traced(rows[-1].output_shape, *counts, rows[-1].field.size if rows[-1].field else ())


def real(layer: Convolution, **options: Any) -> Make:
    """The layer of Flax with these filters; padded so that sizes stay, unless said."""
    if not layer.filter:
        return partial(nnx.Linear, layer.inputs, layer.outputs, use_bias=layer.bias)
    grouping: dict[str, Any] = {"feature_group_count": layer.groups, "use_bias": layer.bias}
    return partial(nnx.Conv, layer.inputs, layer.outputs, layer.filter, **grouping, **options)


def plain(layer: nnx.Module) -> Make:
    """A layer that needs no randomness."""
    return lambda rngs: layer


def square(side: int, inputs: int, outputs: int) -> Convolution:
    """A convolution with square filters."""
    return Convolution((side, side), inputs, outputs)


def on_one_place(stack: tuple[Convolution, ...], places: tuple[int, ...] = (1, 1)) -> list[Traced]:
    """Each layer traced by itself, on a map of so many places."""
    return [traced((*places[: len(layer.filter)], layer.inputs), real(layer)) for layer in stack]


# Four kinds of examples: each asks the formula and a real layer the same question.


def sized(
    what: str, place: str, chapter: Value | None, shape: tuple[int, ...], layer: Convolution, **moves: int
) -> Example:
    """The shape that a convolution gives, unpadded unless said."""
    formula = (*output_shape(shape[:-1], layer.filter, **moves), layer.outputs)
    options = {"strides": moves.get("stride", 1), "padding": moves.get("padding", 0)}
    return Example(what, place, chapter, formula, traced(shape, real(layer, **options)).shape)


def pooled(what: str, place: str, chapter: Value, shape: tuple[int, ...], size: int) -> Example:
    """The shape that max-pooling without overlap gives; what is left over at the end is not read."""
    sides = (floor(exact_size(side, size, stride=size)) for side in shape[:-1])
    return Example(what, place, chapter, (*sides, shape[-1]), traced(shape, plain(MaxPool(size))).shape)


def counted(what: str, place: str, chapter: Value | None, *stack: Convolution, unit: int = 1) -> Example:
    """The parameters of a stack."""
    layer = sum(each.parameters for each in on_one_place(stack))
    return Example(what, place, chapter, parameters(stack), layer, unit)


def multiplied(
    what: str, place: str, chapter: Value | None, places: tuple[int, ...], *stack: Convolution, unit: int = 1
) -> Example:
    """The multiplications of a stack that gives so many places; on a single one they are its weights."""
    formula = sum(layer.multiplications(places[: len(layer.filter)]) for layer in stack)
    layer = sum(each.multiplications for each in on_one_place(stack, places))
    return Example(what, place, chapter, formula, layer, unit)


def saved(what: str, place: str, chapter: Value | None, stack: list[Convolution], full: Convolution) -> Example:
    """By what factor a stack needs fewer multiplications than the convolution that it replaces."""
    before, after = ((each.multiplications for each in on_one_place(tuple(kind))) for kind in ([full], stack))
    return Example(what, place, chapter, 1 / ratio(stack, [full]), Fraction(sum(before), sum(after)))


# The chapter, section by section.


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


def inception(
    inputs: int, one: int, narrow3: int, three: int, narrow5: int, five: int, pool: int, *, side: int = 5
) -> list[Convolution]:
    """The six convolutions of a module of Szegedy et al. 2014; torchvision's largest filters have side 3."""
    before = square(1, inputs, one), square(1, inputs, narrow3), square(1, inputs, narrow5), square(1, inputs, pool)
    return [*before, square(3, narrow3, three), square(side, narrow5, five)]


def googlenet(*, side: int = 5) -> list[Convolution]:
    """All convolutions of Szegedy et al. 2014, Table 1, without the auxiliary classifiers."""
    modules = (
        (192, 64, 96, 128, 16, 32, 32),
        (256, 128, 128, 192, 32, 96, 64),
        (480, 192, 96, 208, 16, 48, 64),
        (512, 160, 112, 224, 24, 64, 64),
        (512, 128, 128, 256, 24, 64, 64),
        (512, 112, 144, 288, 32, 64, 64),
        (528, 256, 160, 320, 32, 128, 128),
        (832, 256, 160, 320, 32, 128, 128),
        (832, 384, 192, 384, 48, 128, 128),
    )
    stem = [square(7, 3, 64), square(1, 64, 64), square(3, 64, 192)]
    return stem + [layer for module in modules for layer in inception(*module, side=side)]


REDUCED = (256, 128, 64, 192, 64, 96, 64)
"""The module of Fig. 32 with 1x1 filters: what comes in, then the maps of its six convolutions."""


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


PAGE = """\
# Where the chapter is wrong

Das and Varma, "Convolutional Neural Networks", October 2022, in the order of the chapter: in bold what it says, then
what holds. `python -m experiments.sizing` writes this page and recomputes what is arithmetic.

- **Architecture: shared filters make a ConvNet invariant to translation.** They make it equivariant: the map of a
  shifted image is the shifted map, not the same one. Pooling adds some invariance.
- **Pooling: its fields do not overlap.** They do for F = 3, S = 2, which the chapter recommends: neighbours share
  {shared} row or column.
- **Pooling: ResNet and Inception no longer use it.** ResNets for ImageNet begin with max-pooling (He et al. 2015,
  arXiv:1512.03385, Table 1); every Inception module has a branch that pools (Szegedy et al. 2014, arXiv:1409.4842,
  Fig. 2).
- **Sizing: a layer has D(FFD + 1) weights and D biases.** D(FFD + 1) is both together; the 1 is the bias. 20 filters
  of 5x5x3 have {biased_once:,} parameters, not {biased_twice:,}.
- **Sizing: W = 10, F = 3, S = 1 give 5.** They give {ten}. The {halves} for S = 2 is right.
- **1-D ConvNets: the network for IMDB ends in Dense(1) without a sigmoid, under binary cross-entropy.** Without one
  its output is a logit, not a probability, so the loss has to be that of logits.
- **Fig. 17: 262,257 trainable parameters after global max pooling.** Pooled, the head has {pooled:,}. The summary
  printed below it flattens instead, and its {flattened:,} are right for that.
- **Small filters: AlexNet's first filters are 7x7.** They are 11x11, and 96 of them (Krizhevsky et al. 2012, section
  3.5). The 64 mentioned elsewhere are those of a later version (Krizhevsky 2014, arXiv:1404.5997), which torchvision
  follows.
- **Small filters: 4 ReLU layers against 2.** 3 against 1: one after each convolution.
- **Depthwise separable convolutions: 9 times fewer computations.** 9N / (N + 9) times, since 1/N does not vanish:
  {few:.1f} at N = 64, {many:.1f} at N = 1024.
- **AlexNet: 15.4 % top-5 error in the text, 16.4 % in Fig. 25.** 16.4 % with five networks; 15.3 % with seven, two of
  them trained on ImageNet's release of autumn 2011 first (Krizhevsky et al. 2012, Table 2).
- **AlexNet: 224x224 images, 11x11 filters, S = 4, P = 0, and 55x55 maps.** They would give {alexnet}, which is not
  whole; {places} needs 227x227.
- **ZFNet won in 2013 with 11.2 %.** That entry was Clarifai's (Szegedy et al. 2014, arXiv:1409.4842, Table 2).
- **Inception: about 5 million parameters, thanks to global max pooling.** It is average pooling. The convolutions of
  Szegedy et al. 2014, Table 1, have {googlenet:.2f} million weights; torchvision's version, with 3x3 filters in place
  of 5x5, has {torchvision:,} parameters without the auxiliary classifiers.
- **Fig. 32: 358 million operations in the reduced module.** Its six convolutions need {reduced:,}; {doubled:,} counts
  the {threes:,} of the 3x3 twice. The 854 million of the naive module are right.
- **ResNet: 152 layers are an order of magnitude more than 22.** {deeper:.1f} times as many.
- **Fig. 39: the bottleneck needs almost 3 times fewer parameters.** {factor:.1f} times: 256-64-64-256 has {narrow:,}
  weights, a 3x3 convolution of 256 maps {full:,}. A factor of {half:.2f} belongs to Fig. 22, which narrows to C/2.
- **ResNeXt-101 has half of the parameters of ResNet-200.** Half of its complexity (Xie et al. 2016, arXiv:1611.05431,
  section 1).
- **MobileNet has the fewest parameters of Fig. 26.** MobileNetV2 has fewer: 14 MB against 16 MB in that figure.
- **Class images, adversarial images, Deep Dream: maximise by x ← x - η ∂L/∂x.** A maximum needs x ← x + η ∂L/∂x. The
  minus is right for feature inversion only, which minimises.
- **Detection: YOLO's class probabilities come from a softmax.** They are linear outputs, trained by squared error
  (Redmon et al. 2015, arXiv:1506.02640, section 2.2).
"""


def errata() -> str:
    """The page of errors, with its arithmetic done."""
    filters, full, image = square(5, 3, 20), square(3, 256, 256), (28, 28)
    reduced = sum(layer.multiplications(image) for layer in inception(*REDUCED))
    threes = square(3, 64, 192).multiplications(image)
    few, many = (1 / ratio(depthwise_separable((3, 3), n, n), [square(3, n, n)]) for n in (64, 1024))
    smaller = googlenet(side=3)
    norms = 2 * sum(layer.outputs for layer in smaller)
    return PAGE.format(
        shared=3 - 2,
        biased_once=filters.parameters,
        biased_twice=filters.parameters + filters.outputs,
        ten=output_size(10, 3),
        halves=shown(exact_size(10, 3, stride=2)),
        pooled=parameters([dense(1024, 256), dense(256, 1)]),
        flattened=parameters([dense(5 * 5 * 1024, 256), dense(256, 1)]),
        few=float(few),
        many=float(many),
        alexnet=shown(exact_size(224, 11, stride=4)),
        places=output_size(227, 11, stride=4),
        googlenet=weights(googlenet()) / MILLION,
        torchvision=weights(smaller) + norms + dense(1024, 1000).parameters,
        reduced=reduced,
        threes=threes,
        doubled=reduced + threes,
        deeper=152 / 22,
        narrow=weights(bottleneck(256, 64)),
        full=full.weights,
        factor=float(1 / ratio(bottleneck(256, 64), [full])),
        half=float(1 / ratio(bottleneck(256, 128), [full])),
    )


def shown(value: Value | None) -> str:
    """A number or a shape as people write it."""
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else f"{float(value):,.2f}".rstrip("0").rstrip(".")


def table(examples: list[Example]) -> str:
    """One aligned line for each example; a last word where the chapter is wrong."""
    rows = [("what", "where", "chapter", "formula", "layer", "")]
    for each in examples:
        numbers = (shown(each.chapter), shown(each.formula), shown(each.layer))
        rows.append((each.what, each.place, *numbers, "wrong" if each.wrong else ""))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = "<<>>><"
    lines = (
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)) for row in rows
    )
    return "".join(line.rstrip() + "\n" for line in lines)


def main() -> None:
    """Prints all examples and writes the page of errors."""
    examples = [example for section in SECTIONS for example in section()]
    ERRATA.parent.mkdir(exist_ok=True)
    ERRATA.write_text(errata())
    print(table(examples))
    print(f"{sum(example.wrong for example in examples)} of {len(examples)} numbers are wrong; see {ERRATA}")


if __name__ == "__main__":
    main()
