"""AMD graphics through the amdgpu driver's files (kernel docs, gpu/amdgpu/thermal and driver-misc)."""

from __future__ import annotations

from casava_os.meters.drm import Card
from casava_os.meters.files import read_amount, read_text
from casava_os.meters.readings import GpuReading


def read_amd(card: Card) -> GpuReading:
    """One reading. Power is the average where the card has one, else the moment's (newer and integrated ones)."""
    name = f"AMD {card.model}".strip()
    if card.asleep:
        return GpuReading(card.key, "amd", name, asleep=True)
    heat = card.sensor("temp1_input")
    power, limit = card.sensor("power1_average", "power1_input"), card.sensor("power1_cap")
    busy = read_amount(f"{card.device}/gpu_busy_percent")
    return GpuReading(
        key=card.key,
        vendor="amd",
        name=read_text(f"{card.device}/product_name") or name,
        use_percent=float(busy) if busy is not None and busy <= 100 else None,  # some chips say 65535
        memory_used=read_amount(f"{card.device}/mem_info_vram_used"),
        memory_total=read_amount(f"{card.device}/mem_info_vram_total") or None,
        temperature=None if heat is None else heat / 1000,
        watts=None if power is None else power / 1e6,
        watts_limit=limit / 1e6 if limit else None,
    )
