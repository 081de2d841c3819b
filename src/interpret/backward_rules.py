"""Backward rules of ReLU: gradient, deconvnet and guided backpropagation (chapter Figs 48 and 49).

Zeiler and Fergus 2014 (arXiv:1311.2901); Springenberg et al. 2015 (arXiv:1412.6806), Fig. 1. The rules differ in what
ReLU lets through on the way back: the signal where its input was positive (gradient), the positive part of the signal
(deconvnet), or both (guided). Everything else keeps its gradient, so that max-pooling sends the signal to where the
largest value was, which are the switches of the deconvnet.

ReLUs are found in the traced program and not in the modules, so that functions count and networks are not rewritten:
every maximum with zero is one, of `jax.nn.relu` as of `jnp.maximum(x, 0)`. ReLU6 is ReLU, then the smaller of that and
6. What was cut off at 6 gets no signal by guided backpropagation, as with the gradient; a deconvnet, for which it does
not matter what ReLU let through, sends the signal there too. The rules say nothing of other rectifiers, such as leaky
ReLU, which let negative values through: networks with one of these are refused.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal
from jaxtyping import Array, Bool, Float

from ..config.errors import UserError, did_you_mean

RULES = ("gradient", "deconvnet", "guided")

OTHERS = {"celu", "elu", "hard_silu", "hard_swish", "leaky_relu", "mish", "selu", "silu", "softplus", "swish"}
"""Rectifiers that the rules do not speak of."""
INLINE = {"jit", "pjit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "remat2", "checkpoint"}
"""Operations that compute their inner program once."""


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def rectified(rule: str, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """ReLU, with that rule on the way back."""
    return jnp.maximum(x, 0)


def _forward(rule: str, x: Array) -> tuple[Array, Bool[Array, "..."]]:
    return rectified(rule, x), x > 0


def _backward(rule: str, positive: Bool[Array, "..."], signal: Array) -> tuple[Array]:
    passed = signal if rule == "gradient" else jnp.maximum(signal, 0)
    return (passed if rule == "deconvnet" else jnp.where(positive, passed, 0),)


rectified.defvjp(_forward, _backward)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def capped(cap: float, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The smaller one, with every signal passing on the way back."""
    return jnp.minimum(x, cap)


capped.defvjp(lambda cap, x: (capped(cap, x), None), lambda cap, residuals, signal: (signal,))


def with_rule(function: Callable[..., Any], rule: str) -> Callable[..., Any]:
    """The same function, whose ReLUs have that rule on the way back.

    Args:
        function: of arrays and trees of them, such as a network in evaluation mode.
        rule: `gradient` leaves the function as it is.

    Returns:
        A function that raises `UserError` when it is called: there is no ReLU in it, or one that cannot be replaced.

    Raises:
        UserError: there is no such rule, with the nearest one.
    """
    if rule not in RULES:
        raise UserError(f"rule={rule}: there is no such rule{did_you_mean(str(rule), RULES)}")
    if rule == "gradient":
        return function

    def ruled(*arguments: Any) -> Any:
        program, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)
        _check(program.jaxpr, rule)
        leaves = jax.tree.leaves(arguments)
        outputs = _evaluated(program, leaves, rule)
        return jax.tree.unflatten(jax.tree.structure(shapes), outputs)

    return ruled


def relus(function: Callable[..., Any], *arguments: Any) -> int:
    """How many ReLUs a function computes, for these arguments, arrays or their shapes; nothing is computed."""
    return _count(jax.make_jaxpr(function)(*arguments).jaxpr)


def is_relu(equation: JaxprEqn, jaxpr: Jaxpr) -> bool:
    """Whether an operation of a program is a ReLU: a maximum with zero.

    A maximum that only mends the rounding of a variance, E x² - (E x)², as in Flax's layers, is none.
    """
    if equation.primitive.name != "max" or not any(map(_zero, equation.invars)):
        return False
    makers: dict[Any, JaxprEqn] = {out: maker for maker in jaxpr.eqns for out in maker.outvars}
    (value,) = (each for each in equation.invars if not _zero(each))
    maker = makers.get(value)
    if maker is None or maker.primitive.name != "sub" or isinstance(maker.invars[1], Literal):
        return True
    taken = makers.get(maker.invars[1])
    return taken is None or taken.primitive.name not in ("square", "integer_pow")


