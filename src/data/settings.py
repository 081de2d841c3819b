"""Settings that every data set has: where examples come from is said by the kinds of it."""

import re
from abc import abstractmethod
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from ..config.settings import Settings, added
from .examples import Examples

Normalization = Literal["pixel", "channel", "unit", "none", "pretrained"]


class AugmentSettings(Settings):
    """Random changes of training images; each can be switched off by itself.

    Attributes:
        crop: pixels of padding on each side before a crop of the original size at a random place; 0 is no crop.
        flip: mirror left and right with probability one half.
        fill: what padding and cutout show: the `mean` image, which is zero after normalization (He et al.), or `black`
            (Li et al.).
        cutout: side of a square around a random pixel that is left out (DeVries and Taylor 2017, arXiv:1708.04552).
        mixup: parameter of the beta distribution of the shares in which two images are mixed (Zhang et al. 2017,
            arXiv:1710.09412); 0 is none.
        cutmix: the same for the area of a rectangle that is taken from another image (Yun et al. 2019,
            arXiv:1905.04899); 0 is none.
        scale: images are enlarged or shrunk around their middle by a factor from 1 less this to 1 more (Redmon et al.
            2015, arXiv:1506.02640, like the next four); masks and boxes move along.
        shift: images are shifted by up to this part of their height and width, in each direction.
        hue: largest turn of the hue, of which the whole circle is 1.
        saturation: largest factor on the saturation of colours, and on its inverse; 1 leaves it as it is.
        exposure: the same of the value, which is the brightest of a pixel's three colours.
    """

    crop: Annotated[int, Field(ge=0)] = 0
    flip: bool = False
    fill: Literal["mean", "black"] = "mean"
    cutout: Annotated[int, Field(ge=0)] = 0
    mixup: Annotated[float, Field(ge=0)] = 0.0
    cutmix: Annotated[float, Field(ge=0)] = 0.0
    scale: Annotated[float, Field(ge=0, lt=1)] = added(0.0)
    shift: Annotated[float, Field(ge=0, lt=1)] = added(0.0)
    hue: Annotated[float, Field(ge=0, le=0.5)] = added(0.0)
    saturation: Annotated[float, Field(ge=1)] = added(1.0)
    exposure: Annotated[float, Field(ge=1)] = added(1.0)

    @model_validator(mode="after")
    def _one_mixture(self) -> "AugmentSettings":
        if self.mixup and self.cutmix:
            raise ValueError("mixup and cutmix both choose a partner for every image; use one of them")
        return self

    @property
    def mixes(self) -> bool:
        """Whether every image gets a partner."""
        return self.mixup > 0 or self.cutmix > 0

    @property
    def zooms(self) -> bool:
        """Whether images are scaled or shifted."""
        return self.scale > 0 or self.shift > 0

    @property
    def recolours(self) -> bool:
        """Whether colours change."""
        return self.hue > 0 or self.saturation > 1 or self.exposure > 1

    def shrunk(self, factor: int) -> "AugmentSettings":
        """The same changes for images that were shrunk by a whole factor."""
        return self.model_copy(update={"crop": -(-self.crop // factor), "cutout": -(-self.cutout // factor)})


def _checked_name(name: str) -> str:
    """Refuses what would lead out of the cache, or make TFDS fetch foreign code (`community:name`)."""
    if not re.fullmatch(r"\w[\w.+-]*(/[\w.+-]+)?(:[\d.]+)?", name):
        raise ValueError("should be a name, if need be with /configuration and :version, such as mnist:3.0.1")
    return name


def only(name: str) -> AfterValidator:
    """For the name of a set that is always the same, so that no run can bear the name of what it was not trained on."""

    def check(given: str) -> str:
        if given != name:
            raise ValueError(f"chooses no examples here and is always '{name}'; data=… does, as in data=mnist")
        return given

    return AfterValidator(check)


class DataSettings(Settings):
    """Settings of a data set.

    Attributes:
        name: what it is called; a set of which this chooses nothing has but one name (`only`).
        batch_size: examples in a training step, over all devices together.
        validation: number of training examples that are set aside for choices; 0 where a set has a split for them.
        normalize: `pixel` subtracts the mean image (He et al.), `channel` subtracts each channel's mean and divides by
            its standard deviation, `unit` divides by 255, `none` leaves the numbers as they are, `pretrained` does what
            the weights expect that a run begins with.
        augment: random changes of training images, or null for none.
    """

    name: Annotated[str, Field(min_length=1), AfterValidator(_checked_name)]
    batch_size: Annotated[int, Field(gt=0)]
    validation: Annotated[int, Field(ge=0)]
    normalize: Normalization
    augment: AugmentSettings | None

    @model_validator(mode="after")
    def _partners(self) -> "DataSettings":
        if self.batch_size == 1 and self.augment and self.augment.mixes:
            raise ValueError("mixup and cutmix need a batch_size of at least 2, so that an image has a partner")
        return self

    @property
    def rule_revision(self) -> int:
        """2 where the middle image of an odd batch was once mixed with itself."""
        return 2 if self.augment and self.augment.mixes and self.batch_size % 2 else 1

    @property
    def source(self) -> "DataSettings":
        """The same settings for all that are of the same examples: what is done with them later is left out."""
        return self.model_copy(update={"batch_size": 1, "validation": 0, "normalize": "none", "augment": None})

    @property
    def pinned(self) -> bool:
        """Whether these settings hold the checksum of the examples, so that they can mean no others."""
        return False

    @abstractmethod
    def read(self) -> Examples:
        """Reads all examples into host memory, in canonical order, getting them first if they are not here yet.

        They do not depend on batch size, validation, normalization and random changes (`source`).

        Raises:
            UserError: they are damaged or cannot be had; the message names the ways out.
        """
