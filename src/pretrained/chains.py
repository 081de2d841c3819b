"""Names of the convolutions of an Inception network, in the order of their creation."""

from collections.abc import Iterator

from ..models.inception_v3 import Conv, Steps


def convolutions(steps: Steps, chain: str) -> Iterator[str]:
    """Our name of each convolution of a `Chain`, whose own name is given."""
    for number, step in enumerate(steps):
        layer = f"{chain}.layers.{number}"
        if isinstance(step, Conv):
            yield layer
        elif isinstance(step, tuple):
            yield from branches(step, layer)


def branches(chains: Steps, module: str) -> Iterator[str]:
    """The same for `Branches`."""
    for number, steps in enumerate(chains):
        yield from convolutions(steps, f"{module}.branches.{number}")
