"""lmstudio-native, failing: LM Studio's own error object as a failure.

Law of this file: pure; where its message and its code stand, and which of its codes is which kind
(PROTOCOLS 3.5). What has no such code is told by its words, as for every backend.
"""

from collections.abc import Mapping

import msgspec

from tokenweir.pipeline.events import Failure, FailureKind
from tokenweir.pipeline.json_value import as_object, as_text
from tokenweir.pipeline.protocols.failures import failure_from
from tokenweir.pipeline.protocols.unicode_halves import whole

_KINDS: Mapping[str, FailureKind] = {
    "generic.noModelMatchingQuery": "model_not_found",
    "generic.pathNotFound": "model_not_found",
    "generic.identifierNotFound": "model_not_found",
    "generic.specificModelUnloaded": "model_crashed",
    "generic.domainMismatch": "bad_request",
    "generic.engineDoesNotSupportFeature": "bad_request",
    "generic.presetNotFound": "bad_request",
}
_BESIDE = ("cause", "suggestion")


def native_failure(error: object) -> Failure:
    """The failure that an error object means; its stack is nobody's business.

    >>> native_failure({"title": "No such model", "displayData": {"code": "generic.pathNotFound"}}).kind
    'model_not_found'
    """
    fields = as_object(error)
    if not fields:
        return failure_from(error)
    title = as_text(fields.get("title")) or as_text(fields.get("rootTitle"))
    beside = [text for name in _BESIDE if (text := as_text(fields.get(name))) and text not in title]
    code = as_text(as_object(fields.get("displayData")).get("code"))
    kept = {key: value for key, value in fields.items() if key != "stack"}
    *before, last = [title, *beside]
    told = failure_from({**kept, "title": ". ".join([*(part.rstrip(". ") for part in before), last])})
    kind = _KINDS.get(code)
    native = failure_from(kept).native
    if kind is None:
        return msgspec.structs.replace(told, code=whole(code) or told.code, native=native)
    return msgspec.structs.replace(
        told, kind=kind, code=code, native=native, retryable=kind == "model_crashed"
    )
