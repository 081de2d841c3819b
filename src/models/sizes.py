"""Upper limits of sizes in settings: far larger than any published network, small enough to catch mistakes."""

from typing import Annotated

from pydantic import Field

DEEPEST = 10_000
"""Layers of the deepest network that was ever trained (Xiao et al. 2018, arXiv:1806.05393)."""

WIDEST = 1_000_000
"""Filters or nodes of a layer."""

Depth = Annotated[int, Field(le=DEEPEST)]
"""Weighted layers; each network checks its own lower limit."""

Count = Annotated[int, Field(gt=0, le=DEEPEST)]
"""Blocks, groups, or a factor on channels."""

Channels = Annotated[int, Field(gt=0, le=WIDEST)]
"""Filters or nodes of a layer, at least one."""

Words = Annotated[int, Field(gt=0, le=100_000_000)]
"""Size of a vocabulary."""

Side = Annotated[int, Field(gt=0, le=1_000)]
"""Side of a filter, or a stride, in pixels."""

Halvings = Annotated[int, Field(gt=0, le=32)]
"""Number of times that maps are halved."""
