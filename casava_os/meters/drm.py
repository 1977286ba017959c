"""Graphics processors as sysfs shows them: which there are, whose driver they have, whether they sleep.

Sources: kernel docs, ABI/stable/sysfs-class-drm-*, ABI/testing/sysfs-devices-power. `uevent` and `runtime_status` can be read
without waking a card; most other files cannot, and a laptop's second card that is woken every other second empties its battery.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from casava_os.meters.files import names_in, read_number, read_text

_CARD = re.compile(r"card\d+$")


@dataclass(frozen=True, slots=True)
class Card:
    """One card: its directory under class/drm, its device's, and that of its sensors."""

    directory: str
    device: str
    driver: str
    key: str
    """PCI address ("0000:03:00.0"), or the card's name where it has none."""
    model: str
    """What it is called, or its PCI vendor and device ("1002:744C"), or an empty string."""
    hwmon: str | None
    """The driver's own sensors, where it has any."""

    @property
    def asleep(self) -> bool:
        """Whether the card is suspended."""
        return is_suspended(self.device)

    def sensor(self, *names: str) -> int | None:
        """The first of these sensor files that can be read, in the file's own unit."""
        if self.hwmon is None:
            return None
        return next(
            (value for name in names if (value := read_number(f"{self.hwmon}/{name}")) is not None), None
        )


def is_suspended(device: str) -> bool:
    """Whether runtime power management has suspended a device."""
    return read_text(f"{device}/power/runtime_status") == "suspended"


def cards(drm: str, ids: Sequence[str] = ()) -> list[Card]:
    """Every card, in their order. `ids`: where the list of PCI names may lie (it comes with pciutils or hwdata)."""
    found: list[Card] = []
    for name in names_in(drm):
        if not _CARD.match(name):
            continue
        directory = f"{drm}/{name}"
        device = f"{directory}/device"
        facts = dict(
            line.split("=", 1) for line in (read_text(f"{device}/uevent") or "").splitlines() if "=" in line
        )
        driver = facts.get("DRIVER", "")
        found.append(
            Card(
                directory=directory,
                device=device,
                driver=driver,
                key=facts.get("PCI_SLOT_NAME", name),
                model=_name(facts.get("PCI_ID", ""), ids),
                hwmon=_sensors(f"{device}/hwmon", driver),
            )
        )
    return found


def _name(model: str, ids: Sequence[str]) -> str:
    """The name of "1002:744C" in the list of PCI names, that on the box where it has one; the numbers where it is not listed."""
    vendor, _, device = model.lower().partition(":")
    for path in ids:
        text = read_text(path) if device else None
        if not text:
            continue
        begin = text.find(f"\n{vendor}  ")
        section = text[begin + 1 :]
        if begin < 0 or not (
            found := re.search(rf"^\t{re.escape(device)}  (.+)$", _section(section), re.MULTILINE)
        ):
            continue
        boxed = re.search(r"\[(.+)\]", found[1])
        return boxed[1] if boxed else found[1]
    return model


def _section(text: str) -> str:
    """A vendor's lines: up to the next one that is not indented."""
    end = re.search(r"\n(?=[^\t#])", text)
    return text[: end.start()] if end else text


def _sensors(hwmon: str, driver: str) -> str | None:
    """The sensors that carry the driver's name: i915 has others for its parts ("i915_gt0")."""
    for name in names_in(hwmon):
        if read_text(f"{hwmon}/{name}/name") == driver:
            return f"{hwmon}/{name}"
    return None
