"""What must be true of whatever a decoder makes of any bytes: the fuzzer's oracles.

Law of this file: laws that hold for every input, each with a name, and no list of known exceptions. A broken
law is raised as `BrokenLawError`. What is merely wrong for one input is for the tests of that decoder.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from tokenweir.pipeline.events import Delta, Done, Finish, Revise, SSEEvent, Start, ToolDelta

Items = list[Any]
Key = tuple[int, str, int | None]
"""One text of an answer: choice, channel (or "tool"), call."""


class BrokenLawError(AssertionError):
    """A law does not hold: its name, and how."""

    def __init__(self, law: str, how: str) -> None:
        super().__init__(f"{law}: {how}")
        self.law = law


def demand(law: str, holds: object, how: str) -> None:
    """Raises BrokenLawError where the law does not hold."""
    if not holds:
        raise BrokenLawError(law, how)


def ends_once(out: Items) -> None:
    """`Done` comes once at most, and nothing after it."""
    ends = [at for at, item in enumerate(out) if isinstance(item, Done)]
    demand("ends once", ends in ([], [len(out) - 1]), f"Done at {ends} of {len(out)} items")


def merged(out: Items) -> Items:
    """The same with neighbouring pieces of one text joined: how text was cut means nothing."""
    joined: Items = []
    for item in out:
        last = joined[-1] if joined else None
        if isinstance(item, Delta) and isinstance(last, Delta) and _key(item) == _key(last):
            joined[-1] = Delta(last.text + item.text, item.channel, item.index)
        elif isinstance(item, ToolDelta) and isinstance(last, ToolDelta) and _continues(item, last):
            joined[-1] = msgspec.structs.replace(last, arguments=last.arguments + item.arguments)
        else:
            joined.append(item)
    return joined


def _continues(item: ToolDelta, last: ToolDelta) -> bool:
    return _key(item) == _key(last) and item.id is None and item.name is None


def _key(item: Delta | Revise | ToolDelta) -> Key:
    if isinstance(item, ToolDelta):
        return (item.index, "tool", item.call)
    return (item.index, item.channel, item.call if isinstance(item, Revise) else None)


def any_cut(out: Items, again: Items) -> None:
    """However the same input was cut, the same comes of it."""
    one, other = merged(out), merged(again)
    if one != other:
        at = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
        seen = f"{one[at]!r} and {other[at]!r}" if at is not None else f"{len(one)} and {len(other)} items"
        raise BrokenLawError("any cut", f"in another cut, item {at} differs: {seen}"[:2000])


def frames_fit(out: Items, sent: int, limit: int) -> None:
    """No payload is larger than the limit, and all of them are no more than what was sent; only an old
    `error:` field is written anew, as a JSON string, where a byte may take six."""
    data = [item for item in out if isinstance(item, SSEEvent)]
    plain = [item for item in data if item.type != "error"]
    demand("within the limit", all(len(item.data) <= limit for item in plain), f"a payload beyond {limit}")
    size, named = sum(len(item.data) for item in plain), sum(len(item.data) for item in data)
    demand("no more than was sent", size <= sent, f"{size} bytes in payloads of {sent} sent")
    demand("no more than was sent", named <= 6 * sent + 2, f"{named} bytes in payloads of {sent} sent")


def texts(out: Items) -> dict[Key, str]:
    """Every text of the answer, revisions applied. Raises BrokenLawError where one keeps more than stands."""
    shown: dict[Key, str] = {}
    for item in out:
        if isinstance(item, Delta):
            shown[_key(item)] = shown.get(_key(item), "") + item.text
        elif isinstance(item, ToolDelta):
            shown[_key(item)] = shown.get(_key(item), "") + item.arguments
        elif isinstance(item, Revise):
            before = shown.get(_key(item), "")
            stands = item.keep <= len(before)
            demand("revises what stands", stands, f"{item!r} after {len(before)} characters")
            shown[_key(item)] = before[: item.keep] + item.text
    return shown


def text_fits(out: Items, sent: int) -> None:
    """The joined text has no more characters than there were bytes. Tool arguments that came as a JSON
    object are written anew: a number may then be longer (`1e15`), and `{}` stands for none."""
    shown = texts(out)
    said = sum(len(text) for key, text in shown.items() if key[1] != "tool")
    asked = sum(len(text) for key, text in shown.items() if key[1] == "tool")
    demand("no more than was sent", said <= sent, f"{said} characters of text in {sent} bytes")
    demand("no more than was sent", asked <= 8 * sent, f"{asked} characters of arguments in {sent} bytes")


def vocabulary(out: Items) -> None:
    """One `Start`, before any content; a choice finishes once; id and name of a call once; valid Unicode.

    A call that says nothing yet has its number, so that the numbers may come in any order."""
    content = [item for item in out if isinstance(item, (Start, Delta, ToolDelta, Finish))]
    starts = [at for at, item in enumerate(content) if isinstance(item, Start)]
    demand("one start, first", starts in ([], [0]), f"Start at {starts} of {len(content)} events")
    finished = [item.index for item in out if isinstance(item, Finish)]
    demand("finishes once", len(finished) == len(set(finished)), f"finished: {finished}")
    calls: dict[Key, list[ToolDelta]] = {}
    for item in out:
        if isinstance(item, ToolDelta):
            calls.setdefault(_key(item), []).append(item)
    for key, fragments in calls.items():
        for name in ("id", "name"):
            told = [at for at, item in enumerate(fragments) if getattr(item, name) is not None]
            demand("id and name once", len(told) <= 1, f"{name} of call {key} in fragments {told}")
    valid(out)


def valid(out: Iterable[Any]) -> None:
    """Everything can be written down as JSON in valid Unicode."""
    for item in out:
        try:
            msgspec.json.encode(item)
        except (UnicodeEncodeError, msgspec.MsgspecError) as bad:
            raise BrokenLawError("valid Unicode", f"{item!r}: {bad}"[:2000]) from bad


def text_of(out: Items) -> Iterator[str]:
    """The pieces of text and arguments, and no revisions."""
    for item in out:
        if isinstance(item, (Delta, ToolDelta)):
            yield item.text if isinstance(item, Delta) else item.arguments


def others_pass(given: Items, out: Items) -> None:
    """What is neither text nor a call passes unchanged and in order."""
    own = (Delta, Revise, ToolDelta)
    before, after = ([item for item in items if not isinstance(item, own)] for items in (given, out))
    demand("everything else passes", before == after, f"{before!r} became {after!r}"[:2000])


def grows_only_by_what_came(given: Items, out: Items) -> None:
    """Whatever is shown in the end is no longer than all that came."""
    came, shown = sum(map(len, text_of(given))), sum(map(len, texts(out).values()))
    demand("no more than was sent", shown <= came, f"{shown} characters of {came}")


def unchanged_without(marks: Sequence[str], given: Items, out: Items) -> None:
    """Where no mark can begin in any text, the texts are as they came."""
    if not any(mark in text for text in text_of(given) for mark in marks):
        before, after = ({key: text for key, text in texts(items).items() if text} for items in (given, out))
        demand("text as it came", before == after, f"{before!r} became {after!r}"[:2000])
