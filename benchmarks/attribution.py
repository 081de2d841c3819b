"""Attributions of ResNet-20 for images of CIFAR-10's size, beside Captum on the same network in PyTorch.

Integrated gradients with 50 steps, Grad-CAM at the last block, occlusion with windows of 8x8 every 4 pixels, and pixel
flipping in 48 steps, beside Quantus, in float32; on CPUs by kernels of our own, and beside XLA's operations.
"""

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

import jax
import numpy as np
from flax import nnx

from benchmarks.measure import ratio
from src.interpret.cams import grad_cam
from src.interpret.faithfulness import pixel_flipping
from src.interpret.gradients import integrated_gradients
from src.interpret.windows import occlusion
from src.models.resnet_cifar import CifarResNet
from src.operations.fused import with_kernels
from src.studies.timing import in_turn
from src.training.kernels import chosen_kernels

IMAGES = 10
DEPTH = 20
LAST = "blocks.8"
STEPS = 50
WINDOW, STRIDE = 8, 4
FLIPPED = 48
"""Steps of pixel flipping; Quantus wants 1,024 pixels to be a multiple of the 64 values of a step."""
BATCH = {"cpu": 100, "gpu": 1000}

Work = dict[str, Callable[[], Any]]


def ours(network: nnx.Module, images: np.ndarray, targets: np.ndarray) -> Work:
    """By what is computed; each waits for its result, which is on the host."""
    batch_size = BATCH[jax.default_backend()]
    return {
        "integrated gradients": partial(
            integrated_gradients, network, images, targets, steps=STEPS, batch_size=batch_size
        ),
        "Grad-CAM": partial(grad_cam, network, images, targets, layer=LAST, batch_size=batch_size),
        "occlusion": partial(occlusion, network, images, targets, window=WINDOW, stride=STRIDE, batch_size=batch_size),
    }


def flipped(network: nnx.Module, images: np.ndarray, targets: np.ndarray) -> Work:
    """Pixel flipping by maps that are the images themselves; any map costs the same."""
    batch_size = BATCH[jax.default_backend()]
    flip = partial(pixel_flipping, network, images, images[..., 0], targets, steps=FLIPPED, batch_size=batch_size)
    return {"pixel flipping": flip}


def quantus_flipped(images: np.ndarray, targets: np.ndarray) -> Work:
    """The same by Quantus, which flips the channels of a pixel one by one: as many evaluations of the network."""
    import quantus

    net, _, device = in_torch(images)
    x = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    step = x[0].size // FLIPPED
    metric = quantus.PixelFlipping(features_in_step=step, normalise=False, disable_warnings=True)

    def flip() -> Any:
        return metric(net, x, targets, a_batch=x[:, :1], device=device, batch_size=IMAGES, softmax=False)

    return {"pixel flipping": flip}


def in_torch(images: np.ndarray) -> tuple[Any, Any, str]:
    """The network, the images and their device."""
    import torch

    from benchmarks.torch_resnet import ResNet, channels_last

    device = "cuda" if torch.cuda.is_available() else "cpu"
    net = channels_last(ResNet(DEPTH).to(device)).eval()
    return net, channels_last(torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).to(device)), device


def captums(images: np.ndarray, targets: np.ndarray) -> Work:
    """The same by Captum, as many images at once."""
    import torch
    from captum import attr

    net, x, device = in_torch(images)
    batch = BATCH[jax.default_backend()]
    classes = torch.from_numpy(targets).to(device)
    integrated = partial(attr.IntegratedGradients(net).attribute, n_steps=STEPS, internal_batch_size=batch)
    side = {"sliding_window_shapes": (3, WINDOW, WINDOW), "strides": (3, STRIDE, STRIDE)}
    hidden = partial(attr.Occlusion(net).attribute, perturbations_per_eval=batch // IMAGES, **side)
    cam = attr.LayerGradCam(net, net.blocks[-1])

    def map_of_image() -> Any:
        return attr.LayerAttribution.interpolate(
            cam.attribute(x, classes, relu_attributions=True), (32, 32), "bilinear"
        )

    methods: Work = {
        "integrated gradients": lambda: integrated(x, target=classes),
        "Grad-CAM": map_of_image,
        "occlusion": lambda: hidden(x, target=classes),
    }
    return {name: partial(_on_host, method) for name, method in methods.items()}


def _on_host(method: Callable[[], Any]) -> np.ndarray:
    found: np.ndarray = method().detach().cpu().numpy()
    return found


def measure(rounds: int) -> dict[str, Any]:
    """The ratios; nothing where neither Captum nor Quantus is installed."""
    peers = [name for name in ("captum", "quantus") if find_spec(name)]
    if not peers:
        return {"skipped": "neither Captum nor Quantus is installed: pip install captum quantus"}
    rng = np.random.default_rng(0)
    given = rng.normal(size=(IMAGES, 32, 32, 3)).astype(np.float32), rng.integers(10, size=IMAGES)
    network = CifarResNet(DEPTH, "A", channels=3, outputs=10, rngs=nnx.Rngs(0))
    forms = {"ours": with_kernels(network, chosen_kernels("auto")) or network, "XLA": network}
    figures: dict[str, Any] = {}
    for package, title, own, theirs in (
        ("captum", "Captum", ours, captums),
        ("quantus", "Quantus", flipped, quantus_flipped),
    ):
        if package in peers:
            works = {who: own(form, *given) for who, form in forms.items()} | {title: theirs(*given)}
            figures |= ratios(works, title, rounds)
    return figures


def ratios(works: dict[str, Work], title: str, rounds: int) -> dict[str, Any]:
    """Of each method beside a peer and beside XLA's operations."""
    figures: dict[str, Any] = {}
    for name in works["ours"]:
        seconds = in_turn({who: work[name] for who, work in works.items()}, rounds=rounds)
        for peer in (title, "XLA"):
            figures[f"{name}, {IMAGES} images, beside {peer}"] = ratio(seconds, "ours", peer)
    return figures
