"""ConvNets in JAX: `convnets` where it is installed, `src` in a checkout."""

from .start import begin_program

begin_program()  # before anything else is imported

from .one_copy import share_modules

__version__ = "0.1.0"

share_modules(__name__)
