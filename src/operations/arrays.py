"""The arrays that kernels compute with, all of them float32."""

from jaxtyping import Array, Float

Maps = Float[Array, "_ _ _ _"]
"""Images, rows, columns, channels."""
Filters = Float[Array, "_ _ _ _"]
"""Rows, columns, channels, filters."""
Vector = Float[Array, "_"]
"""By channel or by filter."""
