"""What is odd about a folder of data: counted and named before anything is trained on it."""

from collections.abc import Collection

from ..config.errors import UserError

NAMED = 3
"""Places of each kind that are named."""


class Faults:
    """What was found, by its kind."""

    def __init__(self) -> None:
        self._places: dict[str, list[str]] = {}

    def add(self, kind: str, place: str) -> None:
        """Notes one more.

        Args:
            kind: what it is and what is done about it, in the plural: `boxes without area, left out`.
            place: where it is.
        """
        self._places.setdefault(kind, []).append(place)

    def notes(self) -> tuple[str, ...]:
        """A line for each kind: `boxes without area, left out: 2 (a.xml, b.xml)`."""
        return tuple(f"{kind}: {len(places)} ({named(places)})" for kind, places in sorted(self._places.items()))

    def refuse(self) -> None:
        """Refuses a folder of which anything was found.

        Raises:
            UserError: saying all of it.
        """
        if self._places:
            raise UserError(f"data.strict=true: {'; '.join(self.notes())}")


def named(places: Collection[str]) -> str:
    """The first of some places."""
    first = list(dict.fromkeys(places))
    more = f" and {len(first) - NAMED} more" if len(first) > NAMED else ""
    return f"{', '.join(first[:NAMED])}{more}"
