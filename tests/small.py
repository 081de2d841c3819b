"""Networks of tests that any network would do for: XLA compiles ResNet-8 for three times as long."""

STACK = ("model=filter_stack", "model.stages=1", "model.blocks=1", "model.width=16")
"""Two convolutions with batch normalization."""

DENSE = ("model=dense", "model.hidden=[32]")
"""It learns digits within sixty steps."""
