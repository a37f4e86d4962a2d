"""When to try again."""

import random
from datetime import datetime, timedelta


def next_try(attempts: int, *, at: datetime, base: float = 2.0, most: float = 900.0) -> datetime:
    """The next time to try after ``attempts`` failures: full jitter, ``rand(0, min(most, base * 2^n))`` seconds.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    ceiling = min(most, base * 2 ** min(attempts, 20))
    return at + timedelta(seconds=random.uniform(min(1.0, ceiling), ceiling))
