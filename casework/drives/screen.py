"""What the command line shows of a drive: tables and a bar in a terminal, plain lines anywhere else."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.prompt import Confirm
from rich.table import Table

from casework.programs.provinces import provinces

Json = Mapping[str, Any]

_OUTCOMES = ("opened", "joined", "skipped", "failed", "pending")
_ALL = "all"


class DriveScreen:
    """Show a drive to whoever runs it."""

    def __init__(self, console: Console | None = None) -> None:
        """Write to a console, by default that of the process."""
        self._console = console or Console(markup=False, highlight=False, soft_wrap=True)

    @property
    def is_terminal(self) -> bool:
        """Say whether somebody can be asked."""
        return self._console.is_terminal

    def say(self, text: str) -> None:
        """Write one line: to anything but a terminal just as it is, with its tabs."""
        if self.is_terminal:
            self._console.print(text)
        else:
            self._console.file.write(f"{text}\n")
            self._console.file.flush()

    def confirm(self, question: str) -> bool:
        """Ask for a yes."""
        return Confirm.ask(question, console=self._console, default=False)

    def show_list(self, taken: Json, fields: Mapping[str, str]) -> None:
        """Show how the list was read and which column is taken for what."""
        how = taken["sheet"] or f"{taken['encoding']}, delimiter {taken['delimiter']!r}"
        self.say(f"{taken['rows']} rows ({how})")
        self._table(("field", "column"), fields.items())
        if taken["unmapped"]:
            columns = [column for column in taken["columns"] if column not in fields.values()]
            self.say(f"Not used: {', '.join(columns)}")
        if taken["noted"]:
            self.say(f"{taken['noted']} rows are used without a cell that cannot be read")
        for note in taken["notes"]:
            self.say(f"Note: {note['text']}")

    def show_dry_run(self, tried: Json) -> None:
        """Show how many rows have which verdict."""
        self._table(("dry run", "rows"), ((v, str(n)) for v, n in tried["verdicts"].items()))

    def follow(self, statuses: Iterable[Json]) -> Json:
        """Show the progress until the drive ends, and return the last status."""
        last: Json = {}
        if not self.is_terminal:
            for last in statuses:
                self.say(_line(last))
            return last
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[found]}"),
            console=self._console,
        )
        with bar:
            task = bar.add_task("running", total=None, found="")
            for last in statuses:
                progress = last["progress"]
                bar.update(
                    task,
                    description=last["state"],
                    total=progress["total"],
                    completed=progress["total"] - progress["pending"],
                    found=_found(progress),
                )
        return last

    def show_summary(self, drive: Json, *, by_province: bool = True) -> None:
        """Show the drive with its outcomes and the forecast, by province or of all together."""
        reason = f" ({drive['state_reason']})" if drive["state_reason"] else ""
        self.say(f"{drive['id']}  {drive['title']}  {drive['state']}{reason}")
        lines = [
            (_name(each["province"]), str(each["rows"]), *_counts(each["outcomes"]))
            for each in (drive["by_province"] if by_province else ())
        ]
        total = (_ALL, str(drive["rows"]), *_counts(drive["progress"]))
        self._table(("province", "rows", *_OUTCOMES), [*lines, total])
        self.say(f"Forecast for fiscal year {drive['fiscal_year']}")
        head = ("province", "target", "opened", "applied", "certified", "expected", "missing")
        forecast = drive["forecast"] if by_province else drive["forecast"][-1:]
        self._table(head, map(_forecast, forecast))
        if forecast:
            self.say(forecast[-1]["explanation"]["en"])

    def _table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        if not self.is_terminal:
            for row in (head, *rows):
                self.say("\t".join(row))
            return
        table = Table(*head[:1])
        for name in head[1:]:
            table.add_column(name, justify="left" if name == "column" else "right")
        for row in rows:
            table.add_row(*row)
        self._console.print(table)


def _counts(found: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(str(found.get(outcome, 0)) for outcome in _OUTCOMES)


def _forecast(each: Json) -> tuple[str, ...]:
    numbers = ("target", "opened", "submitted", "certified", "expected", "missing")
    shown = ("-" if each[name] is None else str(each[name]) for name in numbers)
    return (_ALL if each["province"] is None else _name(each["province"]), *shown)


def _name(code: str | None) -> str:
    if code is None:
        return "(unknown)"
    found = provinces().get(code)
    return f"{code} {found.name_en}" if found else code


def _line(status: Json) -> str:
    progress = status["progress"]
    done = progress["total"] - progress["pending"]
    return f"{status['state']}: {done} of {progress['total']} rows, {_found(progress)}"


def _found(progress: Mapping[str, int]) -> str:
    names = ("opened", "joined", "skipped", "failed")
    return ", ".join(f"{progress[name]} {name}" for name in names if progress[name]) or "none yet"
