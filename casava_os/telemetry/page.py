"""Metric families as they are filled: a name, what it means, values by labels. What is not known is left out, never zero."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds in seconds: a plan is compiled in milliseconds, a program may run for minutes."""
LONGEST_LABEL = 128


class Durations:
    """How long something took, each time: counted by `BUCKETS`."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        place = next((n for n, bound in enumerate(BUCKETS) if seconds <= bound), len(BUCKETS))
        self.counts[place] += 1
        self.seconds += seconds

    def rows(self) -> list[tuple[str, float]]:
        """Counts up to each bound, as Prometheus wants them."""
        total, rows = 0, list[tuple[str, float]]()
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), self.counts, strict=True):
            total += count
            rows.append((bound, float(total)))
        return rows


class Page:
    """Families in the order in which they were begun."""

    def __init__(self) -> None:
        self._families: dict[str, Metric] = {}

    def gauge(self, name: str, meaning: str, value: float | None, /, **labels: str) -> None:
        """A value that goes up and down; None leaves it out."""
        if value is None:
            return
        family = self._families.get(name)
        if family is None:
            family = self._families[name] = GaugeMetricFamily(name, meaning, labels=tuple(labels))
        assert isinstance(family, GaugeMetricFamily)
        family.add_metric([_label(text) for text in labels.values()], value)

    def counter(self, name: str, meaning: str, value: float | None, /, **labels: str) -> None:
        """A value that only grows; `name` ends in `_total`."""
        if value is None:
            return
        family = self._families.get(name)
        if family is None:
            family = self._families[name] = CounterMetricFamily(name, meaning, labels=tuple(labels))
        assert isinstance(family, CounterMetricFamily)
        family.add_metric([_label(text) for text in labels.values()], value)

    def durations(self, name: str, meaning: str, label: str, found: Mapping[str, Durations]) -> None:
        """Histograms by a label; with an empty name of it, one without."""
        family = HistogramMetricFamily(name, meaning, labels=(label,) if label else ())
        for value, one in sorted(found.items()):
            family.add_metric([_label(value)] if label else [], one.rows(), one.seconds)
        self._families[name] = family

    def families(self) -> list[Metric]:
        return list(self._families.values())


def _label(text: str) -> str:
    """A label's value: whatever it is, it is text of one line that UTF-8 can say, and not long."""
    plain = "".join(c if c.isprintable() else "�" for c in text.encode("utf-8", "replace").decode())
    return plain if len(plain) <= LONGEST_LABEL else plain[: LONGEST_LABEL - 1] + "…"
