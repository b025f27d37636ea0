"""The entries of a simulated LM Studio's models are those that the vendor's client reads."""

from typing import Any, cast

import lmstudio
import pytest

from tokenweir.simulator.lmstudio_socket_models import CONTEXT, downloaded, instance, loaded
from tokenweir.simulator.load import Loads
from tokenweir.simulator.quirks import Quirks


def test_a_vendor_reads_them() -> None:
    """Every field that it asks for is there."""
    info = lmstudio.LlmInfo.from_dict(cast("Any", downloaded("m")))
    made = lmstudio.LlmInstanceInfo.from_dict(cast("Any", instance("m")))

    assert (info.model_key, info.max_context_length) == ("m", CONTEXT)
    assert (made.identifier, made.context_length) == ("m", CONTEXT)


@pytest.mark.parametrize(("now", "names"), [(4.9, []), (5.0, ["m"])])
def test_loaded(now: float, names: list[str]) -> None:
    """From the end of its load on."""
    loads = Loads(5.0)
    loads.begin("m", 0.0)

    assert [one["identifier"] for one in loaded(Quirks(models=("m", "n")), loads, now)] == names
