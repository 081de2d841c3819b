"""Where the chapter is wrong, as a page whose arithmetic is done here."""

from experiments.sizing.example import MILLION, shown, square
from experiments.sizing.inception import REDUCED, googlenet, inception
from src.arithmetic.costs import bottleneck, dense, depthwise_separable, parameters, ratio, weights
from src.arithmetic.sizes import exact_size, output_size

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
