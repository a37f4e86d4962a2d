"""How sure a share is."""

from math import sqrt

Z90, Z95 = 1.6449, 1.959964


def wilson(share: float, count: float, z: float = Z95) -> tuple[float, float]:
    """Wilson's interval of a share seen in ``count`` cases, also for few; everything where there are none.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.
    """
    if count <= 0:
        return 0.0, 1.0
    spread = z * z / count
    middle = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / count + spread / count / 4) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)
