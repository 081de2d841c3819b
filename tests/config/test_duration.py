from fractions import Fraction

import pytest

from src.config.duration import Clock, Duration

CLOCK = Clock(batch_size=128, epoch_examples=45_000, total_steps=64_000)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("64000 steps", 64_000),
        ("1step", 1),
        ("1 epoch", 352),
        ("300epochs", 105_469),
        ("1000 examples", 8),
        ("50%", 32_000),
        ("75 percent", 48_000),
        ("91.6667%", 58_667),
        ("0.5 epochs", 176),
    ],
)
def test_every_unit_comes_to_steps(text, steps):
    assert Duration.parse(text).steps(CLOCK) == steps


@pytest.mark.parametrize("text", ["10", "steps", "-3 steps", "3 parsecs", "", None, 10, "1e3 steps"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="duration"):
        Duration.parse(text)


def test_a_percentage_needs_a_whole():
    with pytest.raises(ValueError, match="no whole"):
        Duration.parse("50%").steps(Clock(128, 45_000))


def test_a_shortened_run_shrinks_absolute_durations_and_keeps_percentages():
    short = Clock(128, 45_000, total_steps=640, scale=Fraction(1, 100))
    assert Duration.parse("400 steps").steps(short) == 4
    assert Duration.parse("50%").steps(short) == 320


@pytest.mark.parametrize("text", ["64000 steps", "50%", "0.5 epochs", "12.34609%", "1000001.5 examples"])
def test_text_survives_a_round_trip(text):
    assert str(Duration.parse(text)) == text
