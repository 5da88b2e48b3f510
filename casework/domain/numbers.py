"""A set of positive numbers kept as ranges, so that thousands of representations stay a short value."""

from collections.abc import Iterable, Iterator

from casework.domain._model import Frozen


class Numbers(Frozen):
    """Sorted, non-touching closed ranges: ``((1, 120), (122, 122))``."""

    ranges: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, numbers: Iterable[int]) -> "Numbers":
        """Collect numbers in any order, each counted once."""
        ranges: list[tuple[int, int]] = []
        for number in sorted(set(numbers)):
            if ranges and ranges[-1][1] == number - 1:
                ranges[-1] = (ranges[-1][0], number)
            else:
                ranges.append((number, number))
        return cls(ranges=tuple(ranges))

    def __iter__(self) -> Iterator[int]:  # type: ignore[override]
        """Yield the numbers in rising order."""
        for first, last in self.ranges:
            yield from range(first, last + 1)

    def __len__(self) -> int:
        """Count the numbers."""
        return sum(last - first + 1 for first, last in self.ranges)

    def __contains__(self, number: object) -> bool:
        """Say whether the number is among them."""
        return (
            any(first <= number <= last for first, last in self.ranges)
            if isinstance(number, int)
            else False
        )

    def minus(self, numbers: Iterable[int]) -> "Numbers":
        """Return the numbers without these."""
        gone = set(numbers)
        return Numbers.of(n for n in self if n not in gone)
