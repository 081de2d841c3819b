"""Checks whether imported weights fit a network, from its activations on a batch of images.

Matching shapes are not enough: shortcuts with zeros on the other side, permuted channels, and pixels in another range
have the same shapes. But every batch normalization has the mean and the standard deviation of its input in training.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float

from ..models.summary import innermost

FARTHEST, FARTHEST_OF_ALL = 0.25, 1.0
"""Distances from the running means, in running std, in the median layer and in any. 100 test images of CIFAR-10 are
.07 to .11 away in networks that they fit (any layer: .23), and up to .19 if they are of one class only (.82); with
the zeros of shortcuts on the wrong side .30 to .46 (.51 to 1.05)."""

NARROWEST, WIDEST = 0.7, 1.4
"""Limits of std over running std, without the narrowest and the widest quarter of the layers: .95 to 1.06 in
networks that they fit (from .75 if the images are of one class only). With pixels from 0 to 1 the middle layer has
.57 to .64. A ResNet-20 of digits with its zeros on the wrong side has .55 to 1: the layers before its first shortcut
see nothing of them."""

ALIVE = 1e-3
"""The least scale of a channel that weight decay has not driven to zero."""

FEW = 10
"""With this number of images or fewer, all may be of one class."""


def doubts(module: nnx.Module, images: Float[Array, "b ..."], *, classifies: bool = True) -> str | None:
    """A reason to doubt the weights of a trained network, if there is one.

    Args:
        module: with its trained weights; not changed.
        images: some 30 to 100, of several classes, prepared as for training.
        classifies: whether its outputs are trained, too.

    Returns:
        A clause, or None.
    """
    logits, layers = jax.device_get(_measured(module, images))
    if not np.isfinite(logits).all():
        return "they give outputs that are not finite"
    if layers:
        distances, widths = np.transpose(list(layers.values()))
        away, most = np.median(distances), distances.max()
        narrow, wide = np.quantile(widths, (0.25, 0.75))
        if away > FARTHEST or most > FARTHEST_OF_ALL or narrow < NARROWEST or wide > WIDEST:
            return (
                f"what its layers see is {away:.2f} deviations from their running means (at most {most:.2f}; usual are "
                f"{FARTHEST} and {FARTHEST_OF_ALL}) and {narrow:.2f} to {wide:.2f} times as wide as they say "
                f"({NARROWEST} to {WIDEST})"
            )
    if classifies and len(images) > FEW and logits.shape[-1] > 1 and len(np.unique(logits.argmax(-1))) == 1:
        return f"all {len(images)} images are of one class to them"
    return None


def _measured(module: nnx.Module, images: Float[Array, "b ..."]) -> tuple[Array, dict[str, tuple[Array, Array]]]:
    """Logits, and for each batch normalization the distance of means from the running ones and the ratio of std."""
    own = nnx.merge(*nnx.split(module))
    own.eval()
    norms = {name: layer for _, _, layer, name in innermost(own) if isinstance(layer, nnx.BatchNorm)}
    definition, state = nnx.split(own)

    @jax.jit
    def measured(state: nnx.State, images: Float[Array, "b ..."]) -> tuple[Array, dict[str, tuple[Array, Array]]]:
        forward = nnx.capture(nnx.merge(definition, state), nnx.Intermediate, method_outputs=nnx.Intermediate)
        logits, captured = forward(images)
        outputs = {".".join(map(str, path[:-1])): variable[0] for path, variable in nnx.to_flat_state(captured)}
        return logits, {name: _against_running(norms[name], outputs[name]) for name in norms if name in outputs}

    logits, layers = measured(state, images)
    return logits, {name: found for name, found in layers.items() if np.isfinite(found).all()}


def _against_running(norm: nnx.BatchNorm, output: Float[Array, "b ... c"]) -> tuple[Array, Array]:
    """Mean and standard deviation of the input in units of the running std, RMS over the channels with nonzero scale.

    They are computed from the output, whose expected mean is the bias and whose expected std is the scale.
    """
    channels = output.shape[-1]
    scale = jnp.ones(channels) if norm.scale is None else jnp.abs(norm.scale[...])
    bias = jnp.zeros(channels) if norm.bias is None else norm.bias[...]
    axes, alive = tuple(range(output.ndim - 1)), scale > ALIVE
    away, width = (output.mean(axes) - bias) / scale, output.std(axes) / scale
    return _root_mean_square(away, alive), _root_mean_square(width, alive)


def _root_mean_square(values: Float[Array, "c"], which: Array) -> Array:
    return jnp.sqrt(jnp.mean(values**2, where=which))
