"""ConvNets in JAX: `convnets` where it is installed, `src` in a checkout."""

from .one_copy import share_modules
from .start import begin_program

__version__ = "0.1.0"

share_modules(__name__)
begin_program()
