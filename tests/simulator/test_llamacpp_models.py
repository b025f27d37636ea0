"""What a simulated llama-server tells of itself."""

from typing import Any

from tokenweir.simulator.llamacpp_models import CONTEXT, props
from tokenweir.simulator.load import Loads
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.refusals import Refusal


def test_its_settings() -> None:
    """PROTOCOLS 5.1: the context that is loaded, and whether it sleeps."""
    told: Any = props(Quirks(), Loads(0), 0.0)

    assert (told["default_generation_settings"], told["is_sleeping"]) == ({"n_ctx": CONTEXT}, False)


def test_while_it_loads_it_refuses() -> None:
    """As every address of llama-server does."""
    loads = Loads(10)
    loads.begin("m", 0.0)
    quirks = Quirks(fault="status-503-loading", load_seconds=10)

    late, now = props(quirks, loads, 9.0), props(quirks, loads, 10.0)
    assert isinstance(late, Refusal)
    assert late.status == 503
    assert not isinstance(now, Refusal)
