"""Names the classes of images in files: `python -m src.predict run=runs/resnet20-0123456789 input=photo.jpg`.

It prints a table with the most probable classes of each image. `input` is a file, a folder or a pattern such as
`'input=photos/*.png'`, and may be given several times. `json=FILE` also writes one JSON object a line,
`pictures=FOLDER` the images with their classes below. `step` and `trust` are those of `src.evaluate`.
"""

import glob
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image
from pydantic import Field

from .config.arguments import Step, as_typed
from .config.errors import UserError, reported, say
from .config.settings import Packages, Settings, read_settings
from .data.class_folders import SUFFIXES
from .data.examples import DataSpec
from .data.folder import decoded
from .markdown import markdown
from .plain_json import dumps
from .runs.files import write_whole
from .tasks.classification import Classification
from .tracking.grid import grid
from .training.load_run import LoadedRun, load_run

TOP = 5
NAMED = 5
"""Unreadable files, in one line."""


class PredictSettings(Settings):
    """What to predict.

    Attributes:
        run: a run directory.
        input: files, folders or patterns.
        step: of a checkpoint that was kept, or `best`; the latest without.
        json_file: gets one JSON object for each image.
        pictures: a folder for the images with their classes.
        trust: packages beside this project whose code the run may name.
    """

    run: Annotated[str, Field(min_length=1)]
    input: Annotated[list[str], Field(min_length=1)]
    step: Step = None
    json_file: str | None = Field(None, alias="json")
    pictures: str | None = None
    trust: Packages = Field(default_factory=list)


@dataclass(frozen=True)
class Prediction:
    """What a network says of a file.

    Attributes:
        file: its path.
        classes: the names of the most probable classes, the best first.
        probabilities: of these.
    """

    file: str
    classes: list[str]
    probabilities: list[float]


def main() -> None:
    """Prints the table, and writes what is asked for."""
    with reported():
        settings = read_settings(PredictSettings, as_typed(sys.argv[1:], repeated=("input",)))
        check_new(settings.pictures)
        loaded = load_run(settings.run, settings.trust, settings.step)
        check_run(loaded)
        files, images = read_images(list(files_of(settings.input)), loaded.engine.spec)
        found = predictions(files, loaded.predict(images), loaded.engine.spec)
        print(as_table(found))
        if settings.json_file is not None:
            write_whole(Path(settings.json_file), "".join(dumps(asdict(each)) + "\n" for each in found))
        if settings.pictures is not None:
            draw(found, images, Path(settings.pictures))


def check_run(loaded: LoadedRun) -> None:
    """Refuses runs that do not name classes of square images.

    Raises:
        UserError: saying what the run is for.
    """
    spec = loaded.engine.spec
    if not (isinstance(loaded.engine.settings.task, Classification) and spec.pictured):
        raise UserError(f"{loaded.directory.path} names no classes of images; predict(inputs) in Python takes others")
    height, width, _ = spec.shape
    if height != width:
        raise UserError(f"{loaded.directory.path} takes inputs of {height}x{width}, which no image file has")


def files_of(inputs: Sequence[str]) -> Iterator[Path]:
    """The image files that are meant, each once, in the order in which they are named.

    Raises:
        UserError: something is not there, or a folder has no images.
    """
    seen: set[Path] = set()
    for text in inputs:
        path = Path(text).expanduser()
        if path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
            missing = "there are no images in it"
        else:
            pattern = [] if path.exists() else glob.glob(str(path), recursive=True)  # noqa: PTH207 (may be absolute)
            found, missing = [Path(name) for name in sorted(pattern)] or [path], "there is no such file"
        if not all(file.exists() for file in found) or not found:
            raise UserError(f"input={text}: {missing}")
        yield from (file for file in found if file not in seen)
        seen |= {*found}


def read_images(files: Sequence[Path], spec: DataSpec) -> tuple[list[Path], UInt8[np.ndarray, "n h w c"]]:
    """Decodes files to the size that the network takes; those that cannot be read are counted and named.

    Raises:
        UserError: none can be read.
    """
    size, _, channels = spec.shape
    good: list[Path] = []
    images, bad = [], []
    for file in files:
        try:
            images.append(decoded(file, size, channels))
            good.append(file)
        except UserError as error:
            bad.append(str(error))
    if not images:
        raise UserError("; ".join(bad[:NAMED]))
    if bad:
        more = f"; and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
        say(f"left out {len(bad)} of {len(files)} files: {'; '.join(bad[:NAMED])}{more}")
    return good, np.stack(images)


def predictions(
    files: Sequence[Path], probabilities: Float[np.ndarray, "n classes"], spec: DataSpec
) -> list[Prediction]:
    """The most probable classes of each file."""
    found = []
    for file, row in zip(files, probabilities, strict=True):
        best = np.argsort(-row, kind="stable")[:TOP]
        found.append(Prediction(str(file), [spec.class_names[label] for label in best], row[best].tolist()))
    return found


def as_table(found: Sequence[Prediction]) -> str:
    """A row for each file: its class with the probability, then the next ones."""
    rows: list[list[Any]] = []
    for each in found:
        named = [f"{name} {share:.1%}" for name, share in zip(each.classes, each.probabilities, strict=True)]
        rows.append([each.file, named[0], ", ".join(named[1:])])
    return markdown(["file", "class", "next"], rows)


def check_new(folder: str | None) -> None:
    """Refuses a folder that holds something: nothing that is there is replaced.

    Raises:
        UserError: naming what it holds.
    """
    if folder is not None and (there := next(iter(Path(folder).glob("*")), None)):
        raise UserError(f"pictures={folder} holds {there.name}; name another folder")


def draw(found: Sequence[Prediction], images: UInt8[np.ndarray, "n h w c"], folder: Path) -> None:
    """Writes every image as the network sees it, with its class below.

    Raises:
        UserError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, (each, image) in enumerate(zip(found, images, strict=True)):
            picture = Image.fromarray(grid(image[None], [f"{each.classes[0]} {each.probabilities[0]:.0%}"]))
            picture.save(folder / f"{number:04}-{Path(each.file).stem}.png")
    except OSError as error:
        raise UserError(f"pictures={folder} cannot be written: {error.strerror}") from None


if __name__ == "__main__":
    main()
