"""PGD in 20 steps against ResNet-20 on images of CIFAR-10's size, beside foolbox on JAX and a loop in PyTorch.

All attack as many images at once from random starts, in float32; weights are drawn. foolbox asks the same network of
ours, compiled. Of 100 images, because 1,000 take minutes on two CPU cores.
"""

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from benchmarks.measure import ratio
from src.data.batches import Constants
from src.models.resnet_cifar import CifarResNet
from src.studies.timing import in_turn
from src.synthesis.classifier import WHITE, Classifier, of_module
from src.synthesis.projected_gradient import PGD

IMAGES, DEPTH = 100, 20
EPSILON, STEPS = 8 / 255, 20
SIZE = 2.5 * EPSILON / STEPS
CONSTANTS = Constants(np.full((1, 1, 3), 127.5, np.float32), np.full((1, 1, 3), 63.75, np.float32))

Work = Callable[[], Any]


def by_foolbox(network: Classifier, images: np.ndarray, labels: np.ndarray) -> Work:
    """The same attack by foolbox; the images are on the host when it is done."""
    import eagerpy
    import foolbox

    model = foolbox.JAXModel(jax.jit(lambda pixels: network(pixels)), bounds=(0, 1))
    pixels = eagerpy.astensor(jnp.asarray(images, jnp.float32) / WHITE)
    wrong = foolbox.Misclassification(eagerpy.astensor(jnp.asarray(labels)))
    attack = foolbox.attacks.LinfPGD(abs_stepsize=SIZE, steps=STEPS)
    return lambda: np.asarray(attack.run(model, pixels, wrong, epsilon=EPSILON).raw)


def by_torch(images: np.ndarray, labels: np.ndarray) -> Work:
    """The same in PyTorch."""
    import torch
    import torch.nn.functional as F  # noqa: N812

    from benchmarks.torch_resnet import ResNet, channels_last

    device = "cuda" if torch.cuda.is_available() else "cpu"
    net = channels_last(ResNet(DEPTH).to(device)).eval().requires_grad_(False)
    whole = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).to(device).float() / WHITE
    whole, classes = channels_last(whole), torch.from_numpy(labels).long().to(device)

    def attack() -> np.ndarray:
        x = (whole + EPSILON * (2 * torch.rand_like(whole) - 1)).clip(0, 1)
        for _ in range(STEPS):
            x.requires_grad_(True)
            loss = F.cross_entropy(net((WHITE * x - 127.5) / 63.75), classes, reduction="sum")
            (gradient,) = torch.autograd.grad(loss, x)
            change = (x.detach() + SIZE * gradient.sign() - whole).clip(-EPSILON, EPSILON)
            x = (whole + change).clip(0, 1)
        found: np.ndarray = x.cpu().numpy()
        return found

    return attack


def measure(rounds: int) -> dict[str, Any]:
    """The ratios to the peers that are installed."""
    rng = np.random.default_rng(0)
    images, labels = rng.integers(256, size=(IMAGES, 32, 32, 3), dtype=np.uint8), rng.integers(10, size=IMAGES)
    network = of_module(CifarResNet(DEPTH, "A", channels=3, outputs=10, rngs=nnx.Rngs(0)), CONSTANTS)
    attack = PGD(steps=STEPS, step_size=SIZE, batch_size=IMAGES)
    work: dict[str, Work] = {"ours": partial(attack, network, images, labels, EPSILON, jax.random.key(0))}
    if find_spec("foolbox"):
        work["foolbox"] = by_foolbox(network, images, labels)
    if find_spec("torch"):
        work["PyTorch"] = by_torch(images, labels)
    if len(work) == 1:
        return {"skipped": "neither foolbox nor PyTorch is installed: pip install foolbox torch"}
    seconds = in_turn(work, rounds=rounds)
    return {f"{IMAGES} images, beside {peer}": ratio(seconds, "ours", peer) for peer in work if peer != "ours"}
