"""Methods of attribution by name, as studies compare them: one map for each image, large where it matters."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from flax import nnx
from jaxtyping import Float

from ..interpret import cams, gradients
from ..interpret.windows import occlusion

Method = Callable[..., Float[np.ndarray, "n ..."]]

RANDOM = "random"
"""Maps that say nothing, to which others are compared."""


def methods(*, layer: str, steps: int, samples: int, window: int, stride: int, batch_size: int) -> dict[str, Method]:
    """The methods, each called with a network, its images and their classes.

    Gradients whose sign says how a pixel should change, and not how much it matters, are taken by their size.

    Args:
        layer: of Grad-CAM.
        steps: of integrated gradients.
        samples: of SmoothGrad.
        window: of occlusion, in pixels.
        stride: between windows.
        batch_size: changed images at once.
    """
    found: dict[str, Method] = {
        "gradient": sized(gradients.gradient),
        "deconvnet": sized(gradients.gradient, rule="deconvnet"),
        "guided backpropagation": sized(gradients.gradient, rule="guided"),
        "SmoothGrad": sized(gradients.smooth_grad, samples=samples),
        "gradient x input": gradients.gradient_x_input,
        "integrated gradients": partial(gradients.integrated_gradients, steps=steps),
        "Grad-CAM": partial(cams.grad_cam, layer=layer),
        "Grad-CAM++": partial(cams.grad_cam_plus_plus, layer=layer),
        "occlusion": partial(occlusion, window=window, stride=stride),
    }
    return {RANDOM: noise, **{name: partial(method, batch_size=batch_size) for name, method in found.items()}}


def sized(method: Method, **settings: Any) -> Method:
    """The same method without signs, its channels added."""

    def of_images(*given: Any, **more: Any) -> Float[np.ndarray, "n h w"]:
        return np.abs(method(*given, **settings, **more)).sum(-1)

    return of_images


def noise(network: nnx.Module, images: Float[np.ndarray, "n h w c"], target: Any = None) -> Float[np.ndarray, "n h w"]:
    """Maps that know neither the network nor the image."""
    return np.random.default_rng(0).random(images.shape[:3], np.float32)
