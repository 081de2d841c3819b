"""Convolutions with constants before or after them, such as those of running statistics, with gradients."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from .arrays import Filters, Maps, Vector
from .calls import Arrays, Backward, Forward, NormBack, called
from .convolution import Activation, Wanted, gradients, values
from .varying import together
from .window import Window


def finished_convolution(
    library: str,
    window: Window,
    activation: Activation,
    x: Maps,
    filters: Filters,
    bias: Vector,
    addend: Maps | None = None,
) -> Maps:
    """A convolution with bias, addend and an activation.

    Args:
        library: key of loaded kernels.
        window: how it moves.
        activation: what comes last.
        x: float32.
        filters: float32.
        bias: by filter.
        addend: of the result's shape, or nothing.
    """
    return _finished(library, window, activation, *together(x, filters, bias), addend)


def _computed(
    library: str, window: Window, activation: Activation, x: Maps, filters: Filters, bias: Vector, addend: Maps | None
) -> Maps:
    call = Forward(window, relu=activation.relu, ceiling=activation.ceiling)
    return values(library, call, x, filters, bias=bias, addend=addend)[0]


_finished = jax.custom_vjp(_computed, nondiff_argnums=(0, 1, 2))


def _finished_kept(
    library: str, window: Window, activation: Activation, x: Any, filters: Any, bias: Any, addend: Any
) -> tuple[Maps, tuple[Any, ...]]:
    added = None if addend is None else addend.value
    y = _computed(library, window, activation, x.value, filters.value, bias.value, added)
    wanted = Wanted(x.perturbed, filters.perturbed or bias.perturbed)
    return y, (x.value, filters.value, added, y if activation.relu else None, wanted)


def _finished_back(library: str, window: Window, activation: Activation, kept: tuple[Any, ...], dy: Maps) -> Arrays:
    x, filters, addend, y, wanted = kept
    masked = activation.relu and (wanted.weights or addend is not None)
    call = Backward(window, masked=masked, ceiling=activation.ceiling)
    dx, dfilters, passed = gradients(library, call, x, filters, dy, y=y, wanted=wanted)
    before = dy if passed is None else passed
    dbias = before.sum((0, 1, 2)) if wanted.weights else None
    return dx, dfilters, dbias, None if addend is None else before


_finished.defvjp(_finished_kept, _finished_back, symbolic_zeros=True)


def opened_convolution(library: str, window: Window, x: Maps, filters: Filters, scale: Vector, shift: Vector) -> Maps:
    """A convolution of relu(scale x + shift).

    Args:
        library: key of loaded kernels.
        window: how it moves.
        x: float32.
        filters: float32.
        scale: by channel.
        shift: by channel.
    """
    return _opened(library, window, *together(x, filters, scale, shift))


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _opened(library: str, window: Window, x: Maps, filters: Filters, scale: Vector, shift: Vector) -> Maps:
    return values(library, Forward(window), x, filters, before=(scale, shift))[0]


def _opened_kept(
    library: str, window: Window, x: Any, filters: Any, scale: Any, shift: Any
) -> tuple[Maps, tuple[Any, ...]]:
    weights = filters.perturbed or scale.perturbed or shift.perturbed
    before = scale.value, shift.value
    y, *_ = values(library, Forward(window), x.value, filters.value, before=before)
    return y, (x.value, filters.value, *before, Wanted(weights=weights))


def _opened_back(library: str, window: Window, kept: tuple[Any, ...], dy: Maps) -> Arrays:
    x, filters, scale, shift, wanted = kept
    zeros = jnp.zeros_like(scale)
    call = Backward(window, to_filters=wanted.weights, sums=wanted.weights)
    arrays = (x, filters, scale, shift, dy, *[None] * 8, zeros)
    dopened, dfilters, _, dshift, dscale = called(library, call, arrays)
    (dx,) = called(library, NormBack(), (dopened, x, scale, shift, scale, zeros, zeros))
    return dx, dfilters, dscale, dshift


_opened.defvjp(_opened_kept, _opened_back, symbolic_zeros=True)
