"""What the reader of the demo sees: colors and a progress bar in a terminal, else plain lines."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.rule import Rule
from rich.text import Text

from casework.demo.client import Answer, Json
from casework.drives.screen import DriveScreen


class Advance(Protocol):
    """Says that one more of a number of things is done."""

    def __call__(self, line: str) -> None:
        """Tell of the thing in a line."""
        ...


class Teller:
    """Print the story. It owns the looks and nothing else."""

    def __init__(self, console: Console | None = None) -> None:
        """Keep the console; by default the standard output."""
        # Lines of a log are found again by their content: no line break is put into one.
        self._console = console or Console(
            soft_wrap=True, highlight=False, emoji=False, markup=False
        )

    @property
    def drives(self) -> DriveScreen:
        """What shows drives, to the same reader."""
        return DriveScreen(self._console)

    def chapter(self, title: str) -> None:
        """Begin a part."""
        if self._console.is_terminal:
            self._console.print()
            self._console.print(Rule(title, align="left", style="dim"))
        else:
            self._console.print(f"\n== {title}")

    def say(self, line: str, style: str = "") -> None:
        """Print one line."""
        self._console.print(Text(line, style=style))

    def step(self, number: int, sentence: str) -> None:
        """Print what somebody is about to do."""
        self._console.print(Text.assemble((f"{number:>2}. ", "bold cyan"), (sentence, "bold")))

    def exchange(self, answer: Answer, who: str, letters: Iterable[Json] = ()) -> None:
        """Print what was asked, what came back and who was written to, in one line."""
        line = Text("    ")
        line.append(f"{answer.method} {answer.path}", "cyan")
        line.append(f" ({who})", "dim")
        good = answer.status < 400
        line.append(f" → {answer.status}", "green" if good else "yellow")
        if "stage" in answer.body:
            line.append(f", {answer.body['stage']}", "bold")
        if "version" in answer.body:
            line.append(f", version {answer.body['version']}")
        if "code" in answer.body:
            line.append(f", {answer.body['code']}: {answer.body.get('detail', '')}", "yellow")
        written = ", ".join(f"{row['notice']} to {row['recipient']}" for row in letters)
        if written:
            line.append(f"; written: {written}", "magenta")
        self._console.print(line)

    def verdict(self, claim: str, *, holds: bool) -> None:
        """Print whether something the demo says is true."""
        mark = Text("ok    ", "green") if holds else Text("FALSE ", "bold red")
        self._console.print(Text.assemble(mark, claim))

    @contextmanager
    def counting(self, what: str, total: int) -> Generator[Advance]:
        """Show how many of so many things are done: a bar in a terminal, else a line for each."""
        if not self._console.is_terminal:
            done = 0

            def tell(line: str) -> None:
                nonlocal done
                done += 1
                self.say(f"{done:>3}/{total}  {line}")

            yield tell
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task(what, total=total)

            def advance(line: str) -> None:
                progress.console.print(Text(f"  {line}", style="dim"))
                progress.advance(task)

            yield advance
