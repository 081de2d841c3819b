"""Paths of the package: in a checkout, or installed with its configurations inside."""

from pathlib import Path

from .errors import UserError
from .kinds import HOME

PACKAGE = Path(__file__).resolve().parents[1]
CHECKOUT = PACKAGE.parent if PACKAGE.name == "src" else None
"""The folder of the checkout; None if the package is installed."""

CONF = (PACKAGE if CHECKOUT is None else CHECKOUT) / "conf"


def check_configurations() -> None:
    """Checks that the configurations are there.

    Raises:
        UserError: they are missing.
    """
    if not (CONF / "train.yaml").exists():
        raise UserError(f"{HOME} lies in {PACKAGE} without its configurations ({CONF} is not there); install it again")
