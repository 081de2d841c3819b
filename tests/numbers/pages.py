"""A page as plain text, and where numbers stand in it."""

import re
from typing import NamedTuple

from tests.conftest import ROOT

NUMBER = re.compile(r"(?<![\w#.])(?:\d[\d,]*\d|\d)?(?:\.\d+)?(?:e[+-]?\d+)?(?<=\d)(?![\w#])")
NO_RESULTS = [
    r"[A-Za-z]+-?\d+(?:-\d+)*(?:_\w+)?",  # ResNet-56, VGG16, CIFAR-10, H100, 3072-20-15-10
    r"\b\d+-D\b",
    r"\b\d+x\d+(?:x\d+)*(?:/\d)?",  # filters, images and grids
    r"\b(?:Figs?|Tables?|sections?)\.? \d+(?:(?:, | and | to )\d+)*",
    r"\b[A-Z]\w+,? (?:et al\. )?(?:October )?\d{4}\b",  # He et al. 2015, Zeiler and Fergus 2013
    r"\barXiv:\d+\.\d+",
    r"\b95 % (?:interval|of the gradient|of the points)",
    r"\bn = \d+",
    r"(?:below|above) (?:0|1|10)\b",  # levels that are asked about
    r"[\d,]+ (?:steps|epochs|layers|channels|(?:test )?images)\b",
    r"\bbatches of \d+",
    r"Exit codes: [^.]*\.|exit code \d+|\| \d+ \|(?= [A-Za-z][\w-]*[ :])",
]
"""What looks like a number and measures nothing: names, sources and settings."""

PUBLISHED = re.compile(r"^\|[^\n]*published[^\n]*\n(?:\|[^\n]*\n)+", re.MULTILINE)
"""A table of what others published."""


class Said(NamedTuple):
    """A piece of a page with numbers of results in it.

    Attributes:
        text: with `{}` where they stand.
        values: the numbers, as results have them.
    """

    text: str
    values: tuple[object, ...]


def said(text: str, *values: object) -> Said:
    """Numbers that a page tells: `said("it is {:.1f} %", 12.34)`."""
    return Said(text, values)


def plain(markdown: str) -> str:
    """The words of a page: no programs, pictures, stars and addresses, one space between them, `0.5` as `.5`."""
    text = PUBLISHED.sub(" ", markdown)
    text = re.sub(r"```.*?```|!\[[^\]]*\]\([^)]*\)", " ", text, flags=re.DOTALL)
    text = re.sub(r"`[^`]*`", lambda code: re.sub(r"\d", "#", code[0]), text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\s+", " ", text.replace("**", "").replace("−", "-"))
    return re.sub(r"(?<![\d.])0\.(?=\d)", ".", text)


def read(page: str) -> str:
    """The words of a page of this project."""
    return plain((ROOT / page).read_text())


def pattern(piece: Said) -> re.Pattern[str]:
    """What finds a piece in a page; its groups are the numbers."""
    fields = re.split(r"(\{[^}]*\})", piece.text)
    values = iter(piece.values)
    parts = [
        f"(?<![\\d.])({re.escape(plain(part.format(next(values))))})(?!\\d|\\.\\d)"
        if part.startswith("{")
        else re.escape(plain(part))
        for part in fields
        if part
    ]
    return re.compile("".join(parts))


def numbers_without_source(text: str, pieces: list[Said], given: list[str]) -> list[str]:
    """The numbers of a page that nothing accounts for, each with the words around it.

    Args:
        text: the page.
        pieces: those numbers that are results.
        given: pieces of it whose numbers are settings, names or published.
    """
    known = [span for piece in pieces for match in pattern(piece).finditer(text) for span in match.regs[1:]]
    free = [*(re.escape(plain(piece)) for piece in given), *NO_RESULTS]
    known += [match.span() for each in free for match in re.finditer(each, text)]
    return [
        f"{number[0]} in '{text[max(0, number.start() - 40) : number.end() + 40]}'"
        for number in NUMBER.finditer(text)
        if not any(start <= number.start() and number.end() <= end for start, end in known)
    ]
