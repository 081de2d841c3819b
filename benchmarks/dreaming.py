"""DeepDream of a photograph of 512x512 pixels by the first convolutions of VGG-16, beside PyTorch.

Both climb the energy of the same layer by as many steps of one length, with shifts, in float32; weights are drawn.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from benchmarks.measure import NO_TORCH, ratio
from src.data.batches import Constants
from src.models.base import abstract_network
from src.studies.timing import in_turn
from src.synthesis.dream import Dream
from src.synthesis.features import Features, features
from src.synthesis.goals import Energy
from src.synthesis.images import clouds
from src.zoo.named import named_model

SIDE = 512
DREAM = Dream(octaves=2, steps=2)
CONSTANTS = Constants(np.full((1, 1, 3), 127.5, np.float32), np.full((1, 1, 3), 127.5, np.float32))
CHANNELS = (64, 64, 0, 128, 128, 0, 256, 256, 256)
"""VGG-16 up to conv3_3; 0 is a pool."""


def ours(seen: Features, image: np.ndarray) -> Callable[[], Any]:
    """A dream by a layer of our network; it is on the host when it is done."""
    goal = Energy(seen, jnp.ones(1))
    return lambda: DREAM(goal, image, jax.random.key(0))


def vgg() -> Features:
    """VGG-16 up to the ReLU after conv3_3."""
    module = abstract_network(named_model("vgg16"), (224, 224, 3), 1000)
    for part in ("dense", "head"):
        delattr(module, part)
    keys = iter(jax.random.split(jax.random.key(0), 99))
    for _, variable in nnx.to_flat_state(nnx.state(module, nnx.Param)):
        variable.set_value(0.05 * jax.random.normal(next(keys), variable.shape, variable.dtype))
    return features(module, CONSTANTS, ["relu3_3"])


def theirs(image: np.ndarray) -> Callable[[], Any]:
    """The same in PyTorch."""
    import torch
    import torch.nn.functional as F  # noqa: N812
    from torch import nn

    layers, inputs = list[nn.Module](), 3
    for outputs in CHANNELS:
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()] if outputs else [nn.MaxPool2d(2)]
        inputs = outputs or inputs
    device = "cuda" if torch.cuda.is_available() else "cpu"
    net = nn.Sequential(*layers).to(device, memory_format=torch.channels_last).eval().requires_grad_(False)
    whole = torch.from_numpy(image.transpose(2, 0, 1).copy())[None].to(device)
    sizes = DREAM.sizes(*image.shape[:2])

    def at(x: Any, size: tuple[int, int]) -> Any:
        return x if tuple(x.shape[2:]) == size else F.interpolate(x, size, mode="bilinear")

    def dream() -> np.ndarray:
        added, rng = torch.zeros_like(whole), np.random.default_rng(0)
        for size in sizes:
            plain = at(whole, size)
            x = (plain + at(added, size)).clip(0, 1)
            for _ in range(DREAM.steps):
                shift = rng.integers(-DREAM.jitter, DREAM.jitter + 1, 2).tolist()
                x.requires_grad_(True)
                seen = net((torch.roll(x, shift, (2, 3)) * 2 - 1).contiguous(memory_format=torch.channels_last))
                (gradient,) = torch.autograd.grad((seen**2).mean() / 2, x)
                x = (x.detach() + DREAM.rate * gradient / gradient.abs().mean()).clip(0, 1)
            added = x - plain
        found: np.ndarray = (whole + added).clip(0, 1).cpu().numpy()
        return found

    return dream


def measure(rounds: int) -> dict[str, Any]:
    """The ratio; nothing where PyTorch is not installed."""
    try:
        import torch  # noqa: F401
    except ImportError:
        return NO_TORCH
    image = clouds((SIDE, SIDE), 3, 0)
    seconds = in_turn({"ours": ours(vgg(), image), "PyTorch": theirs(image)}, rounds=rounds)
    return {f"VGG-16 up to conv3_3, {SIDE}x{SIDE}, beside PyTorch": ratio(seconds, "ours", "PyTorch")}
