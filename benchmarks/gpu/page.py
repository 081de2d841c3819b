"""The page of everything that was measured by `make gpu`, and of what comes next."""

import json
import os
from pathlib import Path
from typing import Any

from benchmarks.gpu import recipes
from benchmarks.gpu.parts import PARTS
from benchmarks.gpu.rows import Place, Row, read_record
from benchmarks.measure import RESULTS as BENCHMARKS
from src.markdown import markdown
from src.runs.files import write_whole
from src.studies.results import DPI

CURVES = "curves.png"
HEADER = """# What a GPU shows

`make gpu` measures what only a GPU can show, in order of value, and writes this page. It can be stopped at any moment
and called again, also elsewhere with its files: rows that are there are not measured again, and training goes on.

```
make gpu                        # everything that is missing; hours
make gpu SECONDS=570            # what fits, and a run that is not finished is saved
make gpu ARGS="steps switches"  # some parts
make gpu SCALE=.01              # a rehearsal: networks of 8 layers, tiny images, a hundredth of the steps; on CPUs too
```

Rows are files of `results/gpu/DEVICE/`, each with its commit; those of another kind of device are beside them. A row is
measured anew when its file is removed. Runs and what processes print are in `runs/gpu/DEVICE/`. Rehearsals write to
`runs/figures/gpu/`, or where `output=FOLDER` says. Only recipes need CIFAR-10: `python -m src.train
+experiment=resnet20 dry_run=true` prepares it where there is a network, and `~/.cache/convnets/cifar10-original` can be
copied; `CONVNETS_CACHE` names the folder around it. PyTorch's columns need `torch`.
"""
NOTHING = "Nothing has been measured by it yet."
GUESSED = "Seconds are guesses for an H100, each process with its compilation, until rows say how long they took."


def as_page(root: Path, page: Path) -> str:
    """All rows so far, and what comes next.

    Args:
        root: holds a folder for each kind of device.
        page: the file, for the way from it to figures.
    """
    places = [Place(folder, Path(), scale) for folder, scale in scales(root)]
    parts = [HEADER, "## What is done, and what comes next\n", plan(places), older()]
    for name, part in PARTS.items():
        tables = [of_device(name, place, page) for place in places]
        parts += [f"## {name.capitalize()}\n", part.words, *filter(None, tables)]
    return "\n".join(filter(None, parts))


def scales(root: Path) -> list[tuple[Path, float]]:
    """The folders of devices, each with the scale of its rows."""
    found = {file.parents[1]: read_record(file) for file in sorted(root.glob("*/*/*.json"))}
    return [(folder, record["scale"]) for folder, record in found.items() if record]


def plan(places: list[Place]) -> str:
    """One line for each row."""
    heads = ["row", "seconds, about", *(device(place) for place in places)]
    rows = [row for part in PARTS.values() for row in part.rows]
    lines = [[row.title, f"{row.seconds:.0f}", *(state(place, row) for place in places)] for row in rows]
    left = [sum(row.seconds for row in rows if not place.measured(row)) for place in places]
    words = [
        f"{device(place)}: about {seconds / 60:.0f} minutes are left."
        for place, seconds in zip(places, left, strict=True)
    ]
    return "\n".join([*(words or [NOTHING]), GUESSED, "", markdown(heads, lines)])


def state(place: Place, row: Row) -> str:
    """What is known of a row, in a few words."""
    record = place.record(row)
    if record is None:
        return "next"
    commit = (record["where"]["commit"] or "no commit")[:10] + (" with changes" if record["where"]["dirty"] else "")
    return f"{record['seconds']:.0f} s, {commit}" if "figures" in record else f"failed, {commit}"


def device(place: Place) -> str:
    """The name of a device, with its JAX."""
    where = next(record["where"] for file in sorted(place.results.glob("*/*.json")) if (record := read_record(file)))
    rehearsed = "" if place.scale == 1 else f", rehearsed with {place.scale:g} of the work"
    return f"{where['device']}, JAX {where['jax']}{rehearsed}"


def of_device(part: str, place: Place, page: Path) -> str:
    """The table of a part."""
    found = figures(part, place)
    if not found:
        return ""
    file = place.results / CURVES
    curves = f"\n![Errors on the way]({os.path.relpath(file, page.parent)})\n"
    drawn = part == "recipes" and file.exists()
    return f"{device(place)}.\n\n{PARTS[part].table(found)}{curves if drawn else ''}"


def figures(part: str, place: Place) -> dict[str, dict[str, Any]]:
    """The figures of the rows that are there by name, and how many were measured at once."""
    records = {row.name: place.record(row) for row in PARTS[part].rows}
    return {
        name: record["figures"] | {"at_once": record["at_once"]}
        for name, record in records.items()
        if record and "figures" in record
    }


def draw(place: Place) -> None:
    """Draws the curves of all recipes that are finished."""
    figure = recipes.figure(figures("recipes", place) | figures("rest", place))
    if figure is not None:
        figure.savefig(place.results / CURVES, dpi=DPI, bbox_inches="tight")


def older() -> str:
    """What other commands have measured on GPUs."""
    found = [
        (json.loads(file.read_text())["where"], file.stem)
        for file in sorted(BENCHMARKS.glob("*/*.json"))
        if file.parent.name != "cpu"
    ]
    words = [f"`{name}` on {where['device']} at commit {(where['commit'] or 'none')[:10]}" for where, name in found]
    return (
        f"Other commands have measured on GPUs: {', '.join(words)} ([performance.md](performance.md)).\n"
        if words
        else ""
    )


def write_page(root: Path, page: Path) -> None:
    """Writes the page of all rows in a folder."""
    page.parent.mkdir(parents=True, exist_ok=True)
    write_whole(page, as_page(root, page))
