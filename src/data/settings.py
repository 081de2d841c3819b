"""Settings that every data set has: where examples come from is said by the kinds of it."""

from abc import abstractmethod
from typing import Annotated, Literal

from pydantic import Field

from src.config.settings import Settings
from src.data.examples import Examples

Normalization = Literal["pixel", "channel", "unit"]


class AugmentSettings(Settings):
    """Random changes of training images; each can be switched off by itself.

    Attributes:
        crop: pixels of padding on each side before a crop of the original size at a random place; 0 is no crop.
        flip: mirror left and right with probability one half.
        fill: what the padding shows: the `mean` image (zero after normalization; He et al.) or `black` (Li et al.).
    """

    crop: Annotated[int, Field(ge=0)]
    flip: bool
    fill: Literal["mean", "black"]

    def shrunk(self, factor: int) -> "AugmentSettings":
        """The same changes for images that were shrunk by a whole factor."""
        return self.model_copy(update={"crop": -(-self.crop // factor)})


class DataSettings(Settings):
    """Settings of a data set.

    Attributes:
        name: what it is called.
        batch_size: examples in a training step, over all devices together.
        validation: number of training examples that are set aside for choices.
        normalize: `pixel` subtracts the mean image (He et al.), `channel` subtracts each channel's mean and divides by
            its standard deviation, `unit` divides by 255.
        augment: random changes of training images, or null for none.
    """

    name: Annotated[str, Field(min_length=1)]
    batch_size: Annotated[int, Field(gt=0)]
    validation: Annotated[int, Field(ge=0)]
    normalize: Normalization
    augment: AugmentSettings | None

    @abstractmethod
    def read(self) -> Examples:
        """Reads all examples into host memory, in canonical order, getting them first if they are not here yet.

        Raises:
            UserError: they are damaged or cannot be had; the message names the ways out.
        """
