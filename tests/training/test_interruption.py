"""What is said at the end of a run that was asked to stop."""

import signal

import pytest

from src.training.interruption import Interrupted, resumable


@pytest.mark.parametrize(
    ("fresh", "said"), [(False, "goes on"), (True, "goes on without fresh=true, and begins anew with it")]
)
def test_the_command_that_goes_on_is_named(capsys, fresh, said):
    with pytest.raises(SystemExit) as caught, resumable(fresh=fresh):
        raise Interrupted(signal.SIGTERM)
    assert caught.value.code == 143
    assert capsys.readouterr().err == f"stopped by SIGTERM; the same command {said}\n"
