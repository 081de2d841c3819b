"""What tasks about places in images say of files: each kind of answer is drawn into its picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..config.errors import UserError
from ..markdown import markdown
from ..tasks.base import TaskSettings
from ..tasks.localisation import Localisation
from ..tasks.segmentation import Segmentation
from ..training.load_run import LoadedRun
from .images import decoded_images
from .localised import Localised, localised
from .segmented import Segmented, segmented

Pictured = Localised | Segmented

ANSWERS: dict[type[TaskSettings], Any] = {Localisation: localised, Segmentation: segmented}
"""What makes answers of what a task says of images."""


def predict_pictured(loaded: LoadedRun, inputs: Sequence[str]) -> list[Pictured]:
    """Decodes files to the size that the network takes, and says what is where in them.

    Raises:
        UserError: a file is not there, or none can be read.
    """
    answers = next(made for task, made in ANSWERS.items() if isinstance(loaded.engine.settings.task, task))
    files, images = decoded_images(loaded, inputs)
    found: list[Pictured] = answers(files, images, loaded.predict(np.stack(images)), loaded.engine.spec.class_names)
    return found


def pictured_table(found: Sequence[Pictured]) -> str:
    """A row for each file."""
    return markdown(["file", *found[0].heads], [[each.file, *each.cells()] for each in found])


def draw_pictured(found: Sequence[Pictured], folder: Path) -> None:
    """Writes every image as the network sees it, with what it says of it.

    Raises:
        UserError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, each in enumerate(found):
            Image.fromarray(each.picture()).save(folder / f"{number:04}-{Path(each.file).stem}.png")
    except OSError as error:
        raise UserError(f"pictures={folder} cannot be written: {error.strerror}") from None
