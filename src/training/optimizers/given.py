"""A transformation of optax that Python code has made: for `fit`."""

from typing import Any, ClassVar

import optax
from pydantic import PrivateAttr

from ...config.errors import UserError
from ...models.functional import Tree
from ...models.given import shapes_sha256
from .base import OptimizerSettings


class Given(OptimizerSettings):
    """Any transformation. Its learning rate is its own affair.

    Attributes:
        state: SHA-256 over names, shapes and types of its state.
    """

    states_rate: ClassVar[bool] = False

    state: str
    _transformation: Any = PrivateAttr(None)

    @staticmethod
    def of(transformation: optax.GradientTransformation, parameters: Tree) -> "Given":
        """The settings of a transformation of the gradients of some parameters.

        Raises:
            UserError: it is none.
        """
        if not isinstance(transformation, optax.GradientTransformation):
            found = type(transformation).__name__
            raise UserError(f"the optimizer is a transformation of optax, such as optax.sgd(0.1); not of type {found}")
        state = shapes_sha256(transformation.init(parameters))
        own = Given(learning_rate=1.0, weight_decay=0.0, decayed="all", clip_norm=None, state=state)
        own._transformation = transformation
        return own

    def rule(self, learning_rate: optax.Schedule) -> optax.GradientTransformation:
        """The transformation.

        Raises:
            UserError: these are settings that were read from a file.
        """
        if self._transformation is None:
            raise UserError("the optimizer of this run was given in Python; fit(module, data, optimizer, …) goes on")
        transformation: optax.GradientTransformation = self._transformation
        return transformation
