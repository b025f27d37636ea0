"""A chat window for the desktop: what is happening while a model loads, tokens as they come, a stop button.

    pip install 'PySide6-Essentials!=6.12.0'     # that one crashes on Python 3.11
    python examples/desktop_chat.py

Qt has an event loop of its own, so the answer is read on a worker thread with `pipeline.iterate(...)`, and
each event goes to the window as a signal. The stop button calls `cancel()` from the window's thread: the
backend is freed at once, and the worker's loop just ends.
"""

import signal
import sys

from PySide6.QtCore import QThread, Signal
from PySide6.QtGui import QCloseEvent, QTextCursor
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from tokenweir import Delta, End, Event, Phase, Pipeline, connect
from tokenweir.stages import append_only


class Answer(QThread):
    """Reads one answer, away from the window's thread."""

    came = Signal(object)

    def __init__(self, parent: QWidget, pipeline: Pipeline, question: str) -> None:
        super().__init__(parent)
        self.stopped = False
        self._events = pipeline.iterate(question, check=False)

    def run(self) -> None:
        """What the thread does: a plain loop. A broken end is told by its `End`."""
        with self._events as events:
            for event in events:
                self.came.emit(event)

    def stop(self) -> None:
        """Leave the answer; from any thread, without waiting."""
        self.stopped = True
        self._events.cancel()


class Chat(QWidget):
    """The window."""

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__(windowTitle="tokenweir")
        self._pipeline = pipeline
        self._answer: Answer | None = None
        self.question = QLineEdit("Who are you?", placeholderText="Ask something")
        self.button = QPushButton("Ask")
        self.text = QPlainTextEdit(readOnly=True)  # plain: an answer is text, and never markup
        self.text.document().setDocumentMargin(10)
        self.state = QLabel("ready")
        self.state.setWordWrap(True)
        row = QHBoxLayout()
        row.addWidget(self.question, 1)
        row.addWidget(self.button)
        column = QVBoxLayout(self)
        column.addWidget(self.text, 1)
        column.addWidget(self.state)
        column.addLayout(row)
        self.button.clicked.connect(self.press)
        self.question.returnPressed.connect(self.ask)
        self.resize(640, 400)

    def press(self) -> None:
        """The one button: ask, or stop what is being answered."""
        if self._answer is None:
            self.ask()
        else:
            self._answer.stop()
            self.state.setText("stopping")

    def ask(self) -> None:
        """Begin an answer, if there is a question and none is being answered."""
        question = self.question.text().strip()
        if self._answer is not None or not question:
            return
        self._write(f"> {question}\n\n")
        self.question.clear()
        self.button.setText("Stop")
        self._answer = Answer(self, self._pipeline, question)
        self._answer.came.connect(self.show_event)
        self._answer.finished.connect(self.finish)
        self._answer.start()

    def show_event(self, event: Event) -> None:
        """What one event means for the window. It comes on the window's own thread."""
        match event:
            case Phase(name=name, elapsed=seconds):
                self.state.setText(f"{name}, {seconds or 0:.0f} s")
            case Delta(text=text, channel="text", index=0):
                self.state.setText("answering")
                self._write(text)
            case End(outcome="complete", stats=stats):
                self.state.setText(f"complete: {stats.characters} characters in {stats.duration:.1f} s")
            case End(outcome=outcome, failure=failure):
                self.state.setText(f"{outcome}: {failure.message}" if failure else outcome)
            case _:
                pass

    def finish(self) -> None:
        """The worker is through, at the answer's end or because it was stopped."""
        if self._answer is not None:
            if self._answer.stopped:
                self.state.setText("stopped")
            self._answer.deleteLater()
            self._answer = None
        self._write("\n\n")
        self.button.setText("Ask")
        self.question.setFocus()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """A window that is closed in the middle of an answer frees the backend too."""
        if self._answer is not None:
            self._answer.stop()
            self._answer.wait()
        super().closeEvent(event)

    def _write(self, text: str) -> None:
        """Append, and keep the end in sight if it was."""
        bar = self.text.verticalScrollBar()
        follows = bar.value() == bar.maximum()
        cursor = QTextCursor(self.text.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(text)
        if follows:
            bar.setValue(bar.maximum())


def main() -> int:
    """The window, over a simulated backend that loads its model first and then resends everything."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Qt's loop would not look at Ctrl-C
    app = QApplication(sys.argv)
    source = connect("simulator", cumulative=True, load_seconds=3, rate=30)
    chat = Chat(Pipeline(source, append_only()))  # what is shown is not taken back
    chat.show()
    return app.exec()


if __name__ == "__main__":
    sys.exit(main())
