"""ConvNets in JAX. What XLA has to know before it computes anything is said here, where every program comes by.

On CPUs XLA hands some operations to the library YNNPACK. Its convolutions take a fifth longer than XLA's own for the
small networks here, and its sums take the larger of NaN and 0 for 0, so that a network which overflowed seems only to
guess. Whoever sets the option in `XLA_FLAGS` is left alone.
"""

import os

YNN = "--xla_cpu_experimental_ynn_fusion_type"

if YNN not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {YNN}=".strip()
