import pytest

from src.config.errors import UserError
from src.training.plan import make_plan


@pytest.fixture
def plan(compose):
    def make(*arguments, examples=1000):
        return make_plan(compose("data.batch_size=64", *arguments), examples)

    return make


def test_the_last_step_is_logged_and_scored(plan):
    made = plan("train.duration=100steps", "eval.every=1epoch", "train.log_every=30steps")
    assert sorted(made.evaluate) == [16, 32, 47, 63, 79, 94, 100]
    assert sorted(made.log) == [30, 60, 90, 100]


@pytest.mark.parametrize("per_dispatch", [1, 7, 10, 1000])
def test_dispatches_cover_every_step_once_and_stop_where_something_is_due(plan, per_dispatch):
    made = plan("train.duration=200steps")
    stops = list(made.dispatch_boundaries(0, per_dispatch))
    assert stops == sorted(set(stops))
    assert stops[-1] == 200
    assert made.log | made.evaluate <= set(stops)
    for start, stop in zip([0, *stops], stops, strict=False):
        assert stop - start <= per_dispatch
        assert stop * 64 <= (start * 64 // 1000 + 2) * 1000  # the device knows the order of two epochs


@pytest.mark.parametrize("start", [1, 15, 16, 99])
def test_dispatches_end_at_the_same_steps_wherever_a_run_continues(plan, start):
    made = plan("train.duration=200steps")
    whole = list(made.dispatch_boundaries(0, 10))
    assert set(made.dispatch_boundaries(start, 10)) == {stop for stop in whole if stop > start}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train.duration=50%"], "no whole"),
        (["train.duration=0steps"], "at least one step"),
        (["data.batch_size=1001"], "more than the 1000 training examples"),
        (["train.duration=99999999epochs"], "more than"),
        (["eval.every=0epochs"], "eval.every=0 epochs: this would be always"),
        (
            ["schedule=step", "schedule.boundaries=[10 minutes]"],
            "schedule.boundaries.0=10 minutes: a time is no length",
        ),
    ],
)
def test_what_is_no_run_is_refused(plan, arguments, said):
    with pytest.raises(UserError, match=said):
        plan(*arguments)
