"""reasoning_split: takes reasoning out of the text, where the backend left it between tags.

Law of this file: from pieces to events, and how a choice's revisions and its end change them. What is
reasoning and what is text stands in reasoning_tags.py.
"""

from collections.abc import Sequence

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Channel, Delta, Done, Event, Finish, Revise, ToolDelta
from tokenweir.pipeline.stage import Stage
from tokenweir.stages.cumulative_evidence import common_prefix
from tokenweir.stages.reasoning_tags import TAGS, Break, Place, Splitter, Tags


def reasoning_split(
    *, tags: Sequence[tuple[str, str]] = TAGS, start_in_reasoning: bool = False
) -> Stage[Event, Event]:
    """Move what stands between reasoning tags from the text channel to the reasoning channel.

    `tags` are pairs of an opening and a closing tag. `start_in_reasoning` is for a model whose
    template writes the opening tag itself, so that the answer begins inside reasoning; a backend that
    takes reasoning apart itself is noticed, and then nothing is assumed.

    In: events. Out: the same, without the tags; joined, both channels are what the backend sent. Tags
    that the model talks about stay text (reasoning_tags.py says which). Where nothing said that the
    answer began inside reasoning and a closing tag shows it, the text so far is taken back with
    `Revise(0, "")` and given as reasoning; where the answer stops without the closing tag of the
    reasoning that was only assumed, that reasoning is taken back and given as text. Held: less than
    the longest tag of each choice. Kept: the text of each choice, since a revision may come at any
    time. Where a backend sends reasoning both ways and revises it, its revisions pass as they are.

    Raises MisuseError for a pair that cannot be told apart.

    >>> core = reasoning_split().core()
    >>> [(e.channel, e.text) for e in core.feed([Delta("<th"), Delta("ink>Hm.</think>Yes")])]
    [('reasoning', 'Hm.'), ('text', 'Yes')]
    """
    names = [tag for pair in tags for tag in pair]
    if not names or not all(tag.strip() == tag != "" for tag in names) or len(set(names)) < len(names):
        msg = f"reasoning_split(tags={tags!r}): give pairs of different tags that neither begin nor end blank"
        raise MisuseError(msg)
    ready = Tags(tags)
    return Stage(lambda: ReasoningSplit(ready, assumed=start_in_reasoning), "reasoning_split")


class ReasoningSplit:
    """The core: a Splitter for each choice."""

    def __init__(self, tags: Tags, *, assumed: bool) -> None:
        self._tags = tags
        self._assumed = assumed
        self._choices: dict[int, Splitter] = {}
        self._native: set[int] = set()  # choices whose reasoning the backend takes apart

    def feed(self, items: Sequence[Event]) -> list[Event]:
        out: list[Event] = []
        for event in items:
            if isinstance(event, Delta) and event.channel == "text":
                self._append(event, out)
            elif isinstance(event, Revise) and event.channel == "text":
                self._revise(event, out)
            else:
                self._before(event, out)
                out.append(event)
        return out

    def finish(self) -> list[Event]:
        out: list[Event] = []
        for index, choice in self._choices.items():
            _give(choice.interrupt("pause"), index, out)
        return out

    def _choice(self, index: int) -> Splitter:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = Splitter(self._tags, assumed=self._assumed)
        return choice

    def _append(self, event: Delta, out: list[Event]) -> None:
        pieces = self._choice(event.index).feed(event.text)
        if pieces == [("text", event.text)]:
            out.append(event)
        else:
            _give(pieces, event.index, out)

    def _before(self, event: Event, out: list[Event]) -> None:
        """What must come before an event that is no text."""
        if isinstance(event, Done):
            out += self.finish()
        elif isinstance(event, (Delta, Revise, ToolDelta, Finish)):
            kind: Break = "tool call" if isinstance(event, ToolDelta) else "pause"
            if isinstance(event, (Delta, Revise)) and event.channel == "reasoning":
                kind = "trust"
                self._native.add(event.index)
            choice = self._choice(event.index)
            _give(choice.interrupt(kind), event.index, out)
            if isinstance(event, Finish) and event.reason == "stop":
                self._settle(event.index, choice, out)

    def _settle(self, index: int, choice: Splitter, out: list[Event]) -> None:
        """An answer that stops and has no text, but what was only assumed to be reasoning: it is the text."""
        if choice.assumed and choice.length and index not in self._native:
            out.append(Revise(0, "", "reasoning", index))
            out.append(Delta(choice.raw, "text", index))

    def _revise(self, event: Revise, out: list[Event]) -> None:
        """Split the text anew, as it is now, and say how that changes what was given."""
        index, choice = event.index, self._choice(event.index)
        raw = choice.raw
        _, before = self._replay(raw, choice.breaks)
        breaks = [stop for stop in choice.breaks if stop[0] <= event.keep]
        self._choices[index], after = self._replay(raw[: event.keep] + event.text, breaks)
        if index in self._native:
            self._choices[index].interrupt("trust")
        if index not in self._native or after["reasoning"].startswith(before["reasoning"]):
            _change("reasoning", before, after, index, out)
        _change("text", before, after, index, out)

    def _replay(self, raw: str, breaks: Sequence[tuple[int, Break]]) -> tuple[Splitter, dict[str, str]]:
        """A Splitter that was fed `raw`, and what it gave."""
        choice = Splitter(self._tags, assumed=self._assumed)
        pieces: list[tuple[Place, str]] = []
        begin = 0
        for end, kind in breaks:
            pieces += choice.feed(raw[begin:end]) + choice.interrupt(kind)
            begin = end
        pieces += choice.feed(raw[begin:])
        given: dict[str, str] = {"text": "", "reasoning": ""}
        for place, text in pieces:
            if place == "moved":
                given = {"text": "", "reasoning": text}
            else:
                given[place] += text
        return choice, given


def _give(pieces: Sequence[tuple[Place, str]], index: int, out: list[Event]) -> None:
    for place, text in pieces:
        if place == "moved":
            out.append(Revise(0, "", "text", index))
            out.append(Delta(text, "reasoning", index))
        else:
            out.append(Delta(text, place, index))


def _change(
    channel: Channel, before: dict[str, str], after: dict[str, str], index: int, out: list[Event]
) -> None:
    old, new = before[channel], after[channel]
    same = common_prefix(old, new)
    if same < len(old):
        out.append(Revise(same, new[same:], channel, index))
    elif same < len(new):
        out.append(Delta(new[same:], channel, index))
