"""How many games are played side by side where there is little time: as many as end in it, by the pace of those before."""

FEWEST = 2  # games against each opponent: a pair
# of the time left, that a wave may be expected to take: by the pace of one that was played; by that of the last pass, whose games
# may have been shorter; by the first moves of one
SURE, LIKELY, GUESS = 0.7, 0.35, 0.25
BESIDE = 1.2  # times as long as a pair of games may a first wave of more take
MOST_FIXED = 20.0  # games whose time each wave takes beside that of its own, at most: that is told by a few moves


class Waves:
    """Sizes of the waves of a pass: all games of one are counted, or none.

    Were games counted as they end, those that end soon would be counted too often. So what ends in time is to be known before it
    is begun: by the pace of the wave before, of the last pass, or at least of a few moves, which also tell how much longer more
    games take.
    """

    def __init__(self) -> None:
        self._games, self._seconds, self._played = 0, 0.0, False
        self._guessed: dict[int, float] = {}
        self._fixed = 0.0  # games whose time a wave takes whatever its size

    @property
    def known(self) -> bool:
        """Whether there is a pace to go by."""
        return self._games > 0

    def expected(self, games: int, seconds: float) -> None:
        """So many games against each opponent are expected to take so long. Of waves that were played more is known."""
        self._guessed[games] = seconds
        if not self._played:
            self._games, self._seconds = max(self._guessed.items())
        (few, first), (many, second) = min(self._guessed.items()), max(self._guessed.items())
        if second > first > 0:
            each_s = (second - first) / (many - few)
            self._fixed = min(MOST_FIXED, max(0.0, first / each_s - few))
        elif many > few:
            self._fixed = MOST_FIXED

    def took(self, games: int, seconds: float) -> None:
        """A wave of so many took so long, or was given up after that."""
        self._games, self._seconds, self._played = games, seconds, True

    def begin(self, most: int, within_s: float) -> int:
        """Games against each opponent in the first wave: all where they surely end in time, else as many as are likely to, and a
        pair in any case.

        >>> waves = Waves()
        >>> waves.begin(20, 60.0), waves.expected(20, 30.0), waves.begin(20, 60.0), waves.begin(20, 120.0)
        (2, None, 2, 20)
        >>> waves.took(20, 30.0), waves.begin(20, 60.0), waves.begin(20, 30.0)
        (None, 20, 6)

        Where a wave takes its time whatever its size, the first is of a few more:

        >>> waves = Waves()
        >>> waves.expected(2, 12.0), waves.expected(20, 30.0), waves.begin(20, 60.0), waves.took(4, 14.0), waves.go_on(16, 40.0)
        (None, None, 4, None, 16)
        """
        if self._within((SURE if self._played else GUESS) * within_s) >= most:
            return most
        few = int(BESIDE * (FEWEST + self._fixed) - self._fixed) // 2 * 2
        return min(most, max(FEWEST, self._within(LIKELY * within_s) if self._played else few))

    def go_on(self, most: int, left_s: float) -> int:
        """The same of the next wave; 0 where not a pair of games is expected to end.

        >>> waves = Waves()
        >>> waves.took(2, 3.0), waves.go_on(20, 30.0), waves.go_on(20, 100.0), waves.go_on(20, 4.0)
        (None, 14, 20, 0)
        """
        return min(most, self._within(SURE * left_s))

    def _within(self, seconds: float) -> int:
        """Games that end in so many seconds, in pairs."""
        if not self.known:
            return 0
        fits = seconds * (self._fixed + self._games) / max(self._seconds, 1e-9) - self._fixed
        return max(0, int(fits)) // 2 * 2
