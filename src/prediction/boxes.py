"""The objects in images of files, each with its box."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..config.errors import UserError
from ..data.class_folders import SUFFIXES
from ..data.folder import read_picture
from ..detection.boxes import in_pixels
from ..detection.suppression import Detections
from ..markdown import markdown
from ..tasks.detection import Detection
from ..tracking.palette import OBJECTS
from ..training.load_run import LoadedRun
from .files import files_of, read_each

LEAST_SIDE = 448
"""The shorter side of a drawn picture, in pixels, so that names can be read."""

LINE = 14
"""The height of a name, in pixels."""


@dataclass(frozen=True)
class FoundObject:
    """An object.

    Attributes:
        name: of its class.
        score: how sure it is.
        box: top, left, bottom and right in pixels of the file's image, as it is seen upright.
    """

    name: str
    score: float
    box: tuple[float, float, float, float]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        sides = dict(zip(("top", "left", "bottom", "right"), self.box, strict=True))
        return {"class": self.name, "score": self.score, **sides}


@dataclass(frozen=True)
class BoxPrediction:
    """What a network finds in an image.

    Attributes:
        file: its path.
        image: upright, at its own size.
        objects: the surest first.
        names: of all classes.
    """

    file: str
    image: Image.Image
    objects: list[FoundObject]
    names: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        width, height = self.image.size
        return {
            "file": self.file,
            "height": height,
            "width": width,
            "objects": [each.as_json() for each in self.objects],
        }

    def cells(self) -> tuple[str, str, str]:
        """The file, how many objects of each class there are, and the surest of them."""
        counts = Counter(each.name for each in self.objects)
        listed = ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "nothing"
        best = self.objects[0] if self.objects else None
        return self.file, listed, f"{best.name} {best.score:.2f}" if best else "–"


def predict_boxes(loaded: LoadedRun, task: Detection, inputs: Sequence[str]) -> list[BoxPrediction]:
    """Finds objects in files: whole images, stretched to the size that the network takes.

    Args:
        loaded: a run on images with boxes.
        task: of the run, whose `sure` says from which score on an object is one.
        inputs: files, folders and patterns.

    Raises:
        UserError: a file is not there, or none can be read.
    """
    files, pictures = read_each(list(files_of(inputs, SUFFIXES, "images")), lambda path: read_picture(path).image)
    height, width, channels = loaded.engine.spec.shape
    mode = "L" if channels == 1 else "RGB"
    seen = [picture.convert(mode).resize((width, height), Image.Resampling.BICUBIC) for picture in pictures]
    pixels = np.stack([np.asarray(picture).reshape(height, width, channels) for picture in seen])
    found, names = loaded.predict(pixels), loaded.engine.spec.class_names
    return [
        BoxPrediction(str(file), picture, objects_of(found, number, picture.size, names, task.sure), names)
        for number, (file, picture) in enumerate(zip(files, pictures, strict=True))
    ]


def objects_of(
    found: Detections, number: int, size: tuple[int, int], names: Sequence[str], sure: float
) -> list[FoundObject]:
    """What is surely found in one image of a width and height."""
    boxes = in_pixels(found.box[number].astype(np.float64), (size[1], size[0])).round(2)
    rows = zip(boxes.tolist(), found.label[number].tolist(), found.score[number].tolist(), strict=True)
    return [FoundObject(names[label], score, (*box,)) for box, label, score in rows if score > sure]


def box_table(found: Sequence[BoxPrediction], task: Detection) -> str:
    """A row for each file, and the thresholds."""
    table = markdown(["file", "objects", "surest"], [each.cells() for each in found])
    return f"{table}\nObjects of a score above {task.sure:g}; of boxes of a class that overlap by more than " + (
        f"{task.suppression:g}, the surest.\n"
    )


def draw_boxes(found: Sequence[BoxPrediction], folder: Path) -> None:
    """Writes every image with the boxes, classes and scores of its objects.

    Raises:
        UserError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, each in enumerate(found):
            annotated(each).save(folder / f"{number:04}-{Path(each.file).stem}.png")
    except OSError as error:
        raise UserError(f"pictures={folder} cannot be written: {error.strerror}") from None


def annotated(each: BoxPrediction) -> Image.Image:
    """An image with its objects, the surest on top; a small one is enlarged."""
    scale = max(1, -(-LEAST_SIDE // min(each.image.size)))
    picture = each.image.convert("RGB").resize((scale * each.image.width, scale * each.image.height), 0)
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(LINE - 2)
    for own in reversed(each.objects):
        top, left, bottom, right = (scale * side for side in own.box)
        color, title = OBJECTS[each.names.index(own.name) % len(OBJECTS)], f" {own.name} {own.score:.2f} "
        edges = left, top, max(left, right - 1), max(top, bottom - 1)
        around = (
            edges[0] - 1,
            edges[1] - 1,
            edges[2] + 1,
            edges[3] + 1,
        )  # dark, for objects in the colour of their class
        pen.rectangle(around, outline="black", width=5)
        pen.rectangle(edges, outline=color, width=3)
        width = font.getlength(title)
        x, y = min(left, max(0, picture.width - width)), max(0, top - LINE)
        pen.rectangle((x, y, x + width, y + LINE), fill=color)
        pen.text((x, y + LINE / 2), title, "black", font, anchor="lm")
    return picture
