"""A soak run: changes on both sides while the network fails, then calm, then both sides compared to the last field."""

import contextvars
import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connections, transaction

from crmsync.adapters.base import DEAL, SetStage, Upsert
from crmsync.adapters.errors import AdapterError
from crmsync.adapters.registry import adapter_for, bent
from crmsync.canonical import canonical
from crmsync.models import Connection, InboxEvent, Link, Opportunity, OutboxEntry, RateBucket, StageMap
from crmsync.services import pull, push
from crmsync.services.claim import LEASE, OPEN
from crmsync.services.outbox import external_key, record_change
from crmsync.services.repair import retry_entries
from crmsync.soak.bends import LATE_SECONDS, Dice, LocalBend, ProxyBend
from crmsync.soak.cast import new_deal
from crmsync.soak.writes import is_write
from leadmgmt.core.now import moment, now

WORKERS = 4
# So many changes between two rounds of the machinery.
ROUND = 25
MOST_DRAINS = 60
CALM = timedelta(minutes=16)


@dataclass
class Told:
    """What came of it; all of the first four are to be zero.

    ``dead``: changes that were given up while faults struck. They are sent again in the calm, as an admin would do
    with one click, and are compared like all others; ``unfinished`` has those that do not come through even then.
    """

    connection: str
    seed: int
    lost: int = 0
    duplicate: int = 0
    wrong: int = 0
    out_of_order: int = 0
    dead: int = 0
    unfinished: int = 0
    ops: int = 0
    deals: int = 0
    faults: int = 0
    fired: dict[str, int] = field(default_factory=dict)
    seconds: float = 0
    samples: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing went wrong; what was given up and could be sent again is told, and is no loss."""
        return not (self.lost or self.duplicate or self.wrong or self.out_of_order or self.unfinished)


class Soak:
    """One run against one connection, by a seed."""

    def __init__(self, connection: Connection, *, ops: int, faults: int, seed: int, say: Callable[[str], None]) -> None:
        self.connection, self.ops, self.faults, self.say = connection, ops, faults, say
        self.random, self.dice = random.Random(seed), Dice(seed)
        self.told = Told(connection.slug, seed)
        self.deals: list[int] = []
        self.amounts: dict[int, Decimal] = {}
        self.names: dict[int, int] = Counter()
        self.closed: set[int] = set()
        self.ahead = timedelta(0)
        stages = StageMap.objects.filter(connection=connection)
        self.open = list(stages.filter(meaning="open").values_list("remote", flat=True))
        self.lost = stages.filter(meaning="lost").values_list("remote", flat=True).first()
        self.reason = connection.loss_reasons.values_list("remote", flat=True).first()

    def run(self) -> Told:
        """All of it. Faults strike until enough changes were made and enough of them fired."""
        began = time.monotonic()
        self.direct = adapter_for(self.connection)
        address = str(self.connection.config.get("address", ""))
        bend = ProxyBend(address, is_write(self.connection.adapter), self.dice) if address else LocalBend(self.dice)
        self.bend = bend
        try:
            with bent(bend):
                while self.told.ops < self.ops or sum(bend.fired.values()) < self.faults:
                    self._changes()
                    self._round()
                    self._pass(timedelta(seconds=5) if self.random.random() < 0.7 else CALM)
                self.dice.is_open = False
                self._drain()
        finally:
            bend.close()
        self._compare()
        self.told.fired = dict(bend.fired)
        self.told.faults = sum(bend.fired.values())
        self.told.deals = len(self.deals)
        self.told.seconds = round(time.monotonic() - began, 1)
        return self.told

    def _at(self) -> datetime:
        return now() + self.ahead

    def _pass(self, span: timedelta) -> None:
        """Let time pass, on our side at once; the CRM gets as long as its latest write takes."""
        time.sleep(LATE_SECONDS * 1.5 if span >= CALM else 0)
        self.ahead += span

    def _changes(self) -> None:
        for _ in range(ROUND):
            self.told.ops += 1
            with moment(self._at(), ticking=True), suppress(AdapterError):
                self._change()

    def _change(self) -> None:
        """One change, by us or by a person over there."""
        chance = self.random.random()
        if not self.deals or chance < 0.12:
            self.deals.append(new_deal(self.random.randrange(10**9)).pk)
            return
        number = self.random.choice(self.deals)
        if number in self.closed:
            # Closed deals are read-only in some CRMs.
            return
        if chance < 0.55:
            self._rename(number)
            return
        link = Link.objects.filter(connection=self.connection, opportunity=number).exclude(remote_id=None).first()
        if link is None or not link.remote_id:
            self._rename(number)
        elif chance < 0.82:
            amount = Decimal(self.random.randrange(100, 10**7)) / 100
            self.direct.upsert(Upsert(DEAL, link.external_key, {"amount": amount}, link.remote_id), self._deadline())
            self.amounts[number] = amount
        elif chance < 0.96 or self.lost is None:
            stage = self.random.choice(self.open)
            self.direct.set_stage(SetStage(DEAL, link.external_key, link.remote_id, stage), self._deadline())
        elif not OutboxEntry.objects.filter(opportunity=number, state__in=OPEN).exists():
            lost = SetStage(DEAL, link.external_key, link.remote_id, self.lost, self.reason)
            self.closed.add(number)
            self.direct.set_stage(lost, self._deadline())

    def _rename(self, number: int) -> None:
        with transaction.atomic():
            opportunity = Opportunity.objects.select_for_update().get(pk=number)
            self.names[number] += 1
            opportunity.name = f"{opportunity.name.rpartition(' #')[0] or opportunity.name} #{self.names[number]}"
            opportunity.save(update_fields=["name"])
            record_change(opportunity, ["name"], at=now())

    def _deadline(self) -> datetime:
        return now() + timedelta(seconds=20)

    def _round(self) -> None:
        """Several workers send while another one reads."""
        at = self._at()
        RateBucket.objects.filter(connection=self.connection).delete()
        jobs = [push.push_connection] * WORKERS + [pull.pull_connection]

        def work(job: Callable[[int], str]) -> None:
            try:
                with moment(at, ticking=True):
                    job(self.connection.pk)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(len(jobs)) as pool:
            runs = [pool.submit(contextvars.copy_context().run, work, job) for job in jobs]
            for one in runs:
                one.result()

    def _drain(self) -> None:
        """No more faults: everything that is open has to come through by itself, what was given up once asked for."""
        given_up = OutboxEntry.objects.filter(connection=self.connection, state__in=["dead", "waiting"])
        self._until_empty()
        for entry in given_up:
            self.told.dead += 1
            self._sample(f"entry {entry.pk} of opportunity {entry.opportunity_id}: {entry.error_class}: {entry.error}")
        if self.told.dead:
            with moment(self._at(), ticking=True):
                retry_entries([entry.pk for entry in given_up], by=None)
            self._until_empty()
        self.told.unfinished += given_up.count()

    def _until_empty(self) -> None:
        for _ in range(MOST_DRAINS):
            self._pass(CALM + LEASE)
            self._round()
            waiting = OutboxEntry.objects.filter(connection=self.connection, state__in=OPEN)
            unread = InboxEvent.objects.filter(connection=self.connection, state=InboxEvent.State.READY)
            if not waiting.exists() and not unread.exists():
                break
        self._round()
        self.told.unfinished = waiting.count() + unread.count()

    def _compare(self) -> None:
        """Record by record: there once, with our name and their amount and stage."""
        for number in self.deals:
            opportunity = Opportunity.objects.select_related("lead").get(pk=number)
            found = self.direct.find_by_key(DEAL, external_key(opportunity), self._deadline())
            if len(found) != 1:
                self.told.lost += not found
                self.told.duplicate += max(0, len(found) - 1)
                self._sample(f"{len(found)} records of opportunity {number}")
                continue
            self._compare_values(opportunity, found[0].values)

    def _compare_values(self, opportunity: Opportunity, there: Any) -> None:
        pairs = {
            "name": (opportunity.name, there["name"]),
            "amount": (opportunity.amount, there["amount"]),
            "stage": (opportunity.remote_stage, there["stage"]),
        }
        if opportunity.pk in self.amounts:
            pairs["their amount"] = (self.amounts[opportunity.pk], opportunity.amount)
        for name, (one, other) in pairs.items():
            if canonical(one) != canonical(other):
                kind = "out_of_order" if name == "name" and _number(other) < _number(one) else "wrong"
                setattr(self.told, kind, getattr(self.told, kind) + 1)
                self._sample(f"{name} of opportunity {opportunity.pk}: {one} here, {other} there")

    def _sample(self, said: str) -> None:
        if len(self.told.samples) < 20:
            self.told.samples.append(said)
            self.say(said)


def _number(name: Any) -> int:
    digits = str(name).rpartition(" #")[2]
    return int(digits) if digits.isdecimal() else 0
