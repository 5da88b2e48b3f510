"""What the demo remembers from start to start, in one small file."""

import json
from pathlib import Path


class Notebook:
    """Remember the case of each site, whether it came to rest, the sites of the tours, and the drives."""

    def __init__(self, file: Path) -> None:
        """Read the file, if there is one."""
        self._file = file
        self._cases: dict[str, str] = {}
        self._done: list[str] = []
        self._tours: list[str] = []
        self._drives: dict[str, str] = {}
        if file.exists():
            known = json.loads(file.read_text(encoding="utf-8"))
            self._cases, self._done, self._tours = known["cases"], known["done"], known["tours"]
            self._drives = known.get("drives", {})

    def case_of(self, site: str) -> str | None:
        """Return the case of a site, or None."""
        return self._cases.get(site)

    def is_done(self, site: str) -> bool:
        """Say whether the site's case came to rest, in this start or an earlier one."""
        return site in self._done

    def is_on_tour(self, site: str) -> bool:
        """Say whether a tour began with this site."""
        return site in self._tours

    def opened(self, site: str, case_id: str, *, on_tour: bool = False) -> None:
        """Note the case of a site."""
        self._cases[site] = case_id
        if on_tour and site not in self._tours:
            self._tours.append(site)
        self._write()

    def drive_of(self, seminar: str) -> str | None:
        """Return the drive of a seminar, or None."""
        return self._drives.get(seminar)

    def prepared(self, seminar: str, drive: str) -> None:
        """Note the drive of a seminar."""
        self._drives[seminar] = drive
        self._write()

    def came_to_rest(self, site: str) -> None:
        """Note that the site's case is where it shall be."""
        if site not in self._done:
            self._done.append(site)
            self._write()

    def _write(self) -> None:
        draft = self._file.with_suffix(".draft")
        content = {
            "cases": self._cases,
            "done": self._done,
            "tours": self._tours,
            "drives": self._drives,
        }
        draft.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
        draft.replace(self._file)
