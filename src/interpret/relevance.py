"""Layer-wise relevance propagation: the score is handed back from layer to layer, and nothing of it is lost.

Bach et al. 2015 (doi:10.1371/journal.pone.0130140), and the rules of Montavon et al. 2019
(doi:10.1007/978-3-030-28954-6_10).

Every input of a convolution or dense layer gets the share a w / (z + ε sign z) of an output's relevance, where z is the
output; with γ, positive weights count 1 + γ times. The rest of a chain hands relevance on as its gradient does: ReLU as
it is, max-pooling to the largest value, average pooling by shares. So relevance is a gradient times the input, in
which only these layers are changed.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.extend.core import Jaxpr, Literal
from jaxtyping import Array, Float, Int

from ..config.errors import UserError
from ..layers.children import children, replace
from ..models.captured import in_evaluation
from ..models.summary import innermost
from .backward_rules import is_relu
from .explained import BATCH_SIZE, explained, score_of

LAYERS = (nnx.Conv, nnx.Linear)
HANDED_ON = {"reshape", "squeeze", "transpose", "convert_element_type", "copy", "mul", "div"} | {
    "reduce_window_max",
    "reduce_window_sum",
    "reduce_max",
    "reduce_sum",
}
"""Operations with one input from the chain, whose gradient times their input is what comes out of them."""
SHARED = "layer_with_shares"
CHAIN = "relevance goes through chains of convolutions, dense layers, ReLU and pooling"


class Shared(nnx.Module):
    """A convolution or dense layer whose gradient hands relevance on."""

    def __init__(self, layer: nnx.Conv | nnx.Linear, epsilon: float, gamma: float) -> None:
        self.layer, self.epsilon, self.gamma = layer, epsilon, gamma

    def __call__(self, x: Float[Array, "b *inputs"]) -> Float[Array, "b *outputs"]:
        kernel, bias = self.layer.kernel[...], None if self.layer.bias is None else self.layer.bias[...]
        return layer_with_shares(x, kernel, bias, nnx.graphdef(self.layer), self.epsilon, self.gamma)


@partial(jax.jit, static_argnums=(3, 4, 5))
def layer_with_shares(
    x: Array, kernel: Array, bias: Array | None, definition: nnx.GraphDef, epsilon: float, gamma: float
) -> Array:
    """The outputs of a layer. Their gradient is that of its outputs with larger positive weights, times z / z'."""

    def outputs(grown: float) -> Array:
        arrays = {"kernel": kernel, "bias": bias}
        state = {name: array + grown * jnp.maximum(array, 0) for name, array in arrays.items() if array is not None}
        return nnx.merge(definition, nnx.State({name: nnx.Param(value) for name, value in state.items()}))(x)

    z, grown = outputs(0.0), outputs(gamma)
    below = grown + epsilon * jnp.where(grown < 0, -1, 1)
    share = jax.lax.stop_gradient(jnp.where(below == 0, 0, z / jnp.where(below == 0, 1, below)))
    return grown * share + jax.lax.stop_gradient(z - grown * share)


def relevance(
    network: nnx.Module,
    images: Any,
    target: Any = None,
    *,
    epsilon: float = 1e-6,
    gamma: float = 0.0,
    batch_size: int = BATCH_SIZE,
) -> Float[np.ndarray, "n h w c"]:
    """The relevance of every pixel for the score: LRP-ε, or LRP-γ where `gamma` is not 0, such as 0.25.

    Without biases the sum over the pixels is the score, up to what ε takes. It takes and gives what
    `src/interpret/explained.py` says.

    Raises:
        UserError: the input does not fit, or the network is no plain chain.
    """
    if epsilon < 0 or gamma < 0:
        raise UserError(f"epsilon={epsilon} and gamma={gamma} should not be negative")
    given = explained(network, images, target, batch_size)
    layered = partial(_chain, epsilon=epsilon, gamma=gamma)
    _check_layers(network)
    program = jax.make_jaxpr(layered)(network, given.images[:1]).jaxpr
    _check_chain(program, {program.invars[-1]})
    return given.in_batches(partial(_relevance, network, epsilon=epsilon, gamma=gamma))


@partial(jax.jit, static_argnames=("epsilon", "gamma"))
def _relevance(
    network: nnx.Module,
    images: Float[Array, "b h w c"],
    targets: Int[Array, "b"],
    *,
    epsilon: float,
    gamma: float,
) -> Float[Array, "b h w c"]:
    def score(x: Array) -> Array:
        return score_of(_chain(network, x, epsilon=epsilon, gamma=gamma), targets).sum()

    return images * jax.grad(score)(images)


def _chain(network: nnx.Module, images: Array, *, epsilon: float, gamma: float) -> Array:
    """The scores of a network whose layers hand relevance on."""
    layered = in_evaluation(network)
    for parent in [part for _, part in nnx.iter_modules(layered)]:
        for key, layer in children(parent):
            if isinstance(layer, LAYERS) and type(layer) in LAYERS:
                replace(parent, key, Shared(layer, epsilon, gamma))
    return layered(images)


def _check_layers(network: nnx.Module) -> None:
    """Refuses layers with parameters of which no rule is known.

    Raises:
        UserError: naming one.
    """
    for *_, layer, name in innermost(network):
        if type(layer) not in LAYERS and jax.tree.leaves(nnx.state(layer, (nnx.Param, nnx.BatchStat))):
            raise UserError(f"{CHAIN}; this network has a {type(layer).__name__}, {name}")


def _check_chain(jaxpr: Jaxpr, chain: set[Any]) -> None:
    """Refuses programs that are more than a chain.

    Args:
        jaxpr: a program.
        chain: the inputs that depend on the image; what is computed from them is added.

    Raises:
        UserError: naming the operation.
    """
    for equation in jaxpr.eqns:
        used = [place for place, each in enumerate(equation.invars) if not isinstance(each, Literal) and each in chain]
        kind, name = equation.primitive.name, str(equation.params.get("name", ""))
        inner = equation.params.get("jaxpr") or equation.params.get("call_jaxpr")
        if used and inner is not None and name != SHARED:
            _check_chain(inner.jaxpr, {inner.jaxpr.invars[place] for place in used})
        elif used and not (len(used) == 1 and (kind in HANDED_ON or name == SHARED or is_relu(equation, jaxpr))):
            raise UserError(f"{CHAIN}; this network also computes {kind}")
        if used:
            chain.update(equation.outvars)
