"""The convolutions that a CIFAR ResNet consists of, each alone, beside PyTorch's (oneDNN, channels last)."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.measure import ratio
from src.studies.timing import in_turn

BATCH = 128
STAGES = ((32, 16), (16, 32), (8, 64))
PARTS = ("forward", "input gradient", "kernel gradient")


def convolution(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """A 3x3 convolution of stride 1."""
    layout = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), ((1, 1), (1, 1)), dimension_numbers=layout)


def ours(x: np.ndarray, kernel: np.ndarray) -> dict[str, Callable[[], Any]]:
    """The three parts, compiled by XLA."""
    a, b = jnp.asarray(x), jnp.asarray(kernel)
    programs = {
        "forward": jax.jit(convolution),
        "input gradient": jax.jit(lambda a, b: jax.vjp(lambda x: convolution(x, b), a)[1](a)[0]),
        "kernel gradient": jax.jit(lambda a, b: jax.vjp(lambda kernel: convolution(a, kernel), b)[1](a)[0]),
    }
    return {name: partial(lambda program: program(a, b).block_until_ready(), f) for name, f in programs.items()}


def theirs(x: np.ndarray, kernel: np.ndarray) -> dict[str, Callable[[], Any]]:
    """The three parts in PyTorch."""
    import torch

    last = torch.channels_last
    a = torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2))).contiguous(memory_format=last)
    b = torch.from_numpy(np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))).contiguous(memory_format=last)

    def backward(wanted: list[bool]) -> Any:
        return torch.ops.aten.convolution_backward(
            a, a, b, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, wanted
        )  # fmt: skip

    return {
        "forward": lambda: torch.conv2d(a, b, padding=1),
        "input gradient": partial(backward, [True, False, False]),
        "kernel gradient": partial(backward, [False, True, False]),
    }


def measure(rounds: int) -> dict[str, Any]:
    """The ratio of each part in each stage; nothing where PyTorch is not installed."""
    try:
        import torch  # noqa: F401
    except ImportError:
        return {"skipped": "PyTorch is not installed: pip install torch"}
    figures = {}
    for size, channels in STAGES:
        rng = np.random.default_rng(0)
        x = rng.normal(size=(BATCH, size, size, channels)).astype(np.float32)
        kernel = rng.normal(size=(3, 3, channels, channels)).astype(np.float32)
        own, peer = ours(x, kernel), theirs(x, kernel)
        for part in PARTS:
            work = {"ours": own[part], "torch": peer[part]}
            figures[f"{part}, {size}x{size}x{channels}"] = ratio(
                in_turn(work, rounds=rounds, warm_up=3), "ours", "torch"
            )
    return figures
