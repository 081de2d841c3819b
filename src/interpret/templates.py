"""The weights of a linear network as one template per class (chapter Figs 1 and 2)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from ..config.errors import UserError
from ..models.dense import DenseSettings
from ..training.load_run import LoadedRun
from ..training.settings import RunSettings

WHITE = 255


@dataclass(frozen=True)
class Templates:
    """The linear scores `X * W_k + B_k` of an image X whose pixels go from 0 (black) to 1 (white).

    Attributes:
        weights: W, one image per class.
        biases: B.
    """

    weights: Float[np.ndarray, "classes h w c"]
    biases: Float[np.ndarray, "classes"]

    def products(self, image: UInt8[np.ndarray, "h w c"]) -> Float[np.ndarray, "classes h w"]:
        """The contribution of each pixel to the score of each class, summed over channels."""
        return (self.weights * (image / WHITE)).sum(axis=-1)

    def scores(self, image: UInt8[np.ndarray, "h w c"]) -> Float[np.ndarray, "classes"]:
        """The network's outputs."""
        return self.products(image).sum(axis=(1, 2)) + self.biases


def templates(run: LoadedRun) -> Templates:
    """The templates of a linear network, with the normalization of its data folded in.

    Raises:
        UserError: the network is not linear, or its data are no images.
    """
    check_linear(run.engine.settings, run.directory.path)
    layer = run.state.scored()[0]["layers"][0]
    kernel, bias = np.asarray(layer["kernel"], np.float64), np.asarray(layer["bias"], np.float64)
    weights = kernel.T.reshape(-1, *run.engine.spec.shape)
    constants = run.engine.split("test").constants
    if constants is None:
        raise UserError(f"run={run.directory.path}: texts have no templates; train on images")
    mean, std = (np.asarray(values, np.float64) for values in constants)
    return Templates(weights * (WHITE / std), bias - (weights * (mean / std)).sum(axis=(1, 2, 3)))


def check_linear(settings: RunSettings, path: Path) -> None:
    """Refuses a run whose network is not linear.

    Raises:
        UserError: it is not.
    """
    if not isinstance(settings.model, DenseSettings) or settings.model.hidden:
        raise UserError(f"run={path}: only a linear network has one template a class; train model=linear")
