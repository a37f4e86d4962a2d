"""How fast the product takes leads in, against a bare view that inserts one row: same server, same run.

First the web processes alone: rounds of both alternate while the workers are halted, so that a noisy neighbour hits
both alike; the figure is the median ratio. Then everything at work: how many leads a second get from POST to notified.
"""

import os
import statistics
import time

from bench.harness import Product, flood, lead, product, report, wait_for_quiet, workers_halted

ROUNDS = 5
REQUESTS = 300
CLIENTS = 4


def main() -> None:
    """Print both speeds and their ratio (budget: 0.5 or more), and the speed of the whole recipe."""
    with product() as running:
        _make_table()
        with workers_halted(running):
            bare_rates, capture_rates, ratios = _compare(running)
        wait_for_quiet()
        began = time.perf_counter()
        flood(running, "/api/v1/capture/", _bodies(99), clients=CLIENTS)
        wait_for_quiet()
        whole = REQUESTS / (time.perf_counter() - began)
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
    report("capture", "leads per second from POST to notified, all at work", leads=round(whole, 1), burst=REQUESTS)


def _compare(running: Product) -> tuple[list[float], list[float], list[float]]:
    bare_rates, capture_rates, ratios = [], [], []
    for number in range(ROUNDS + 1):
        bodies = _bodies(number)
        bare = flood(running, "/bench/bare/", bodies, clients=CLIENTS)
        capture = flood(running, "/api/v1/capture/", bodies, clients=CLIENTS)
        if number:  # in the first round connections, caches and the planner warm up
            bare_rates.append(bare)
            capture_rates.append(capture)
            ratios.append(capture / bare)
    return bare_rates, capture_rates, ratios


def _bodies(number: int) -> list[bytes]:
    return [lead(number * REQUESTS + i, f"c{os.getpid()}") for i in range(REQUESTS)]


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
