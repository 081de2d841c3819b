"""Surfaces: loss and accuracy over a line or a plane of weights (Li et al. 2018), and their files."""

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float64

from ..config.errors import UserError, did_you_mean
from ..plain_json import dumps, numbers
from ..runs.files import write_whole

FORMAT = "surface 1"


@dataclass(frozen=True)
class Surface:
    """Measurements at weights theta + alpha * delta + beta * eta (Li et al. 2018, section 3).

    Attributes:
        title: name of the network in figures.
        alpha: steps along the first direction, increasing.
        beta: steps along the second direction, increasing; none for a line.
        values: float32 or float64 by name, such as `train_loss` (cross-entropy) or `test_accuracy` (a share of 1). The
            first axis is alpha's. NaN and infinity are allowed, for a loss that overflowed.
        metadata: identity and provenance as JSON values: run, seed, normalization, commit.

    Raises:
        ValueError: the shapes do not agree.
    """

    title: str
    alpha: Float64[np.ndarray, "n"]
    beta: Float64[np.ndarray, "m"] | None
    values: Mapping[str, Float[np.ndarray, "n *m"]]
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, steps in (("alpha", self.alpha), ("beta", self.beta)):
            if steps is not None and (steps.ndim != 1 or len(steps) < 2 or not (np.diff(steps) > 0).all()):
                raise ValueError(f"{name} must be two or more increasing numbers")
        for name, values in self.values.items():
            if values.shape != self.shape:
                raise ValueError(f"{name} has the shape {values.shape} where {self.shape} is needed")
            if values.dtype not in (np.float32, np.float64):
                raise ValueError(f"{name} is {values.dtype}, neither float32 nor float64")
        if not self.values:
            raise ValueError("no values")

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of steps along each direction."""
        return (len(self.alpha),) if self.beta is None else (len(self.alpha), len(self.beta))

    def plane(self) -> tuple[Float64[np.ndarray, "n"], Float64[np.ndarray, "m"]]:
        """The steps along both directions.

        Raises:
            UserError: the surface is a line.
        """
        if self.beta is None:
            raise UserError(f"the surface '{self.title}' is a line, and a plane is needed")
        return self.alpha, self.beta

    def value(self, name: str) -> Float[np.ndarray, "n *m"]:
        """The measurements of one name.

        Raises:
            UserError: there are none.
        """
        if name not in self.values:
            raise UserError(f"the surface '{self.title}' has no {name}{did_you_mean(name, self.values)}")
        return self.values[name]

    def logarithmic(self, name: str) -> bool:
        """Whether figures show values by their logarithm: losses, unless one is zero or negative.

        Raises:
            UserError: there are none.
        """
        values = self.value(name)
        return name.endswith("loss") and not (values[np.isfinite(values)] <= 0).any()

    def middle(self, name: str) -> float:
        """The measurement at the network itself, where all steps are 0.

        Raises:
            UserError: there is none.
        """
        axes = [self.alpha] if self.beta is None else [self.alpha, self.beta]
        place = tuple(int(np.abs(steps).argmin()) for steps in axes)
        if not all(np.isclose(steps[at], 0) for steps, at in zip(axes, place, strict=True)):
            raise UserError(f"the surface '{self.title}' does not go through the network itself")
        return float(self.value(name)[place])


def heights(values: Float[np.ndarray, "*shape"], *, logarithmic: bool) -> Float[np.ndarray, "*shape"]:
    """Heights of values in a figure: the values or their decimal logarithms; NaN where these are not finite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        high = np.log10(values) if logarithmic else values
    return np.where(np.isfinite(high), high, np.nan)


def save(surface: Surface, path: Path) -> None:
    """Writes a surface as `.npz`, atomically: arrays, and a JSON string.

    Raises:
        OSError: it cannot be written.
    """
    about = {"format": FORMAT, "title": surface.title, "metadata": dict(surface.metadata)}
    arrays = {f"values/{name}": values for name, values in surface.values.items()}
    steps = {"alpha": surface.alpha} if surface.beta is None else {"alpha": surface.alpha, "beta": surface.beta}
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, about=np.array(dumps(about)), **steps, **arrays)
    write_whole(path, content.getvalue())


def load(path: Path) -> Surface:
    """Reads a file of `save`, to the same bits; the file cannot contain code.

    Raises:
        UserError: there is no such file, or it is not a surface.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file):
            pass
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        about = json.loads(str(arrays.pop("about")))
        if about["format"] != FORMAT:
            raise ValueError(f"its format is {about['format']!r}")
        alpha, beta = arrays.pop("alpha"), arrays.pop("beta", None)
        values = {name.removeprefix("values/"): array for name, array in arrays.items()}
        return Surface(about["title"], alpha, beta, values, numbers(about["metadata"]))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from None
    except KeyError as error:
        raise UserError(f"{path} is no saved surface: it has no {error}") from None
    except (ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{path} is no saved surface: {error}") from None
