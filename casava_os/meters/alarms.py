"""Alarms: a figure that has stayed at its threshold for a while. A short peak raises none, a short dip ends none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from casava_os.meters.figures import figures
from casava_os.meters.readings import Sample
from casava_os.settings import MetersSettings


@dataclass(frozen=True, slots=True)
class Alarm:
    """One figure that is too high."""

    figure: str
    """Its name, as `figures` has it."""
    subject: str
    """What it is of: "RAM", "GPU temperature"."""
    value: float
    threshold: float
    unit: str
    """What stands after the numbers: "%" or "°C"."""
    since: float
    """When it reached the threshold, on the samples' clock."""

    @property
    def sentence(self) -> str:
        """For people: "RAM: 94 %, alarm from 92 %"."""
        return f"{self.subject}: {self.value:.0f} {self.unit}, alarm from {self.threshold:.0f} {self.unit}"


@dataclass(frozen=True, slots=True)
class _Rule:
    subject: str
    threshold: float
    unit: str = "%"


class Alarms:
    """Watches samples; remembers since when each figure has been above, or below, its threshold."""

    def __init__(self, settings: MetersSettings) -> None:
        self._settings = settings
        self._reached: dict[str, float] = {}
        self._left: dict[str, float] = {}
        self._raised: dict[str, Alarm] = {}

    def look(self, sample: Sample) -> tuple[Alarm, ...]:
        """The alarms in force, the oldest first. A figure that is not known any more has none."""
        values, now, hold = figures(sample), sample.at, self._settings.alarm_seconds
        rules = _rules(self._settings, sample)
        for gone in (self._reached.keys() | self._raised.keys()) - rules.keys():
            self._forget(gone)
        for name, rule in rules.items():
            value = values.get(name)
            if value is None or rule.threshold <= 0:
                self._forget(name)
            elif value >= rule.threshold:
                since = self._reached.setdefault(name, now)
                self._left.pop(name, None)
                if now - since >= hold or name in self._raised:
                    self._raised[name] = Alarm(name, rule.subject, value, rule.threshold, rule.unit, since)
            elif now - self._left.setdefault(name, now) >= hold or name not in self._raised:
                self._forget(name)
            else:
                raised = self._raised[name]
                self._raised[name] = Alarm(name, rule.subject, value, rule.threshold, rule.unit, raised.since)
        return tuple(sorted(self._raised.values(), key=lambda alarm: alarm.since))

    def _forget(self, name: str) -> None:
        for kept in (self._reached, self._left):
            kept.pop(name, None)
        self._raised.pop(name, None)


def _rules(settings: MetersSettings, sample: Sample) -> Mapping[str, _Rule]:
    """Thresholds by figure, for what this sample holds."""
    rules = {
        "cpu": _Rule("CPU", settings.cpu_percent),
        "cpu.temperature": _Rule("CPU temperature", settings.cpu_celsius, "°C"),
        "memory": _Rule("RAM", settings.memory_percent),
        "swap": _Rule("Swap", settings.swap_percent),
        "disk.full": _Rule("Disk", settings.disk_percent),
        "pressure.memory": _Rule("Waiting for memory", settings.pressure_percent),
        "pressure.io": _Rule("Waiting for disks", settings.pressure_percent),
    }
    for number, gpu in enumerate(sample.gpus):
        name = "GPU" if len(sample.gpus) == 1 else f"GPU {number}"
        rules[f"gpu.{gpu.key}.memory"] = _Rule(f"{name} memory", settings.gpu_memory_percent)
        rules[f"gpu.{gpu.key}.temperature"] = _Rule(f"{name} temperature", settings.gpu_celsius, "°C")
    for sandbox in sample.sandboxes:
        name = "Sandbox memory" if sandbox.pid is None else f"Memory of #{sandbox.pid}"
        rules[f"sandbox.{sandbox.key}.memory"] = _Rule(name, settings.sandbox_memory_percent)
    return rules
