"""What is known of a backend and of its models, in the words of the answers that tell it.

Law of this file: from what catalogs, loads and settings hold, without asking anybody. No address and no
secret is among it (PROMISES P22).
"""

from typing import Any, Literal

from tokenweir.gateway.catalog import Catalog
from tokenweir.gateway.setup import Served, Setup
from tokenweir.pipeline.clock import running_clock
from tokenweir.pipeline.models import Model

BackendState = Literal["up", "down", "unknown"]


def backend_state(catalog: Catalog) -> BackendState:
    """Whether a backend answered when it was last asked; `unknown` for one that lists nothing."""
    if catalog.checked is None or not catalog.listable:
        return "unknown"
    return "up" if catalog.failure is None else "down"


def checked_ago(catalog: Catalog) -> float | None:
    """Seconds since it was asked."""
    return None if catalog.checked is None else round(running_clock()() - catalog.checked, 3)


def model_known(setup: Setup, served: Served, model: Model) -> dict[str, Any]:
    """What is known of one model. A load of ours that is under way is nearer to the truth than a list."""
    load = setup.warm.loads.of(served.name, model.id)
    down = backend_state(served.catalog) == "down"
    state, progress = ("unknown", None) if down else (model.state, model.progress)
    if load is not None:
        state, progress = "loading", load.progress
    told: dict[str, Any] = {"id": model.id, "backend": served.name, "state": state, "progress": progress}
    told |= {"size": model.size, "context": model.context}
    return told | {"elapsed": None if load is None else round(load.seconds, 3)}


def merged(models: list[Model]) -> list[Model]:
    """One of each name, a loaded instance before others, in the backend's order."""
    chosen: dict[str, Model] = {}
    for model in models:
        if model.id not in chosen or (model.state == "loaded" and chosen[model.id].state != "loaded"):
            chosen[model.id] = model
    return list(chosen.values())
