"""The models of a simulated Ollama."""

from tokenweir.simulator.load import Loads
from tokenweir.simulator.ollama_models import running, tags
from tokenweir.simulator.quirks import Quirks

TWO = Quirks(provider="ollama", models=("a", "b:7b"), load_seconds=10)


def test_every_model_is_listed() -> None:
    """PROTOCOLS 4.2: in the fields that clients ask for; each has a digest of its own."""
    models = tags(TWO)["models"]

    assert [model["name"] for model in models] == ["a", "b:7b"]
    assert models[0].keys() == {"name", "model", "modified_at", "size", "digest", "details"}
    assert len({model["digest"] for model in models}) == 2


def test_only_loaded_models_run() -> None:
    """A model that is still loading does not run yet, and one that was given back does no more."""
    loads = Loads(10)
    loads.begin("a", 0.0)
    names = [[model["name"] for model in running(TWO, loads, now)["models"]] for now in (9.9, 10.0)]
    loads.unload("a")

    assert names == [[], ["a"]]
    assert running(TWO, loads, 10.0) == {"models": []}
