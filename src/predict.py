"""Names the classes of images or texts: `python -m src.predict run=runs/resnet20-0123456789 input=photo.jpg`.

It prints a table with the most probable classes of each input. `input` is a file, a folder or a pattern such as
`'input=photos/*.png'`, and may be given several times. `json=FILE` also writes one JSON object a line. `step` and
`trust` are those of `src.evaluate`.

For images, `pictures=FOLDER` writes them with their classes below. A run that finds objects (task=detection) counts
those of each class, and its pictures and JSON have their boxes; so they have the box of the one object of an image
(task=localisation), and pictures are in the colours of the pixels' classes (task=segmentation). A run on texts takes
files of text, and typed ones: `text="a moving and superbly acted film"`, several times if need be. The table then
counts the words that the run does not know, and has those without which the probability of the class drops most: five,
or `words=10`, or none (`words=0`).
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from .config.arguments import Step, as_typed
from .config.errors import UserError, reported
from .config.settings import Packages, Settings, read_settings
from .data.examples import is_shape
from .plain_json import dumps
from .prediction.boxes import BoxPrediction, box_table, draw_boxes, predict_boxes
from .prediction.images import ImagePrediction, check_new_folder, draw, image_table, predict_images
from .prediction.pictured import ANSWERS, Pictured, draw_pictured, pictured_table, predict_pictured
from .prediction.texts import TextPrediction, predict_texts, read_texts, text_table
from .runs.files import write_whole
from .tasks.classification import Classification
from .tasks.detection import Detection
from .training.load_run import LoadedRun, load_run

WORDS = 5


class PredictSettings(Settings):
    """What to predict.

    Attributes:
        run: a run directory.
        input: files, folders or patterns.
        text: typed texts.
        step: of a checkpoint that was kept, or `best`; the latest without.
        words: how many of the words that an answer hangs on are shown.
        json_file: gets one JSON object for each input.
        pictures: a folder for the images with their classes.
        trust: packages beside this project whose code the run may name.
    """

    run: Annotated[str, Field(min_length=1)]
    input: list[str] = Field(default_factory=list)
    text: list[str] = Field(default_factory=list)
    step: Step = None
    words: Annotated[int, Field(ge=0)] | None = None
    json_file: str | None = Field(None, alias="json")
    pictures: str | None = None
    trust: Packages = Field(default_factory=list)


def main() -> None:
    """Prints the table, and writes what is asked for."""
    with reported():
        settings = read_settings(PredictSettings, as_typed(sys.argv[1:], repeated=("input", "text")))
        check_new_folder(settings.pictures)
        check_new_file(settings.json_file)
        loaded = load_run(settings.run, settings.trust, settings.step)
        check_run(loaded)
        found = of_images(loaded, settings) if loaded.engine.spec.pictured else of_texts(loaded, settings)
        if settings.json_file is not None:
            write_lines(Path(settings.json_file), [dumps(each.as_json()) for each in found])


def check_new_file(name: str | None) -> None:
    """Refuses a file that is there, and a folder that is not.

    Raises:
        UserError: saying which.
    """
    if name is not None and Path(name).exists():
        raise UserError(f"json={name} is there already; name another file")
    if name is not None and not Path(name).parent.is_dir():
        raise UserError(f"json={name}: there is no folder {Path(name).parent}")


def write_lines(file: Path, lines: Sequence[str]) -> None:
    """Writes a file of lines.

    Raises:
        UserError: it cannot be written.
    """
    try:
        write_whole(file, "".join(f"{line}\n" for line in lines))
    except OSError as error:
        raise UserError(f"json={file} cannot be written: {error.strerror}") from None


def check_run(loaded: LoadedRun) -> None:
    """Refuses runs that neither name classes of images or texts nor say what is where in images.

    Raises:
        UserError: saying what can be done.
    """
    shape, task = loaded.engine.spec.shape, loaded.engine.settings.task
    if isinstance(task, (Detection, *ANSWERS)):
        return
    if not (isinstance(task, Classification) and is_shape(shape) and len(shape) in (1, 3)):
        raise UserError(
            f"{loaded.directory.path} names no classes of images or texts; predict(inputs) in Python takes others"
        )


def of_images(
    loaded: LoadedRun, settings: PredictSettings
) -> list[ImagePrediction] | list[BoxPrediction] | list[Pictured]:
    """Prints the table of images, and draws them: with their classes, boxes around their objects, or masks.

    Raises:
        UserError: there are none, or texts are given.
    """
    for name in ("text", "words"):
        if name in settings.model_fields_set:
            raise UserError(f"{name} is for runs on texts, and {settings.run} takes images: input=FILES")
    if not settings.input:
        raise UserError("input is missing")
    task = loaded.engine.settings.task
    if isinstance(task, Detection):
        objects = predict_boxes(loaded, task, settings.input)
        print(box_table(objects, task))
        if settings.pictures is not None:
            draw_boxes(objects, Path(settings.pictures))
        return objects
    if isinstance(task, tuple(ANSWERS)):
        answers = predict_pictured(loaded, settings.input)
        print(pictured_table(answers))
        if settings.pictures is not None:
            draw_pictured(answers, Path(settings.pictures))
        return answers
    found = predict_images(loaded, settings.input)
    print(image_table(found))
    if settings.pictures is not None:
        draw(found, Path(settings.pictures))
    return found


def of_texts(loaded: LoadedRun, settings: PredictSettings) -> list[TextPrediction]:
    """Prints the table of texts.

    Raises:
        UserError: there are none, or pictures are asked for.
    """
    if settings.pictures is not None:
        raise UserError(f"pictures are of images, and {settings.run} takes texts")
    if not (settings.text or settings.input):
        raise UserError('text is missing: text="one or more words", or input=FILES')
    most = WORDS if settings.words is None else settings.words
    found = predict_texts(loaded, read_texts(settings.text, settings.input), occluded=most > 0)
    print(text_table(found, most))
    return found


if __name__ == "__main__":
    main()
