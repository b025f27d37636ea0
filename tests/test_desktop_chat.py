"""examples/desktop_chat.py, in a window that nobody sees."""

import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tokenweir import Pipeline
from tokenweir.simulator.source import SimulatorSource
from tokenweir.simulator.text import ABOUT

EXAMPLE = Path(__file__).parent.parent / "examples" / "desktop_chat.py"
MISSING = "no PySide6 here: pip install --group desktop"

core = pytest.importorskip("PySide6.QtCore", reason=MISSING, exc_type=ImportError)
widgets = pytest.importorskip("PySide6.QtWidgets", reason=MISSING, exc_type=ImportError)


@pytest.fixture(scope="module", autouse=True)
def application() -> Iterator[Any]:
    """Qt's own event loop; a process has one, for good."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("QT_QPA_PLATFORM", "offscreen")
        yield widgets.QApplication.instance() or widgets.QApplication([])


@pytest.fixture
def window() -> Iterator[Callable[[SimulatorSource], Any]]:
    """A function that shows a chat window over a source."""
    chats: list[Any] = []

    def show(source: SimulatorSource) -> Any:
        chat = runpy.run_path(str(EXAMPLE))["Chat"](Pipeline(source))
        chats.append(chat)
        chat.show()
        return chat

    yield show
    for chat in chats:
        chat.close()
        chat.deleteLater()


def until(true: Callable[[], bool]) -> None:
    """Let Qt run until something is so."""
    loop = core.QEventLoop()
    look, late = core.QTimer(), core.QTimer()
    look.timeout.connect(lambda: loop.quit() if true() else None)
    late.timeout.connect(lambda: loop.exit(1))
    look.start(5)
    late.start(20_000)
    assert loop.exec() == 0


def test_the_whole_answer_is_shown(window: Callable[[SimulatorSource], Any]) -> None:
    """P1: what happens while the model loads, each character once, and the end in the window's words."""
    chat = window(SimulatorSource(cumulative=True, load_seconds=1.1))
    states: list[str] = []

    def is_over() -> bool:
        states.append(chat.state.text())
        return bool(chat.button.text() == "Ask")

    chat.button.click()
    until(is_over)

    assert chat.text.toPlainText() == f"> Who are you?\n\n{ABOUT.text}\n\n"
    assert "loading, 1 s" in states
    assert chat.state.text().startswith(f"complete: {len(ABOUT.text)} characters")


def test_tokens_come_one_by_one_and_the_button_stops_the_backend(
    window: Callable[[SimulatorSource], Any],
) -> None:
    """P10, D01: text stands in the window before the end; the button ends the answer at the backend."""
    source = SimulatorSource(rate=20.0)
    chat = window(source)

    chat.button.click()
    until(lambda: "simulator" in chat.text.toPlainText())
    chat.button.click()
    until(lambda: bool(chat.button.text() == "Ask" and source.exchanges))

    assert source.exchanges[-1].outcome == "client_left"
    assert chat.state.text() == "stopped"
    assert ABOUT.text not in chat.text.toPlainText()


def test_a_closed_window_frees_the_backend(window: Callable[[SimulatorSource], Any]) -> None:
    """P10: the window goes in the middle of an answer."""
    source = SimulatorSource(rate=20.0)
    chat = window(source)

    chat.button.click()
    until(lambda: "simulator" in chat.text.toPlainText())
    chat.close()
    until(lambda: bool(source.exchanges))

    assert source.exchanges[-1].outcome == "client_left"


def test_a_broken_answer_is_told(window: Callable[[SimulatorSource], Any]) -> None:
    """P2: half an answer stands there as half an answer, and the window can ask again."""
    chat = window(SimulatorSource(fault="cut"))

    chat.button.click()
    until(lambda: bool(chat.button.text() == "Ask"))

    assert chat.state.text().startswith("truncated: ")
    assert "".join(ABOUT.tokens[:8]) in chat.text.toPlainText()
