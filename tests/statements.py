"""Count what is sent to a database: the figures of the design are exact, so tests can hold them."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import ExecuteStyle


@dataclass
class Sent:
    """What was sent while it was counted. ``BEGIN``, which only SQLite sends by itself, is left out."""

    texts: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)
    commits: int = 0
    rollbacks: int = 0

    @property
    def statements(self) -> int:
        """How many statements there were; one that was sent for many rows counts once for each."""
        return len(self.texts)

    def __str__(self) -> str:
        lines = [f"{len(self.texts)} statements, {self.commits} commits:"]
        return "\n".join(lines + [" ".join(text.split())[:160] for text in self.texts])


@contextmanager
def counted(engine: Engine) -> Generator[Sent]:
    """Count the statements and commits of all threads on this engine inside the block.

    ``with counted(database.engine) as sent: ...`` and then ``assert sent.statements <= 8, sent``.
    """
    sent = Sent()

    def execute(
        _connection: Any, _cursor: Any, text: str, parameters: Any, context: Any, _many: bool
    ) -> None:
        if not text.startswith("BEGIN"):
            # Rows that travel together in one statement are "many" to the driver, too.
            many = context.execute_style is ExecuteStyle.EXECUTEMANY
            for each in parameters if many else [parameters]:
                sent.texts.append(text)
                sent.parameters.append(each)

    def commit(_connection: Any) -> None:
        sent.commits += 1

    def rollback(_connection: Any) -> None:
        sent.rollbacks += 1

    listeners = (
        ("before_cursor_execute", execute),
        ("commit", commit),
        ("rollback", rollback),
    )
    for name, listener in listeners:
        event.listen(engine, name, listener)
    try:
        yield sent
    finally:
        for name, listener in listeners:
            event.remove(engine, name, listener)
