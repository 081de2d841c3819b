"""Pictures of what drives a unit: its value at one place, sent back to the pixels (chapter Figs 50 and 51).

Zeiler and Fergus 2014 (arXiv:1311.2901), Fig. 2; Springenberg et al. 2015 (arXiv:1412.6806), Fig. 3. All other values
of the layer send nothing back. Which signals pass the ReLUs on the way is the rule, of
`src/interpret/backward_rules.py`.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int

from ..config.errors import UserError
from ..models.captured import captured, in_evaluation
from .backward_rules import with_rule
from .patches import Reconstruct


def reconstructed_by(network: nnx.Module, layer: str, rule: str = "deconvnet") -> Reconstruct:
    """A function from images, a unit and its places in their maps to the signal at the pixels.

    Args:
        network: any NNX module; it is computed in evaluation mode and stays as it is.
        layer: name of one with maps.
        rule: of ReLU on the way back.

    Returns:
        The function takes images as the network does. It raises `UserError` if the rule does not apply to the network.

    Raises:
        UserError: there is no such rule.
    """
    evaluated = in_evaluation(network)
    with_rule(jnp.square, rule)  # refuses a rule that is none before there are images

    def maps(network: nnx.Module, images: Array) -> Array:
        return captured(nnx.clone(network), images)[layer]

    @jax.jit
    def sent_back(
        network: nnx.Module, images: Float[Array, "k h w c"], unit: int | Array, positions: Int[Array, "k 2"]
    ) -> Float[Array, "k h w c"]:
        ruled, rows, columns = with_rule(maps, rule), *positions.T
        return jax.grad(lambda x: ruled(network, x)[np.arange(len(images)), rows, columns, unit].sum())(images)

    return lambda images, unit, positions: np.asarray(sent_back(evaluated, images, unit, positions))


def applicable_rule(network: nnx.Module, input_shape: tuple[int, ...], rule: str = "deconvnet") -> str:
    """That rule, if it applies to the ReLUs of a network, else `gradient`, which applies to all; nothing is computed.

    Args:
        network: any NNX module.
        input_shape: of one image.
        rule: of ReLU.
    """
    example = jax.ShapeDtypeStruct((1, *input_shape), jnp.float32)
    try:
        jax.eval_shape(with_rule(in_evaluation(network), rule), example)
    except UserError:
        return "gradient"
    return rule
