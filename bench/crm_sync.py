"""The sync with a CRM that answers: what noting a change costs, how long one is on its way, how fast a backlog drains.

All against the Salesforce stand-in on this machine, four workers. BENCH_SECONDS (60) of ten changes a second,
BENCH_BACKLOG (5,000) deals with a change after an outage, BENCH_LINKS (20,000) compared, a hundredth of them seeded
with a difference. BENCH_PARTS names the parts to run, all of them otherwise.
"""

import contextvars
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

from bench.crm_known import change, edited, known, known_alike
from bench.harness import ROOT, report

SECONDS = int(os.environ.get("BENCH_SECONDS", "60"))
BACKLOG, LINKS = int(os.environ.get("BENCH_BACKLOG", "5000")), int(os.environ.get("BENCH_LINKS", "20000"))
WORKERS, A_SECOND, NOTED = 4, 10, 1000
HUNDREDTH = 100
POLL = 15.0
ECHOES, HOOKS, HOOKS_A_SECOND = 1000, 1000, 100
PARTS = os.environ.get("BENCH_PARTS", "noting down lag faults inbound backlog compare echo webhooks").split()
# With the CRM there and away by turns, so that what else the machine does meets both alike.
TURNS, A_TURN = 6, 300
STAMPS = "created_at", "done_at"


