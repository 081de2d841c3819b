"""Surfaces that nobody measured: a calm bowl and a wild one, for files and figures."""

import numpy as np

from src.landscape.surface import Surface

METADATA = {"run": "made up", "seed": 0, "normalisation": "filter", "commit": "0" * 40}


def plane(title="calm", n=51, m=51, *, wild=False, holes=False, dtype=np.float32):
    """A bowl of losses from about 0.1 to 20, or with ridges to 10,000; with holes, three points are not finite."""
    alpha, beta = np.linspace(-1, 1, n), np.linspace(-1, 1, m)
    x, y = np.meshgrid(alpha, beta, indexing="ij")
    log_loss = -1 + 2.2 * np.tanh(0.9 * (x**2 + 1.4 * y**2 - 0.3 * x * y))
    if wild:
        waves = np.sin(9 * x + 4 * np.sin(3 * y)) * np.cos(8 * y - 3 * np.sin(5 * x)) + np.sin(17 * x * y + 2)
        log_loss += 0.9 * np.sqrt(x**2 + y**2) * (1 + waves) + 0.5 * (x**2 + y**2)
    loss = 10**log_loss
    if holes:
        loss[n // 5, m // 4], loss[n // 5 + 1, m // 4], loss[-1, -2] = np.nan, np.inf, -np.inf
    return Surface(title, alpha, beta, named(loss, dtype), METADATA)


def line(title="interpolation", n=201, *, hole=True, dtype=np.float32):
    """Two minima with a barrier between them, over which the loss overflows."""
    alpha = np.linspace(-0.5, 1.5, n)
    loss = 0.05 + 8 * (alpha * (1 - alpha)) ** 2 * np.exp(1.2 * np.abs(alpha - 0.5))
    if hole:
        loss[: n // 20] = np.nan
    return Surface(title, alpha, None, named(loss, dtype), METADATA)


def named(loss, dtype):
    """What is measured besides the training loss."""
    values = {
        "train_loss": loss,
        "train_accuracy": 0.1 + 0.9 * np.exp(-loss),
        "test_loss": 1.3 * loss + 0.2,
        "test_accuracy": 0.1 + 0.84 * np.exp(-1.2 * loss),
    }
    return {name: values.astype(dtype) for name, values in values.items()}
