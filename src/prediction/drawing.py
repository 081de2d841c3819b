"""Pictures with what was found drawn into them."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int, UInt8
from PIL import Image, ImageDraw, ImageFont

from ..tracking.palette import class_colors

SIDE = 320
"""The longer side of an enlarged picture, in pixels, at least."""

LINE = 18
"""The height of a line of text, in pixels."""

MARGIN = 3
OVERLAY = 0.55
"""How much of a pixel is the colour of its class."""

WHITE, BLACK = (255, 255, 255), (0, 0, 0)

Pixels = UInt8[np.ndarray, "h w c"]
Picture = UInt8[np.ndarray, "h2 w2 3"]


def with_box(image: Pixels, box: Float[np.ndarray, "4"], text: str) -> Picture:
    """An image with a box, and a line of text below.

    Args:
        image: grey or in colours.
        box: top, left, bottom and right in shares of its height and width.
        text: of one line.
    """
    picture = enlarged(image)
    top, left, bottom, right = (box * np.array([picture.height, picture.width] * 2)).tolist()
    draw = ImageDraw.Draw(picture)
    draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=BLACK, width=4)  # seen on light and on dark
    draw.rectangle((left, top, right, bottom), outline=(255, 214, 10), width=2)
    return np.concatenate([np.asarray(picture), written([(text, None)], picture.width)])


def with_classes(image: Pixels, mask: Int[np.ndarray, "h w"], names: Sequence[str], texts: Sequence[str]) -> Picture:
    """An image in the colours of its pixels' classes, and below it what these mean.

    Args:
        image: grey or in colours.
        mask: the class of every pixel.
        names: of all classes.
        texts: what is written of each class; an empty text leaves it out.
    """
    colors = class_colors(len(names))
    shown = np.broadcast_to(image, (*image.shape[:2], 3))
    mixed = (1 - OVERLAY) * shown + OVERLAY * colors[mask]
    picture = enlarged(np.round(mixed).astype(np.uint8))
    lines = [(text, tuple(colors[number].tolist())) for number, text in enumerate(texts) if text]
    return np.concatenate([np.asarray(picture), written(lines, picture.width)])


def enlarged(image: Pixels) -> Image.Image:
    """An image in colours of which every pixel is a square, if it is small."""
    scale = -(-SIDE // max(image.shape[:2]))
    wide = np.broadcast_to(image, (*image.shape[:2], 3)).repeat(scale, axis=0).repeat(scale, axis=1)
    return Image.fromarray(np.ascontiguousarray(wide))


def written(lines: Sequence[tuple[str, tuple[int, ...] | None]], width: int) -> Picture:
    """Lines of text on white, each behind a square of its colour, if it has one."""
    picture = Image.new("RGB", (width, LINE * len(lines) + 2 * MARGIN), WHITE)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(LINE - 5)
    for number, (text, color) in enumerate(lines):
        top, left = MARGIN + LINE * number, MARGIN
        if color is not None:
            draw.rectangle((left, top + 2, left + LINE - 6, top + LINE - 4), fill=color, outline=BLACK)
            left += LINE
        draw.text((left, top + LINE / 2), " ".join(text.split()), BLACK, font, anchor="lm")
    return np.asarray(picture)
