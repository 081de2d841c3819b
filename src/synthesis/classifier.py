"""What is attacked: a network as a pure function of pixels from 0 to 1, its own normalization inside."""

from dataclasses import dataclass
from functools import partial

import jax
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Num

from ..config.errors import UserError
from ..data.batches import Constants
from ..models.functional import Network, Tree
from ..operations.fast_layers import use_fast_layers
from ..operations.fused import with_kernels
from ..tasks.classification import Classification
from ..training.kernels import chosen_kernels
from ..training.load_run import LoadedRun
from ..training.settings import RunSettings

WHITE = 255


@partial(jax.tree_util.register_dataclass, data_fields=["state", "constants"], meta_fields=["network"])
@dataclass(frozen=True)
class Classifier:
    """A network in evaluation mode, from pixels to the scores of classes; compiled functions take it as an argument.

    Attributes:
        network: as a pure function.
        state: its parameters and batch statistics.
        constants: of the normalization, in units of stored pixels, 0 to 255.
    """

    network: Network
    state: tuple[Tree, Tree]
    constants: Constants

    def __call__(self, pixels: Float[Array, "b h w c"]) -> Float[Array, "b classes"]:
        return self.network(*self.state, (WHITE * pixels - self.constants.mean) / self.constants.std)


def of_run(run: LoadedRun) -> Classifier:
    """The network of a run.

    Raises:
        UserError: it names no classes of images.
    """
    check_classifies(run.engine.settings, str(run.directory.path))
    if not run.engine.spec.pictured:
        raise UserError(f"run={run.directory.path} takes no images; the pixels of images are changed")
    return Classifier(run.engine.network, run.state.scored(), run.engine.preprocessing.constants)


def check_classifies(settings: RunSettings, path: str) -> None:
    """Refuses runs of other tasks.

    Raises:
        UserError: naming the task that is needed.
    """
    if not isinstance(settings.task, Classification):
        raise UserError(f"run={path} names no class of an image; a run of task=classification is attacked")


def of_module(module: nnx.Module, constants: Constants) -> Classifier:
    """Any network that gives the scores of classes; the module itself stays as it is, in whichever mode that is.

    Args:
        module: takes normalized images.
        constants: of their normalization, in units of stored pixels, 0 to 255.
    """
    copy = nnx.clone(module)
    use_fast_layers(copy, jax.default_backend())
    network = Network(copy, with_kernels(copy, chosen_kernels("auto")))
    return Classifier(network, (network.parameters, network.batch_stats), constants)


def as_pixels(images: Num[np.ndarray, "n h w c"]) -> Float[np.ndarray, "n h w c"]:
    """Images from 0 to 1, from stored ones or from such as are so already.

    Raises:
        UserError: they are neither.
    """
    images = np.asarray(images)
    if images.dtype == np.uint8:
        return images.astype(np.float32) / WHITE
    if not np.issubdtype(images.dtype, np.floating) or not ((images >= 0) & (images <= 1)).all():
        raise UserError("images are uint8, or floating-point numbers from 0 to 1")
    return images.astype(np.float32)
