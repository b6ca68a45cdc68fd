"""Medians, and ratios that are taken round by round: machines drift, two runs of one round are near each other."""
import statistics
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Spread:
    median: float
    min: float
    max: float

    def as_json(self):
        return asdict(self)


def spread(values):
    return Spread(statistics.median(values), min(values), max(values)) if values else None


def ratio(values, others):
    """Of the n-th value to the n-th other."""
    return spread([a / b for a, b in zip(values, others) if b > 0])

