"""The gradient of a shared weight is the sum over its connections (the notebook's "Backprop for ConvNets").

`python -m experiments.shared_weight_gradient` unties a convolution of one dimension into a dense layer, adds up the
gradients of its copies, and writes `shared_weight_gradient/{network.png,results.json,table.md}`.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from src.config.errors import reported
from src.interpret.sharing import Loss, connection_gradients, shared, shared_gradient
from src.markdown import markdown
from src.plots.sharing import sharing_figure
from src.studies.output import no_arguments
from src.studies.results import write_results

INPUTS = (0.5, -1.0, 2.0, 1.0)
FILTER = (1.0, -0.5)
TARGETS = (0.0, -1.0, 2.0)
FIG13 = (5, 4, 2, 4)
"""Length, channels, size of the filters and their number in chapter Fig. 13, for the same with many weights."""


def main() -> None:
    """Computes the worked example, and the difference between sums and gradient in it and in a larger convolution."""
    with reported():
        no_arguments()
        inputs, kernel = column(INPUTS), column(FILTER)[..., None]
        loss = squared_error(column(TARGETS))
        terms = np.asarray(connection_gradients(loss, inputs, kernel))[..., 0, 0]
        gradient = np.asarray(shared_gradient(loss, inputs, kernel))[:, 0, 0]
        signals = np.asarray(jax.grad(loss)(shared(inputs, kernel)))[:, 0]
        largest = difference_in_fig13()
        facts = {
            "inputs": INPUTS,
            "filter": FILTER,
            "signals": signals.tolist(),
            "terms": terms.tolist(),
            "sums": terms.sum(axis=1).tolist(),
            "gradient": gradient.tolist(),
            "fig13_largest_difference": largest,
        }
        figure = sharing_figure(INPUTS, signals.tolist(), terms, gradient.tolist())
        write_results("shared_weight_gradient", facts, figures={"network": figure}, table=table(terms, gradient))
        print(f"in the convolution of Fig. 13 sums and gradient differ by at most {largest:.1e}")


def column(values: tuple[float, ...]) -> Float[Array, "length 1"]:
    """Numbers as a sequence of one channel."""
    return jnp.array(values)[:, None]


def squared_error(targets: Float[Array, "places outputs"]) -> Loss:
    """Half of the squared distance, so that the gradient of an output is its difference from the target."""
    return lambda outputs: ((outputs - targets) ** 2).sum() / 2


def difference_in_fig13() -> float:
    """The same with several channels and filters of random weights."""
    length, channels, size, filters = FIG13
    keys = jax.random.split(jax.random.key(0), 3)
    inputs = jax.random.normal(keys[0], (length, channels))
    kernel = jax.random.normal(keys[1], (size, channels, filters))
    loss = squared_error(jax.random.normal(keys[2], (length - size + 1, filters)))
    sums = connection_gradients(loss, inputs, kernel).sum(axis=1)
    return float(abs(sums - shared_gradient(loss, inputs, kernel)).max())


def table(terms: Float[np.ndarray, "size places"], gradient: Float[np.ndarray, "size"]) -> str:
    """A row per weight: the contributions of its connections, their sum, and the gradient of the convolution."""
    heads = ["weight", *(f"at place {place}" for place in range(1, terms.shape[1] + 1)), "sum", "jax.grad"]
    rows = []
    for number, (row, whole) in enumerate(zip(terms, gradient, strict=True), 1):
        products = (f"z{number + place} δ{place + 1} = {value:+g}" for place, value in enumerate(row))
        rows.append([f"w{number}", *products, f"{row.sum():+g}", f"{whole:+g}"])
    return markdown(heads, rows)


if __name__ == "__main__":
    main()
