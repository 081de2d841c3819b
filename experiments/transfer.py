"""What the weights of ImageNet are worth on other photographs (chapter Figs 15 to 17).

Five ways to a classifier of photographs, how many blocks of the network are better trained too, and how many images it
takes. `python -m experiments.transfer root=FOLDER weights=WEIGHTS` trains what is not trained yet
(`conf/study/transfer.yaml` says what) and writes `transfer/SCALE/{table.md,results.json,transfer.png}`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field, model_validator

from src.config.errors import did_you_mean, reported
from src.config.settings import Settings
from src.plots.transfer import Line, Point, transfer_figure
from src.studies.comparison import Comparison
from src.studies.estimates import Estimate, estimate
from src.studies.output import arguments
from src.studies.results import write_results
from src.studies.rows import Columns, table
from src.studies.runs import planned
from src.studies.settings import SeededScale, StudySettings, read_study
from src.studies.variants import Variant
from src.training.interruption import resumable


class UnfrozenSettings(Settings):
    """How much of the body is trained too.

    Attributes:
        of: the method that this changes.
        settings: of `src.train`, that it adds.
        freeze: patterns of frozen layers, by the number of blocks that are trained.
    """

    of: str
    settings: list[str]
    freeze: Annotated[dict[int, list[str]], Field(min_length=1)]


class ImagesSettings(Settings):
    """How many images are trained on.

    Attributes:
        of: the methods.
        numbers: of images; all of them besides.
    """

    of: Annotated[list[str], Field(min_length=1)]
    numbers: list[Annotated[int, Field(gt=0)]]


class TransferScale(SeededScale):
    """One size of the study.

    Attributes:
        methods: settings of `src.train` by the name of a method.
        reference: the method that others are compared to.
        unfrozen: see there.
        images: see there.
    """

    methods: Annotated[dict[str, list[str]], Field(min_length=1)]
    reference: str
    unfrozen: UnfrozenSettings
    images: ImagesSettings

    @model_validator(mode="after")
    def _check_methods(self) -> "TransferScale":
        for name in (self.reference, self.unfrozen.of, *self.images.of):
            if name not in self.methods:
                raise ValueError(f"there is no method {name!r}{did_you_mean(name, self.methods)}")
        return self

    def method(self, name: str, *more: str, title: str = "") -> Variant:
        """The variant of a method, with more settings under another title."""
        return Variant(title or name, (*self.common, *self.methods[name], *more))

    def unfrozen_variants(self) -> dict[int, Variant]:
        """By the number of blocks that are trained, none first."""
        own, found = self.unfrozen, {0: self.method(self.unfrozen.of)}
        for blocks, patterns in own.freeze.items():
            freeze = f"freeze=[{','.join(map(quoted, patterns))}]"
            found[blocks] = self.method(own.of, *own.settings, freeze, title=f"{own.of}; blocks unfrozen: {blocks}")
        return found

    def image_variants(self, name: str, every: int) -> dict[int, Variant]:
        """A method by the number of images, of which there are `every`; the others are validated on, once."""
        some = {
            count: self.method(name, f"data.validation={every - count}", "eval.every=1000 epochs",
                               title=f"{name}, {count} images")
            for count in self.images.numbers
        }  # fmt: skip
        return {**some, every: self.method(name)}


class TransferSettings(StudySettings[TransferScale]):
    """The study in its sizes.

    Attributes:
        root: folder of the photographs.
        weights: of the body, as `pretrained` takes them.
        claims: what the chapter says of a method.
    """

    root: str
    weights: str
    claims: dict[str, str]


@dataclass(frozen=True)
class Row:
    """Results of one variant; accuracies are in percent.

    Attributes:
        difference: to the reference of its part, by seed.
        seconds: that training took, the computation of features included.
    """

    name: str
    accuracy: Estimate
    difference: Estimate | None
    parameters: int
    seconds: Estimate
    claim: str


COLUMNS: Columns[Row] = {
    "method": lambda row: row.name,
    "accuracy %": lambda row: row.accuracy,
    "95 % interval": lambda row: row.accuracy.interval,
    "n": lambda row: row.accuracy.n,
    "gain": lambda row: "" if row.difference is None else f"{row.difference.mean:+.2f}",
    "its 95 % interval": lambda row: "" if row.difference is None else row.difference.interval,
    "parameters": lambda row: f"{row.parameters:,}",
    "seconds": lambda row: f"{row.seconds.mean:.0f}",
    "the chapter": lambda row: row.claim,
}


def main() -> None:
    """Trains, compares, and reports, scale by scale."""
    with reported(), resumable():
        settings = read_study(TransferSettings, "transfer", arguments())
        for name, scale in settings.chosen().items():
            Report(settings, scale).write(f"transfer/{name}")


class Report:
    """One scale, from its runs to its files."""

    def __init__(self, settings: TransferSettings, scale: TransferScale) -> None:
        self._claims, self._scale = settings.claims, scale
        self._methods = {name: scale.method(name) for name in scale.methods}
        self._unfrozen = scale.unfrozen_variants()
        every = planned(self._methods[scale.images.of[0]].arguments).settings.dataset().spec.train
        self._images = {name: scale.image_variants(name, every) for name in scale.images.of}

    @cached_property
    def _comparison(self) -> Comparison:
        """All variants, trained; one that stands in two parts is trained once."""
        parts: list[Mapping[Any, Variant]] = [self._methods, self._unfrozen, *self._images.values()]
        every = {variant.name: variant for part in parts for variant in part.values()}
        return Comparison.trained([*every.values()], self._scale.seeds)

    def write(self, folder: str) -> None:
        """Writes table, facts and figure."""
        scale, none = self._scale, self._unfrozen[0].name
        methods = self._rows(self._methods.values(), scale.reference)
        unfrozen = self._rows(self._unfrozen.values(), none)
        images = {name: self._rows(own.values(), None) for name, own in self._images.items()}
        rows = [*methods, *unfrozen[1:], *(row for own in images.values() for row in own[:-1])]
        lines = [Line(name, points([*self._images[name]], own)) for name, own in images.items()]
        figure = transfer_figure(
            [(row.name, point(0, row)) for row in methods], points([*self._unfrozen], unfrozen), lines
        )
        facts = {"rows": rows, "runs": self._comparison.records()}
        write_results(folder, facts, figures={"transfer": figure}, table=table(COLUMNS, rows))

    def _rows(self, variants: Iterable[Variant], reference: str | None) -> list[Row]:
        comparison = self._comparison
        return [self._row(variant.name, reference) for variant in variants if variant.name in comparison.runs]

    def _row(self, name: str, reference: str | None) -> Row:
        comparison = self._comparison
        results = [run.results() for run in comparison.runs[name].values()]
        compared = reference not in (None, name)
        return Row(
            name,
            estimate([100 - error for error in comparison.errors(name).values()]),
            estimate(comparison.differences(str(reference), name)) if compared else None,
            results[0]["parameters"],
            estimate([found["seconds"] for found in results]),
            self._claims.get(name, ""),
        )


def quoted(pattern: str) -> str:
    """A pattern as a value in a list of Hydra."""
    return f"'{pattern}'"


def points(places: list[int], rows: list[Row]) -> list[Point]:
    """Accuracies at the places of an axis."""
    return [point(place, row) for place, row in zip(places, rows, strict=True)]


def point(place: int, row: Row) -> Point:
    """An accuracy with its interval at a place of an axis."""
    return Point(place, row.accuracy.mean, row.accuracy.low, row.accuracy.high)


if __name__ == "__main__":
    main()