def main() -> None:
    """Print each figure."""
    folder = Path(tempfile.mkdtemp(prefix="leadmgmt-bench-"))
    folder.chmod(0o755)
    os.environ |= {"LEADMGMT_VAR": str(folder), "DJANGO_SETTINGS_MODULE": "bench.settings"}
    try:
        subprocess.run([sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity", "0"], check=True, cwd=ROOT)
        import django

        django.setup()
        _bench()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _bench() -> None:
    from django.conf import settings

    from crmsync.models import Connection
    from tests.crmsync.stands.stand_own import SalesforceStand
    from tests.crmsync.things import make_crm
    from tests.factories import make_user

    settings.OUTBOUND_ALLOW_PRIVATE = ["127.0.0.1"]
    settings.ALLOWED_HOSTS = ["testserver"]
    stand = SalesforceStand()
    stand.start()
    make_crm()
    make_user("ae", email=stand.ae)
    Connection.objects.update(mode="off")
    crm = stand.connect()
    stand.crm.remaining = 10**9
    deals = [known(stand, crm, number) for number in range(BACKLOG)]
    if "compare" in PARTS and LINKS > BACKLOG:
        known_alike(stand, crm, deals[0], LINKS - BACKLOG)
    parts = {
        "noting": lambda: _noting(deals),
        "down": lambda: _down(stand, crm, deals),
        "lag": lambda: _lag(crm, deals),
        "faults": lambda: _faults(stand, crm, deals),
        "inbound": lambda: _inbound(stand, crm),
        "backlog": lambda: _backlog(crm, deals[:BACKLOG]),
        "compare": lambda: _compare(stand, crm),
        "echo": lambda: _echo(stand, crm, deals[0]),
        "webhooks": lambda: _webhooks(crm),
    }
    for part in PARTS:
        parts[part]()
    stand.stop()


def _noting(deals):
    """A change with its entry in the outbox, beside the change alone."""
    from django.db import transaction

    bare, noted = [], []
    for opportunity in deals[:NOTED]:
        began = time.perf_counter()
        with transaction.atomic():
            opportunity.save(update_fields=["name"])
        bare.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
        change(opportunity)
        noted.append((time.perf_counter() - began) * 1000)
    report(
        "crm_sync",
        "noting a change for the CRM, beside the change alone, ms",
        alone_p99=_at(bare, 99),
        noted_p99=_at(noted, 99),
        more_p50=round(statistics.median(noted) - statistics.median(bare), 2),
        more_p99=round(_at(noted, 99) - _at(bare, 99), 2),
    )
    _work(_connection(), until_empty=True)


def _down(stand, crm, deals):
    """The same while the CRM answers nothing, beside while it answers; the workers go on trying."""
    took: dict[bool, list[float]] = {True: [], False: []}
    with _workers(crm):
        for turn in range(TURNS * 2):
            is_up = turn % 2 == 0
            stand.proxy.dice = None if is_up else _nothing
            if is_up:
                _recover(crm)
            began = time.monotonic()
            for number in range(A_TURN):
                at = time.perf_counter()
                change(deals[(turn * A_TURN + number) % len(deals)])
                took[is_up].append((time.perf_counter() - at) * 1000)
                time.sleep(max(0.0, began + (number + 1) / A_SECOND / 2 - time.monotonic()))
    stand.proxy.dice = None
    report(
        "crm_sync",
        "noting a change while the CRM is away, beside while it is there, ms",
        there_p50=round(statistics.median(took[True]), 2),
        away_p50=round(statistics.median(took[False]), 2),
        there_p99=_at(took[True], 99),
        away_p99=_at(took[False], 99),
        ratio_p99=round(_at(took[False], 99) / _at(took[True], 99), 3),
    )
    _recover(crm)


def _nothing(request):
    """Every connection is cut."""
    from crmsync.soak.proxy import Fault

    return Fault("reset")


def _recover(crm):
    """The CRM is back, and what waited for it goes out now."""
    from crmsync.models import OutboxEntry
    from crmsync.services import breaker
    from leadmgmt.core.now import now

    breaker.forget(crm.pk)
    OutboxEntry.objects.filter(connection=crm, state__in=["ready", "verify"]).update(not_before=now())
    _work(crm.pk, until_empty=True)


@contextmanager
def _workers(crm):
    """Four that send for as long as this lasts."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=contextvars.copy_context().run, args=(_work, crm.pk, stop)) for _ in range(WORKERS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _lag(crm, deals):
    """Ten changes a second while four workers send."""
    _confirmed(crm, deals, 2, "from the commit to the CRM's confirmation")


def _faults(stand, crm, deals):
    """The same while a third of the writes meets a fault."""
    from crmsync.adapters.registry import bent
    from crmsync.soak.bends import Dice, ProxyBend
    from crmsync.soak.writes import is_write

    bend = ProxyBend(stand.address, is_write("salesforce"), Dice(1))
    try:
        with bent(bend):
            _confirmed(crm, deals, 120, "the same with the faults of a soak")
    finally:
        bend.close()
    report("crm_sync", "faults that fired", **dict(bend.fired))
    _recover(crm)


def _confirmed(crm, deals, patience, name):
    """Ten changes a second, ``patience`` seconds for the last of them: how long each took."""
    from django.db.models import Max

    from crmsync.models import OutboxEntry

    newest = OutboxEntry.objects.aggregate(pk=Max("pk"))["pk"] or 0
    made = OutboxEntry.objects.filter(connection=crm, pk__gt=newest)
    with _workers(crm):
        began = time.monotonic()
        for number in range(SECONDS * A_SECOND):
            change(deals[number * 7 % len(deals)])
            time.sleep(max(0.0, began + (number + 1) / A_SECOND - time.monotonic()))
        until = time.monotonic() + patience
        while time.monotonic() < until and made.exclude(state__in=["done", "superseded"]).exists():
            time.sleep(0.5)
    seconds = [(at - created).total_seconds() for created, at in made.filter(state="done").values_list(*STAMPS)]
    report(
        "crm_sync",
        f"{name}, {A_SECOND} changes a second for {SECONDS} s",
        changes=SECONDS * A_SECOND,
        confirmed=len(seconds),
        p50_s=round(statistics.median(seconds), 3),
        p99_s=_at(seconds, 99, 3),
    )


def _inbound(stand, crm):
    """Ten changes a second over there: every other one is told by a webhook, the rest is found by polls."""
    from crmsync.models import AuditRow
    from crmsync.services.hints import follow_hints
    from crmsync.services.pull import pull_connection

    pull_connection(crm.pk)
    stop, made = threading.Event(), {"webhook": {}, "poll": {}}
    threads = [
        threading.Thread(target=_again, args=(stop, pause, job, crm.pk))
        for pause, job in ((0.5, follow_hints), (POLL, pull_connection))
    ]
    for thread in threads:
        thread.start()
    ids = list(stand.crm.records["Opportunity"])
    began = time.monotonic()
    for number in range(SECONDS * A_SECOND):
        how, remote_id, amount = ("webhook", "poll")[number % 2], ids[number * 7 % len(ids)], 1000 + number
        made[how][remote_id, f"{amount}"] = edited(stand, crm, remote_id, amount, is_told=how == "webhook")
        time.sleep(max(0.0, began + (number + 1) / A_SECOND - time.monotonic()))
    time.sleep(POLL + 5)
    stop.set()
    for thread in threads:
        thread.join()
    applied = {}
    rows = AuditRow.objects.filter(direction="pull", verdict="applied", link__connection=crm)
    for remote_id, at, changes in rows.values_list("link__remote_id", "at", "changes"):
        if amount := changes["fields"].get("amount"):
            applied.setdefault((remote_id, str(amount[1]).partition(".")[0]), at)
    for how, changes in made.items():
        seconds = [(applied[key] - at).total_seconds() for key, at in changes.items() if key in applied]
        report(
            "crm_sync",
            f"from a change there to the commit here, by {how}, {A_SECOND} a second for {SECONDS} s in all",
            changes=len(changes),
            applied=len(seconds),
            p50_s=round(statistics.median(seconds), 3),
            p99_s=_at(seconds, 99, 3),
        )


def _again(stop, pause, job, pk):
    """A job as the clock nudges it."""
    from django.db import connections

    try:
        while not stop.is_set():
            job(pk)
            stop.wait(pause)
    finally:
        connections.close_all()


def _backlog(crm, deals):
    """What has piled up while the CRM was away."""
    for opportunity in deals:
        change(opportunity)
    began = time.monotonic()
    threads = [threading.Thread(target=_work, args=(crm.pk,), kwargs={"until_empty": True}) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    report(
        "crm_sync",
        f"{len(deals)} queued changes after an outage",
        seconds=round(took, 1),
        a_second=round(len(deals) / took, 1),
    )


def _compare(stand, crm):
    """Both sides, with a hundredth of the records changed there."""
    from crmsync.services.reconcile import reconcile

    records = list(stand.crm.records["Opportunity"].values())
    seeded = records[::HUNDREDTH]
    for record in seeded:
        record["Amount"] = 1.0
    began = time.monotonic()
    found = reconcile(crm)
    took = time.monotonic() - began
    report(
        "crm_sync",
        f"{found.links} links compared",
        seconds=round(took, 1),
        a_second=round(found.links / took),
        seeded=len(seeded),
        found=found.counts["field_diff"],
        others=sum(found.counts.values()) - found.counts["field_diff"],
    )


def _echo(stand, crm, opportunity):
    """Our own write comes back again and again."""
    from crmsync.services.pull import pull_connection
    from crmsync.services.push import push_connection

    for record in list(stand.crm.records["Opportunity"].values())[1:]:
        del stand.crm.records["Opportunity"][record["Id"]]
    change(opportunity)
    push_connection(crm.pk)
    writes = stand.proxy.writes
    for _ in range(ECHOES):
        pull_connection(crm.pk)
        push_connection(crm.pk)
    report("crm_sync", f"{ECHOES} rounds of reading our own write", more_writes=stand.proxy.writes - writes)


def _webhooks(crm):
    """A hundred a second for ten seconds, each a notification of its own, by four senders."""
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connections
    from django.test import Client

    from tests.crmsync.conformance.test_webhooks import address, message

    def send(sender):
        client, took = Client(), []
        began = time.monotonic()
        for number in range(HOOKS // WORKERS):
            body = message((sender * HOOKS + number, f"0065g00000{number:05d}"))
            at = time.perf_counter()
            status = client.post(address(crm, "hook-canary-1"), body, content_type="text/xml").status_code
            took.append((status, time.perf_counter() - at))
            time.sleep(max(0.0, began + (number + 1) * WORKERS / HOOKS_A_SECOND - time.monotonic()))
        connections.close_all()
        return took

    with ThreadPoolExecutor(WORKERS) as pool:
        took = [one for many in pool.map(send, range(WORKERS)) for one in many]
    report(
        "crm_sync",
        f"webhooks verified, stored and answered, {HOOKS_A_SECOND} a second, within one process",
        sent=len(took),
        acknowledged=sum(status == 200 for status, _ in took),
        p99_s=_at([seconds for _, seconds in took], 99, 3),
    )


def _connection():
    from crmsync.models import Connection

    return Connection.objects.exclude(mode="off").get().pk


def _work(pk, stop=None, *, until_empty=False):
    """What a worker does: send what is due, as soon as it is there."""
    from django.db import connections

    from crmsync.services.push import push_connection

    try:
        while not (stop and stop.is_set()):
            said = push_connection(pk)
            if until_empty and said == "0 sent":
                return
            if said.startswith("0 sent"):
                time.sleep(0.02)
    finally:
        connections.close_all()


def _at(values, percent, digits=2):
    return round(statistics.quantiles(values, n=100)[percent - 1], digits)


if __name__ == "__main__":
    main()
