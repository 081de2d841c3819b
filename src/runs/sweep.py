"""The table of a sweep: for each setting the number of runs, and mean and standard deviation of their scores."""

import csv
import hashlib
import re
import statistics
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config.errors import UserError
from ..markdown import markdown
from .directory import RunDirectory
from .files import write_whole

REPEATED = "seed="
OURS = "${run_name:}"
"""Occurs in the record of our sweeps, and in no other project's."""


@dataclass(frozen=True)
class Job:
    """One job of a sweep.

    Attributes:
        directory: of its run.
        overrides: its overrides of the defaults.
    """

    directory: RunDirectory
    overrides: list[str]


@dataclass(frozen=True)
class Setting:
    """All runs that differ only in their seed.

    Attributes:
        name: the overrides that distinguish it from the other settings of the sweep.
        scores: of each finished run, by the name of the score.
        missing: directories of the runs that did not finish.
    """

    name: str
    scores: list[dict[str, float]]
    missing: list[Path]


def check_home(home: Path) -> None:
    """Refuses a directory with another project's record of a sweep, which Hydra would overwrite.

    Raises:
        UserError: there is one.
    """
    record = home / "multirun.yaml"
    if record.exists() and OURS not in record.read_text(errors="replace"):
        raise UserError(f"{record} is not ours, and a sweep would replace it; choose another hydra.sweep.dir")


def settings_of(jobs: list[Job]) -> list[Setting]:
    """Groups the jobs of a sweep by setting, in their order; a run that occurs twice counts once."""
    jobs = list({job.directory: job for job in jobs}.values())
    shared = set.intersection(*(set(job.overrides) for job in jobs))
    groups: dict[str, list[Job]] = {}
    for job in jobs:
        own = [text for text in job.overrides if text not in shared and not text.startswith(REPEATED)]
        groups.setdefault(" ".join(own) or job.directory.path.name.rpartition("-")[0], []).append(job)
    return [
        Setting(
            name,
            [_scores(job.directory.read_json("results.json")) for job in group if job.directory.succeeded()],
            [job.directory.path for job in group if not job.directory.succeeded()],
        )
        for name, group in groups.items()
    ]


def as_table(settings: list[Setting], shares: Collection[str]) -> str:
    """A Markdown table with the mean and the standard deviation over seeds, and the runs that did not finish.

    Args:
        settings: of the sweep.
        shares: names of scores that are shown in percent.
    """
    names = list(dict.fromkeys(name for setting in settings for scores in setting.scores for name in scores))
    rows = []
    for setting in settings:
        cells = [_cell([scores[name] for scores in setting.scores], name in shares) for name in names]
        rows.append([setting.name, len(setting.scores), *cells])
    missing = [f"- {path}: {_why(path)}" for setting in settings for path in setting.missing]
    return markdown(["setting", "n", *names], rows) + "\n".join(
        ["", "Not finished:", "", *missing, ""] if missing else []
    )


def save(settings: list[Setting], jobs: list[Job], home: Path, shares: Collection[str]) -> Path:
    """Writes the table as Markdown, and every single score as CSV beside it; the same sweep writes the same files."""
    runs = sorted({str(job.directory.path) for job in jobs})
    path = home / f"sweep-{hashlib.sha256(' '.join(runs).encode()).hexdigest()[:10]}.md"
    write_whole(path, as_table(settings, shares))
    rows = [{"setting": setting.name, **scores} for setting in settings for scores in setting.scores]
    with path.with_suffix(".csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
        table.writeheader()
        table.writerows(rows)
    return path


def _scores(results: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in results.items() if name.startswith("test_") and isinstance(value, float)}


def _cell(values: list[float], share: bool) -> str:
    """Mean and standard deviation; that of one value is not known."""
    if not values:
        return "-"
    factor, unit, digits = (100, " %", 2) if share else (1, "", 4)
    deviation = f" ± {statistics.stdev(values) * factor:.{digits}f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values) * factor:.{digits}f}{deviation}{unit}"


def _why(path: Path) -> str:
    """The last line of the traceback in `failure.txt`, without the module of the exception."""
    failure = path / "failure.txt"
    if not failure.exists():
        return "killed or interrupted, or it never began"
    return re.sub(r"^[\w.]+\.(?=\w+:)", "", failure.read_text().strip().splitlines()[-1])
