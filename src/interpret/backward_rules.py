"""Backward rules of ReLU: gradient, deconvnet and guided backpropagation (chapter Figs 48 and 49).

Zeiler and Fergus 2014 (arXiv:1311.2901); Springenberg et al. 2015 (arXiv:1412.6806), Fig. 1. The rules differ in what
ReLU lets through on the way back: the signal where its input was positive (gradient), the positive part of the signal
(deconvnet), or both (guided). Everything else keeps its gradient, so that max-pooling sends the signal to where the
largest value was, which are the switches of the deconvnet.

ReLUs are found in the traced program and not in the modules, so that functions count and networks are not rewritten:
`jax.nn.relu`, `jax.nn.relu6`, and `jnp.maximum(x, 0)`. ReLU6 is ReLU, then the smaller of that and 6: the rule is that
of ReLU, and what was cut off at 6 gets no signal, as with the gradient. The rules say nothing of other rectifiers, such
as leaky ReLU or GELU, which let negative values through; where one has a name in the program, it is refused.
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

RELUS = {"relu": float("inf"), "relu6": 6.0}
"""The largest value that each lets through."""
OTHERS = {"celu", "elu", "hard_silu", "hard_swish", "leaky_relu", "mish", "selu", "silu", "softplus", "swish"}
"""Rectifiers that the rules do not speak of."""
INLINE = {"jit", "pjit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "remat2", "checkpoint"}
"""Operations that compute their inner program once."""


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def rectified(rule: str, largest: float, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """ReLU, with that rule on the way back.

    Args:
        rule: of the signal from above.
        largest: value that it lets through.
        x: its input.
    """
    return jnp.clip(x, 0, largest)


def _forward(rule: str, largest: float, x: Array) -> tuple[Array, tuple[Bool[Array, "..."], Bool[Array, "..."]]]:
    return rectified(rule, largest, x), (x > 0, x < largest)


def _backward(rule: str, largest: float, seen: tuple[Array, Array], signal: Array) -> tuple[Array]:
    positive, below = seen
    passes = below if rule == "deconvnet" else positive & below
    return (jnp.where(passes, signal if rule == "gradient" else jnp.maximum(signal, 0), 0),)


rectified.defvjp(_forward, _backward)


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
        outputs = _evaluated(program, leaves, partial(rectified, rule))
        return jax.tree.unflatten(jax.tree.structure(shapes), outputs)

    return ruled


def relus(function: Callable[..., Any], *arguments: Any) -> int:
    """How many ReLUs a function computes, for these arguments, arrays or their shapes; nothing is computed."""
    return sum(largest is not None for _, largest in _operations(jax.make_jaxpr(function)(*arguments).jaxpr))


def _check(jaxpr: Jaxpr, rule: str) -> None:
    """Refuses a program to which a rule does not apply.

    Raises:
        UserError: saying why.
    """
    operations = list(_operations(jaxpr))
    names = {_name(equation) for equation, _ in operations} | {each.primitive.name for each, _ in operations}
    if "ffi_call" in names:
        raise UserError(f"rule={rule}: the network computes by kernels that hide its ReLUs; give its plain module")
    others = ", ".join(sorted(OTHERS & names))
    if others:
        raise UserError(f"rule={rule}: it is a rule of ReLU, and the network has {others}; rule=gradient goes for all")
    if not any(largest is not None for _, largest in operations):
        raise UserError(f"rule={rule}: the network has no ReLU that it could change; rule=gradient goes for all")


def _operations(jaxpr: Jaxpr) -> Iterator[tuple[JaxprEqn, float | None]]:
    """All operations, with what they let through at most if they are ReLUs; those inside a ReLU are not listed."""
    for equation in jaxpr.eqns:
        largest = _largest(equation, jaxpr)
        yield equation, largest
        if largest is None:
            for inner in _inner(equation):
                yield from _operations(inner.jaxpr)


def _largest(equation: JaxprEqn, jaxpr: Jaxpr) -> float | None:
    """What an operation lets through at most if it is a ReLU."""
    if equation.primitive.name == "custom_jvp_call":
        return RELUS.get(_name(equation))
    if equation.primitive.name == "max" and any(map(_zero, equation.invars)) and not _variance(equation, jaxpr):
        return RELUS["relu"]
    return None


def _variance(equation: JaxprEqn, jaxpr: Jaxpr) -> bool:
    """Whether a maximum with zero only mends the rounding of a variance, E x² - (E x)², as Flax's layers do."""
    makers = {out: maker for maker in jaxpr.eqns for out in maker.outvars}
    (value,) = (each for each in equation.invars if not _zero(each)) if len(equation.invars) == 2 else (None,)
    maker = None if isinstance(value, Literal) else makers.get(value)
    if maker is None or maker.primitive.name != "sub" or isinstance(maker.invars[1], Literal):
        return False
    square = makers.get(maker.invars[1])
    return square is not None and square.primitive.name in ("square", "integer_pow", "mul")


def _zero(value: Any) -> bool:
    return isinstance(value, Literal) and jnp.ndim(value.val) == 0 and bool(value.val == 0)


def _name(equation: JaxprEqn) -> str:
    return str(equation.params.get("name", ""))


def _inner(equation: JaxprEqn) -> list[ClosedJaxpr]:
    """The inner programs of an operation."""
    values = [each for value in equation.params.values() for each in (value if isinstance(value, tuple) else (value,))]
    return [
        ClosedJaxpr(value, ()) if isinstance(value, Jaxpr) else value
        for value in values
        if isinstance(value, ClosedJaxpr | Jaxpr)
    ]


def _evaluated(program: ClosedJaxpr, values: list[Any], relu: Callable[[float, Array], Array]) -> list[Any]:
    """The outputs of a program with another function in place of its ReLUs.

    Raises:
        UserError: one is in a loop or a branch.
    """
    jaxpr = program.jaxpr
    known: dict[Any, Any] = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*program.consts, *values), strict=True))
    for equation in jaxpr.eqns:
        inputs = [each.val if isinstance(each, Literal) else known[each] for each in equation.invars]
        largest, inner = _largest(equation, jaxpr), _inner(equation)
        hidden = any(found is not None for each in inner for _, found in _operations(each.jaxpr))
        if largest is not None:
            (value,) = (x for x, each in zip(inputs, equation.invars, strict=True) if not _zero(each))
            outputs = [relu(largest, value)]
        elif hidden and equation.primitive.name in INLINE:
            outputs = _evaluated(inner[0], inputs, relu)
        elif hidden:
            raise UserError(f"a ReLU in a {equation.primitive.name} of the network cannot be given another rule")
        else:
            found = equation.primitive.bind(*inputs, **equation.primitive.get_bind_params(equation.params))
            outputs = found if equation.primitive.multiple_results else [found]
        known.update(zip(equation.outvars, outputs, strict=True))
    return [each.val if isinstance(each, Literal) else known[each] for each in jaxpr.outvars]
