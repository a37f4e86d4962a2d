"""From captured to notified, in milliseconds, at 5 and at 20 leads a second, and at 20 with a provider that hangs.

Leads are sent on a fixed timetable, whatever the answers do, so that waiting is counted. The times are the product's
own: from the row of the raw submission to the row of the owner's notification.
"""

import http.client
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.harness import Product, lead, percentile, post, product, report

SECONDS = int(os.environ.get("BENCH_SECONDS", "60"))


def main() -> None:
    """Print p50, p95, p99 of each run and how they compare. Budget: p50 < 400 ms, p99 < 2,000 ms at 20 a second."""
    with product() as running:
        _open_all_day()
        _send(running, rate=5, seconds=5, run=f"w{os.getpid()}")
        medians = {}
        for rate in (5, 20):
            medians[rate] = _measure(running, rate=rate, case=f"{rate} leads a second")
        with _hanging_provider():
            hanging = _measure(running, rate=20, case="20 leads a second, a provider hangs")
    report("latency", "p50 at 20 a second against 5 a second", ratio=round(medians[20] / medians[5], 2))
    report("latency", "p50 with a hanging provider against without, 20 a second", ratio=round(hanging / medians[20], 2))


def _measure(running: Product, *, rate: int, case: str) -> float:
    run = f"r{rate}{len(case)}p{os.getpid()}"
    sent = _send(running, rate=rate, seconds=SECONDS, run=run)
    spans = _spans(run, sent)
    report(
        "latency",
        f"captured to notified, {case}",
        leads=sent,
        notified=len(spans),
        p50_ms=round(percentile(spans, 0.5)),
        p95_ms=round(percentile(spans, 0.95)),
        p99_ms=round(percentile(spans, 0.99)),
        worst_ms=round(max(spans)),
        budget_p50_ms=400,
        budget_p99_ms=2000,
    )
    return percentile(spans, 0.5)


def _send(running: Product, *, rate: int, seconds: int, run: str) -> int:
    """Send ``rate`` leads a second on a timetable from enough threads that a slow answer delays no other."""
    count = rate * seconds
    began = time.perf_counter() + 0.2
    senders = 8
    refused: list[int] = []

    def work(first: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
        for number in range(first, count, senders):
            time.sleep(max(0.0, began + number / rate - time.perf_counter()))
            status, _ = post(connection, "/api/v1/capture/", lead(number, run), running.headers)
            if status != 202:
                refused.append(status)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if refused:
        raise SystemExit(f"{len(refused)} of {count} captures were refused: {sorted(set(refused))}")
    return count


def _spans(run: str, expected: int) -> list[float]:
    """Milliseconds per lead, once all are through; a lead that is not within two minutes ends the bench."""
    from leads.models import Lead

    leads = Lead.objects.filter(contact__email__contains=f".{run}@")
    for _ in range(240):
        if leads.filter(notified_at__isnull=False).count() >= expected:
            break
        time.sleep(0.5)
    else:
        left = expected - leads.filter(notified_at__isnull=False).count()
        raise SystemExit(f"{left} of {expected} leads were not notified within two minutes.")
    rows = leads.values_list("notified_at", "captures__received_at")
    return [(notified - received).total_seconds() * 1000 for notified, received in rows]


def _open_all_day() -> None:
    """The bench runs at any hour: every rep is on shift around the clock, without caps."""
    import django

    django.setup()
    from datetime import time as clock

    from routing.models import Absence, Rep, Shift

    Absence.objects.all().delete()
    Shift.objects.all().delete()
    Rep.objects.update(max_open_leads=None, max_per_day=None, is_accepting=True)
    Shift.objects.bulk_create(
        Shift(rep=rep, weekday=day, starts_at=clock(0, 0), ends_at=clock(23, 59, 59))
        for rep in Rep.objects.all()
        for day in range(7)
    )


@contextmanager
def _hanging_provider() -> Iterator[None]:
    """An enrichment provider whose server accepts and never answers."""
    from leads.models import Provider

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(512)
        provider = Provider.objects.create(
            slug="hanging",
            name="Hanging",
            kind="http_json",
            position=1,
            deadline_ms=5000,
            config={
                "url": f"http://127.0.0.1:{server.getsockname()[1]}/?email={{email}}",
                "fields": {"company.staff": "staff"},
            },
        )
        try:
            yield
        finally:
            provider.is_active = False
            provider.save()


if __name__ == "__main__":
    main()
