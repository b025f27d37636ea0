"""Rates of live answers, from looks at their counters."""

# pyright: reportPrivateUsage=false

import pytest

from tokenweir.gateway.live import Answer
from tokenweir.gateway.rates import Rates

pytestmark = pytest.mark.anyio


async def test_the_rate_is_that_of_the_last_seconds() -> None:
    """Not of the whole answer: a stall shows."""
    answer, rates = Answer("r", "chat", None, "m"), Rates()
    assert rates.of(answer, 5.0) is None
    answer.first_token = 10.0
    assert rates.of(answer, 10.0) is None

    answer.tokens = 100
    assert rates.of(answer, 12.0) == 50.0
    seen = [rates.of(answer, 12.0 + second) for second in range(1, 9)]
    assert seen[-1] == 0.0
    assert seen == sorted((rate or 0 for rate in seen), reverse=True)

    answer.tokens = 150
    assert rates.of(answer, 25.0) == pytest.approx(10.0)


async def test_nobody_is_kept_alive() -> None:
    """P18: an answer that is over is forgotten."""
    rates = Rates()
    answer = Answer("r", "chat", None, "m")
    answer.first_token = 1.0
    rates.of(answer, 2.0)
    assert len(rates._seen) == 1
    del answer

    assert len(rates._seen) == 0
