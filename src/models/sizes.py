"""How large what a person sets may be: far more than was ever built, and little enough to be refused at once."""

from typing import Annotated

from pydantic import Field

DEEPEST = 10_000
"""Layers of the deepest network that was ever trained (Xiao et al. 2018, arXiv:1806.05393)."""

WIDEST = 1_000_000
"""Filters or nodes of a layer."""

Depth = Annotated[int, Field(le=DEEPEST)]
"""Weighted layers; how few there may be is said by the network."""

Count = Annotated[int, Field(gt=0, le=DEEPEST)]
"""Blocks, groups, or a factor on channels."""

Channels = Annotated[int, Field(gt=0, le=WIDEST)]
"""The same where there is at least one."""

Words = Annotated[int, Field(gt=0, le=100_000_000)]
"""Of a vocabulary."""

Side = Annotated[int, Field(gt=0, le=1_000)]
"""Of a filter, or of a step between filters, in pixels."""

Halvings = Annotated[int, Field(gt=0, le=32)]
"""How often maps are halved."""
