"""What is no fault of a configuration, and would surprise all the same.

Law of this file: notes alone; nothing here keeps a gateway from starting.
"""

from fnmatch import fnmatchcase

from tokenweir.config.reading import Key, Reading, shown
from tokenweir.config.schema import Backend, Config
from tokenweir.pipeline.models import LOADED_MODEL


def note_surprises(reading: Reading, config: Config) -> None:
    """Note them in the reading."""
    if config.inference is None and reading.given("inference") and not reading.faulty("inference"):
        reading.note(("inference",), "nothing stands below it: it counts as left out")
    _note_shared_models(reading, config)


def _note_shared_models(reading: Reading, config: Config) -> None:
    """Of two backends that name one model, the first answers for both, where no route says otherwise."""
    first: dict[str, str] = {}
    for name, way in config.ways().items():
        for model, key in _named(config.all_backends()[name]).items():
            other = first.setdefault(model, name)
            if other != name and not any(fnmatchcase(model, route.model) for route in config.routes):
                what = f"{other!r} names this model too and comes first: {name!r} answers requests for"
                alone = f"{shown(f'{name}/{model}')} alone, or those that a route gives it"
                reading.note((*way, *key), f"{what} {alone}")


def _named(backend: Backend) -> dict[str, Key]:
    """The models that a backend's settings name, and where."""
    default = backend.default_model
    found: dict[str, Key] = {} if default in (None, LOADED_MODEL) else {default: ("default_model",)}
    return found | {model: ("allowed_models", n) for n, model in enumerate(backend.allowed_models)}
