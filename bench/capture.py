"""How fast the product takes leads in, against a bare view that inserts one row: same server, same run.

Rounds of both alternate, so that a noisy neighbour hits them alike; the figure is the median ratio.
"""

import os
import statistics

from bench.harness import flood, lead, product, report

ROUNDS = 5
REQUESTS = 400
CLIENTS = 4


def main() -> None:
    """Print both speeds and their ratio. Budget: 0.5 or more."""
    with product() as running:
        _make_table()
        ratios, bare_rates, capture_rates = [], [], []
        for number in range(ROUNDS + 1):
            first = number * REQUESTS
            bodies = [lead(first + i, f"c{os.getpid()}") for i in range(REQUESTS)]
            bare = flood(running, "/bench/bare/", bodies, clients=CLIENTS)
            capture = flood(running, "/api/v1/capture/", bodies, clients=CLIENTS)
            if number == 0:  # connections, caches and the planner warm up
                continue
            bare_rates.append(bare)
            capture_rates.append(capture)
            ratios.append(capture / bare)
    report(
        "capture",
        "requests per second, capture against a bare insert",
        capture=round(statistics.median(capture_rates), 1),
        bare=round(statistics.median(bare_rates), 1),
        ratio=round(statistics.median(ratios), 3),
        least=round(min(ratios), 3),
        most=round(max(ratios), 3),
        budget=0.5,
        clients=CLIENTS,
    )


def _make_table() -> None:
    import django

    django.setup()
    from django.db import connection

    from bench.urls import TABLE

    with connection.cursor() as cursor:
        cursor.execute(TABLE)
    connection.close()


if __name__ == "__main__":
    main()
