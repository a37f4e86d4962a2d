"""Invented leads whose true chance is known."""

import math
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from qualification.prediction.fit import Examples

BEGIN = datetime.fromisoformat("2026-01-05T09:00:00+00:00")
KINDS = {"lead.source": "text", "company.staff": "number", "attributes.budget": "any", "lead.last_touch_at": "time"}
SOURCES = ("google", "fair", "partner", "direct")


def leads(count: int, seed: int = 1, *, tilt: float = 0.0) -> tuple[list[dict[str, Any]], np.ndarray, np.ndarray]:
    """Facts, whether each was won, and the true chances. Fairs and large companies win; small talk does not."""
    generator = np.random.default_rng(seed)
    rows, chances = [], []
    for place in range(count):
        source = SOURCES[generator.integers(4)]
        staff = float(round(math.exp(generator.normal(4, 1.2)))) if generator.random() > 0.2 else None
        at = BEGIN + timedelta(hours=place)
        rows.append(
            {
                "now": at.isoformat(),
                "lead.source": source,
                "company.staff": staff,
                "attributes.budget": str(int(generator.integers(1, 50)) * 1000) if generator.random() > 0.5 else "",
                "lead.last_touch_at": (at - timedelta(days=float(generator.exponential(3)))).isoformat(),
                "contact.name": f"Person {place}",
            }
        )
        odds = -1.2 + tilt + 1.5 * (source == "fair") - 1.0 * (source == "direct")
        odds += 0.7 * ((math.log(staff) - 4) / 1.2) if staff else -0.4
        chances.append(1 / (1 + math.exp(-odds)))
    true = np.asarray(chances)
    return rows, (generator.random(count) < true).astype(float), true


def examples(count: int, seed: int = 1, *, tilt: float = 0.0) -> Examples:
    """The same, as training takes it."""
    rows, won, _true = leads(count, seed, tilt=tilt)
    return Examples(rows, won, np.ones(count), np.arange(count))
