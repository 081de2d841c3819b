"""Settings of a study: `conf/study/NAME.yaml`, and what the command line changes of it."""

from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import Field, model_validator
from yaml import YAMLError

from ..config.errors import UserError, did_you_mean, one_line
from ..config.overrides import with_new_keys
from ..config.place import CONF
from ..config.settings import Settings, read_settings, renamed


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
        profile: how much of it.
        profiles: the scales of each profile, in the order in which they are run.
        scales: by name.
    """

    profile: str
    profiles: dict[str, Annotated[list[str], Field(min_length=1)]]
    scales: dict[str, ScaleT] = renamed("stages")

    @model_validator(mode="after")
    def _check_names(self) -> "StudySettings[ScaleT]":
        if self.profile not in self.profiles:
            raise ValueError(f"there is no profile {self.profile!r}{did_you_mean(self.profile, self.profiles)}")
        for name in self.profiles[self.profile]:
            if name not in self.scales:
                raise ValueError(f"there is no scale {name!r}{did_you_mean(name, self.scales)}")
        return self

    def chosen(self) -> dict[str, ScaleT]:
        """The scales of the chosen profile."""
        return {name: self.scales[name] for name in self.profiles[self.profile]}


StudyT = TypeVar("StudyT", bound=Settings)


def read_study(cls: type[StudyT], name: str, arguments: Sequence[str]) -> StudyT:
    """Reads `conf/study/NAME.yaml` with changes such as `profile=full` or `scales.digits.seeds=[0,1]`.

    Raises:
        UserError: a change cannot be read, or is of something that does not exist.
    """
    for argument in arguments:
        if "=" not in argument:
            raise UserError(f"{argument}: settings of a study are written key=value; see conf/study/{name}.yaml")
    try:
        known = OmegaConf.load(CONF / "study" / f"{name}.yaml")
        given = OmegaConf.merge(known, OmegaConf.from_dotlist(with_new_keys(arguments)))
    except (OmegaConfBaseException, YAMLError) as error:
        raise UserError(f"{' '.join(arguments)}: {one_line(error)}") from None
    for profile in given.profiles:
        if profile not in (*known.profiles, given.profile):
            raise UserError(f"profiles.{profile}: there is no such profile{did_you_mean(profile, known.profiles)}")
    return read_settings(cls, OmegaConf.to_container(given, resolve=True))  # type: ignore[arg-type]
