"""Cold starts, in pure time."""

import pytest

from tokenweir.pipeline.events import Phase
from tokenweir.simulator.load import Loads, waiting
from tokenweir.simulator.quirks import Quirks


def test_the_first_request_pays_the_load_and_only_it() -> None:
    """90 s for the first, what is left for who comes meanwhile, nothing afterwards."""
    loads = Loads(90.0)

    assert [loads.begin("m", now) for now in (100.0, 130.0, 189.0, 190.0, 500.0)] == [
        90.0,
        60.0,
        1.0,
        0.0,
        0.0,
    ]


def test_each_model_has_its_own_load() -> None:
    """Loading one does not load another."""
    loads = Loads(10.0)
    loads.begin("a", 0.0)

    assert loads.begin("b", 9.0) == 10.0
    assert [loads.loading(now) for now in (0.0, 18.0, 19.0)] == [True, True, False]


def test_no_rounding_makes_a_load_longer_than_it_is() -> None:
    """A clock far from zero: the progress never begins below 0 (seen as `-0.00` on the wire)."""
    times = [1e6 + number / 7 for number in range(1000)]

    assert max(Loads(0.05).begin("m", now) for now in times) <= 0.05


@pytest.mark.parametrize("model", ["m", None])
def test_unloading_makes_the_next_request_pay_again(model: str | None) -> None:
    """One model by its name, or all."""
    loads = Loads(10.0)
    loads.begin("m", 0.0)
    loads.unload(model)

    assert loads.begin("m", 50.0) == 10.0


def test_unloading_what_is_not_loaded_is_nothing() -> None:
    """Nor does it touch the others."""
    loads = Loads(10.0)
    loads.begin("m", 0.0)
    loads.unload("other")

    assert loads.begin("m", 20.0) == 0.0


def test_a_silent_backend_tells_nothing() -> None:
    """LM Studio: no event before the first token, however long it loads."""
    assert list(waiting(Quirks(load_seconds=90.0, prefill_seconds=5.0), 90.0)) == []


def test_a_cold_start_of_90_seconds_is_told_each_second() -> None:
    """P16: comments from the first moment until it is loaded, and their progress is the load's."""
    told = list(waiting(Quirks(load_seconds=90.0, keep_alive=1.0), 90.0))

    assert [step.at for step in told] == [float(second) for second in range(90)]
    assert [step.event for step in told[::45]] == [Phase("loading", 0.0), Phase("loading", 0.5)]


def test_who_comes_later_sees_the_same_load() -> None:
    """The progress is of the load, not of the request."""
    told = list(waiting(Quirks(load_seconds=90.0, keep_alive=10.0), 30.0))

    assert [step.at for step in told] == [0.0, 10.0, 20.0]
    assert told[0].event == Phase("loading", 60 / 90)


def test_prefill_is_told_after_the_load() -> None:
    """Every request has its own prefill, loaded or not."""
    quirks = Quirks(load_seconds=4.0, prefill_seconds=2.0, keep_alive=1.0)

    assert [(step.at, step.event) for step in waiting(quirks, 1.0)][1:] == [
        (1.0, Phase("prefill", 0.0)),
        (2.0, Phase("prefill", 0.5)),
    ]
    assert [step.at for step in waiting(quirks, 0.0)] == [0.0, 1.0]
