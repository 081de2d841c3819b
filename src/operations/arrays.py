"""Array types of the kernels, all float32."""

from jaxtyping import Array, Float

Maps = Float[Array, "_ _ _ _"]
"""`[images, rows, columns, channels]`."""
Filters = Float[Array, "_ _ _ _"]
"""`[rows, columns, channels, filters]`."""
Vector = Float[Array, "_"]
"""One value per channel or per filter."""
