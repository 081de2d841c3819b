"""Standard deviations of layer responses, and gradient norms by layer."""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from ..data.batches import Batch
from ..models.functional import Network, Tree
from ..models.summary import innermost
from ..tasks.base import TaskSettings


def response_stds(module: nnx.Module, images: Float[Array, "b h w c"]) -> dict[str, float]:
    """The standard deviation of the output of every batch normalization, before nonlinearity or addition.

    He et al. 2015 (arXiv:1512.03385), Fig. 7: responses are weaker in residual networks than in plain ones, and weaker
    in deeper residual networks.

    Args:
        module: in evaluation mode.
        images: normalized.

    Returns:
        By name of the layer, in the order of creation.
    """
    names = [name for _, _, layer, name in innermost(module) if isinstance(layer, nnx.BatchNorm)]
    _, captured = nnx.capture(module, nnx.Intermediate, method_outputs=nnx.Intermediate)(images)
    outputs = {".".join(map(str, path[:-1])): variable[0] for path, variable in nnx.to_flat_state(captured)}
    return {name: float(outputs[name].std()) for name in names}


def kernel_gradients(network: Network, task: TaskSettings, parameters: Tree, batch_stats: Tree, batch: Batch) -> Tree:
    """The norm of the gradient of the loss with respect to every kernel, in training mode; a tree like the parameters.

    Args:
        network: the network.
        task: computes the loss.
        parameters: of the network.
        batch_stats: of the network; not used in training mode, except as input to the update.
        batch: of training examples.
    """

    def loss(values: Tree) -> Float[Array, ""]:
        outputs, _ = network.train(values, batch_stats, batch.inputs, batch.keys)
        return task.losses(outputs.main, batch).mean()

    return jax.tree.map(jnp.linalg.norm, jax.grad(loss)(parameters))


def by_layer(tree: Tree, module: nnx.Module) -> dict[str, float]:
    """The value at every kernel of a tree of parameters, by layer, in the order in which the network makes them."""
    flat = nnx.traversals.flatten_mapping(tree)
    kernels = {".".join(map(str, path[:-1])): float(leaf) for path, leaf in flat.items() if path[-1] == "kernel"}
    return {name: kernels[name] for _, _, _, name in innermost(module) if name in kernels}