def _check(jaxpr: Jaxpr, rule: str) -> None:
    """Refuses a program to which a rule does not apply.

    Raises:
        UserError: saying why.
    """
    names = {name for equation in _operations(jaxpr) for name in (equation.primitive.name, equation.params.get("name"))}
    if "ffi_call" in names:
        raise UserError(f"rule={rule}: the network computes by kernels that hide its ReLUs; give its plain module")
    others = ", ".join(sorted(OTHERS & names))
    if others:
        raise UserError(f"rule={rule}: it is a rule of ReLU, and the network has {others}; rule=gradient goes for all")
    if not _count(jaxpr):
        raise UserError(f"rule={rule}: the network has no ReLU that it could change; rule=gradient goes for all")


def _operations(jaxpr: Jaxpr) -> Iterator[JaxprEqn]:
    """All operations, and those of their inner programs."""
    for equation in jaxpr.eqns:
        yield equation
        for inner in _inner(equation):
            yield from _operations(inner.jaxpr)


def _count(jaxpr: Jaxpr) -> int:
    """The number of ReLUs in a program and its inner programs."""
    inside = (_count(inner.jaxpr) for equation in jaxpr.eqns for inner in _inner(equation))
    return sum(is_relu(equation, jaxpr) for equation in jaxpr.eqns) + sum(inside)


def _is_cap(equation: JaxprEqn) -> bool:
    """Whether an operation is the smaller one of a value and a positive number, such as the upper end of ReLU6."""
    if equation.primitive.name != "min":
        return False
    cap = equation.invars[1]
    return isinstance(cap, Literal) and jnp.ndim(cap.val) == 0 and bool(cap.val > 0)


def _zero(value: Any) -> bool:
    return isinstance(value, Literal) and jnp.ndim(value.val) == 0 and bool(value.val == 0)


def _inner(equation: JaxprEqn) -> list[ClosedJaxpr]:
    """The inner programs of an operation."""
    values = [each for value in equation.params.values() for each in (value if isinstance(value, tuple) else (value,))]
    return [
        ClosedJaxpr(value, ()) if isinstance(value, Jaxpr) else value
        for value in values
        if isinstance(value, ClosedJaxpr | Jaxpr)
    ]


def _evaluated(program: ClosedJaxpr, values: list[Any], rule: str) -> list[Any]:
    """The outputs of a program whose ReLUs have a rule.

    Raises:
        UserError: one is in a loop or a branch.
    """
    jaxpr = program.jaxpr
    known: dict[Any, Any] = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*program.consts, *values), strict=True))
    for equation in jaxpr.eqns:
        inputs = [each.val if isinstance(each, Literal) else known[each] for each in equation.invars]
        kind, inner = equation.primitive, _inner(equation)
        hidden = sum(_count(each.jaxpr) for each in inner)
        if is_relu(equation, jaxpr):
            (x,) = (x for x, each in zip(inputs, equation.invars, strict=True) if not _zero(each))
            outputs = [rectified(rule, x)]
        elif rule == "deconvnet" and _is_cap(equation):
            outputs = [capped(float(inputs[1]), inputs[0])]
        elif hidden and kind.name in INLINE:
            outputs = _evaluated(inner[0], inputs, rule)
        elif hidden:
            raise UserError(f"a ReLU in a {kind.name} of the network cannot be given another rule")
        else:
            found = kind.bind(*inputs, **kind.get_bind_params(equation.params))
            outputs = found if kind.multiple_results else [found]
        known.update(zip(equation.outvars, outputs, strict=True))
    return [each.val if isinstance(each, Literal) else known[each] for each in jaxpr.outvars]
