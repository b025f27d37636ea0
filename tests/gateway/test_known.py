"""What is told of backends and models."""

from typing import cast

import anyio
import pytest

from tests.gateway.shelf import Served, Shelf
from tests.virtual import virtual
from tokenweir.gateway import setup as setups
from tokenweir.gateway.known import backend_state, checked_ago, merged, model_known
from tokenweir.gateway.warm import Warm
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.models import Model

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> object:
    """Virtual time."""
    return virtual("asyncio")


class _Setup:
    def __init__(self, warm: Warm) -> None:
        self.warm = warm


async def test_a_backend_is_what_its_last_answer_said() -> None:
    """P22: before one, and where it lists nothing, nobody knows."""
    catalog = Served(Shelf("m")).catalog
    assert (backend_state(catalog), checked_ago(catalog)) == ("unknown", None)
    await catalog.fresh()
    await anyio.sleep(2)
    assert (backend_state(catalog), checked_ago(catalog)) == ("up", 2.0)
    catalog.failure = Failure("connect", "x")
    assert backend_state(catalog) == "down"
    catalog.listable = False
    assert backend_state(catalog) == "unknown"


async def test_a_load_of_ours_is_nearer_to_the_truth() -> None:
    """Than a list, which may be some seconds old."""
    served = Served(Shelf("m"))
    async with Warm([served]) as warm:
        with warm.loads.joined(served, "m"):
            await anyio.sleep(1.5)
            told = model_known(
                cast("setups.Setup", _Setup(warm)), cast("setups.Served", served), Model("m", "not_loaded", 5)
            )

    assert told == {
        "id": "m",
        "backend": "shelf",
        "state": "loading",
        "progress": 1 / 3,
        "size": 5,
        "context": None,
        "elapsed": 1.5,
    }


def test_a_loaded_instance_stands_for_its_model() -> None:
    """One of each name, where the backend named it first."""
    models = [Model("a", "not_loaded"), Model("b"), Model("a", "loaded", instance="a:2")]

    assert [(model.id, model.state) for model in merged(models)] == [("a", "loaded"), ("b", "unknown")]


async def test_of_a_backend_that_is_down_no_model_is_loaded() -> None:
    """What it listed once says nothing of now."""
    served = Served(Shelf("m"))
    await served.catalog.fresh()
    served.catalog.failure = Failure("connect", "x")
    async with Warm([served]) as warm:
        known = model_known(
            cast("setups.Setup", _Setup(warm)), cast("setups.Served", served), Model("m", "loaded")
        )

    assert known["state"] == "unknown"
