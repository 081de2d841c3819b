"""Settings of a study: `conf/study/NAME.yaml`, and what the command line changes of it."""

from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import Field, model_validator
from yaml import YAMLError

from ..config.errors import UserError, did_you_mean, one_line
from ..config.overrides import readable
from ..config.place import CONF
from ..config.settings import Settings, read_settings

RENAMED = {"stages": "scales", "profile": "scale", "profiles": "scales"}
"""Settings of a study that had another name before."""


class Scale(Settings):
    """One size of a study: all of its comparisons on one data set.

    Attributes:
        common: settings of `src.train` that all its runs share.
    """

    common: list[str]


class SeededScale(Scale):
    """A scale whose comparisons are made several times.

    Attributes:
        seeds: once with each.
    """

    seeds: Annotated[list[int], Field(min_length=1)]

    @model_validator(mode="after")
    def _check_seeds(self) -> "SeededScale":
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds {self.seeds} name one twice, and the same run is no repetition")
        return self


ScaleT = TypeVar("ScaleT", bound=Scale)


class StudySettings(Settings, Generic[ScaleT]):
    """A study in its sizes.

    Attributes:
        scale: the name of the one that is run.
        scales: by name.
        lists: scales that stand for others, which are run one after the other.
    """

    scale: str
    scales: dict[str, ScaleT]
    lists: dict[str, list[str]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_names(self) -> "StudySettings[ScaleT]":
        if self.scale not in {*self.lists, *self.scales}:
            names = [*self.lists, *self.scales]
            raise ValueError(f"there is no scale {self.scale!r}{did_you_mean(self.scale, names)}")
        for name in self._names():
            if name not in self.scales:
                raise ValueError(f"there is no scale {name!r} with settings{did_you_mean(name, self.scales)}")
        if not self._names():
            raise ValueError(f"the scale {self.scale!r} is an empty list")
        return self

    def _names(self) -> list[str]:
        return self.lists.get(self.scale, [self.scale])

    def chosen(self) -> dict[str, ScaleT]:
        """The scales that are run."""
        return {name: self.scales[name] for name in self._names()}


StudyT = TypeVar("StudyT", bound=Settings)


def read_study(cls: type[StudyT], name: str, arguments: Sequence[str]) -> StudyT:
    """Reads `conf/study/NAME.yaml` with changes such as `scale=full` or `scales.digits.seeds=[0,1]`.

    Raises:
        UserError: a change cannot be read, or is of something that does not exist.
    """
    for argument in arguments:
        if "=" not in argument:
            raise UserError(f"{argument}: settings of a study are written key=value; see conf/study/{name}.yaml")
    try:
        known = OmegaConf.load(CONF / "study" / f"{name}.yaml")
        given = OmegaConf.merge(known, OmegaConf.from_dotlist(readable(arguments, RENAMED)))
    except (OmegaConfBaseException, YAMLError) as error:
        raise UserError(f"{' '.join(arguments)}: {one_line(error)}") from None
    if not isinstance(given.scales, DictConfig):
        raise UserError(
            f"scales={given.scales}: should be settings by the names of scales, as in conf/study/{name}.yaml"
        )
    for scale in map(str, given.scales):
        if scale not in (*known.scales, given.scale):
            raise UserError(f"scales.{scale}: there is no such scale{did_you_mean(scale, known.scales)}")
    for key in map(str, given):
        if OmegaConf.is_missing(given, key):
            raise UserError(f"{key} is missing; write {key}=…")
    return read_settings(cls, with_lists_apart(OmegaConf.to_container(given, resolve=True)))


def with_lists_apart(values: Any) -> dict[str, Any]:
    """A study as it is written, where a scale has settings or is a list of others; these lists go by themselves."""
    scales = values["scales"]
    lists = {name: [str(each) for each in scale] for name, scale in scales.items() if isinstance(scale, list)}
    return {**values, "scales": {name: scale for name, scale in scales.items() if name not in lists}, "lists": lists}
