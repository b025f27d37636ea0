"""How far a backend is that says nothing in its answer yet, by what it tells of its models.

Law of this file: what the state of a model means for a request that waits for it. Who can be asked, and
where, stands with the source.
"""

from tokenweir.pipeline.errors import CannotError, RequestError
from tokenweir.pipeline.events import Phase
from tokenweir.pipeline.models import Model, choose_model
from tokenweir.pipeline.request import Request
from tokenweir.pipeline.sources.base import Source


def phase_of(model: Model) -> Phase | None:
    """The phase of a request for a model: one that is not loaded is being loaded for it; once it is, the
    prompt is read. None where the backend does not tell.

    >>> phase_of(Model("m", "not_loaded")), phase_of(Model("m"))
    (Phase(name='loading', progress=None, detail=None, elapsed=None), None)
    """
    match model.state:
        case "loaded":
            return Phase("prefill")
        case "unknown":
            return None
        case _:
            return Phase("loading", model.progress)


async def model_progress(source: Source, request: Request) -> Phase | None:
    """The phase of a request, by the source's list of models; None where that cannot tell.

    Raises StreamError where the backend does not answer.
    """
    try:
        return phase_of(choose_model(request.model, await source.models()))
    except (CannotError, RequestError):
        return None
