"""The five CRMs of the conformance suite, each behind a network that can misbehave, seen by a person over there."""

import json
import socket
from datetime import timedelta

from crmsync import board
from crmsync.adapters.registry import adapter_for
from crmsync.models import Connection, LossReasonMap, StageMap
from crmsync.services.handoff import REFUSED_LOSS
from crmsync.services.outcome import lost_reason
from crmsync.soak.proxy import Proxy
from leadmgmt.core import secrets
from leadmgmt.core.now import now
from leads.models import Reason
from tests.crmsync.stands.server import serve

WORDS = {"name", "amount", "stage", "lost_reason", "close_on"}


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Stand:
    """One CRM: ``open``, ``second``, ``won`` and ``lost`` are stages of it, ``reason`` a loss reason."""

    name = ""
    has_wire = True
    ae = "ada@ours.example"
    won = None
    refused = "Refused"

    def start(self):
        """Once per run."""

    def stop(self):
        """At its end."""

    def reset(self):
        """An empty CRM, and a network in order."""

    def config(self):
        """Of the connection."""
        return {}

    def secret(self):
        """Its credentials."""
        return {}

    def connect(self, **config):
        """A connection to it, with its stages and a loss reason mapped."""
        connection = Connection.objects.create(
            slug=self.name,
            name=self.name.title(),
            adapter=self.name,
            config={"poll_seconds": 0, "adopt_matches": True, **self.config(), **config},
            secret=secrets.seal(json.dumps(self.secret())),
        )
        stages = [(self.open, "open"), (self.second, "open"), (self.won, "won"), (self.lost, "lost")]
        for place, (stage, meaning) in enumerate(stages):
            if stage:
                StageMap.objects.create(
                    connection=connection, remote=stage, meaning=meaning, position=place, is_outbound_default=place == 0
                )
        reason = Reason.objects.filter(kind=Reason.Kind.LOST, is_active=True).exclude(code__in=["other"]).first()
        LossReasonMap.objects.create(connection=connection, remote=self.reason, reason=reason)
        refused = lost_reason(REFUSED_LOSS)
        LossReasonMap.objects.create(connection=connection, remote=self.refused, reason=refused)
        return connection

    def adapter(self, connection):
        """What speaks to it."""
        return adapter_for(connection)

    # What each vendor's own stand does in its own way; nothing here can stand for it.

    def deals(self):
        """Id → what a person over there sees of each deal that has our key."""
        raise NotImplementedError

    def edit(self, remote_id, **values):
        """A person over there changes a deal."""
        raise NotImplementedError

    def delete(self, remote_id):
        """A person over there deletes it."""
        raise NotImplementedError

    def backdate(self, remote_id, seconds, **values):
        """A change that becomes visible only now, stamped ``seconds`` ago: a long transaction over there."""
        raise NotImplementedError

    def crowd(self, count):
        """So many deals of ours, all changed at one instant; returns their ids."""
        raise NotImplementedError

    def firm(self, name, website, owner="", *, buys=False):
        """A person over there enters a company; returns its id."""
        raise NotImplementedError

    def pursuit(self, firm, name, amount, owner="", stage=None):
        """A person over there works on a deal that is not ours; returns its id."""
        raise NotImplementedError

    def opt_out(self, email):
        """A person over there wants no more e-mails."""
        raise NotImplementedError

    def opted_out(self, email):
        """Whether it stands there that this person wants no more e-mails."""
        raise NotImplementedError

    def only(self):
        """The one deal there is."""
        ((remote_id, deal),) = self.deals().items()
        return remote_id, deal


class Local(Stand):
    """The built-in board; no network in between."""

    name, has_wire = "local", False
    open, second, won, lost, reason = "Discovery", "Demo", "Won", "Lost", "Price"

    def connect(self, **config):
        connection = Connection.objects.get(slug="local")
        Connection.objects.filter(pk=connection.pk).update(mode="both", config={**connection.config, **config})
        self.reason = connection.loss_reasons.first().remote
        return Connection.objects.get(pk=connection.pk)

    def deals(self):
        found = board.Deal.objects.all()
        return {
            str(one.pk): {name: getattr(one, name) or None for name in WORDS} | {"key": one.external_key}
            for one in found
        }

    def edit(self, remote_id, **values):
        if "stage" in values:
            extra = {"lost_reason": values["lost_reason"]} if "lost_reason" in values else {}
            board.move_deal(remote_id, stage=values["stage"], by="human", **extra)
        plain = {name: value for name, value in values.items() if name not in ("stage", "lost_reason")}
        if plain:
            deal = board.read_deal(remote_id)
            board.upsert_deal(external_key=deal.external_key, values=plain, deal_id=remote_id, by="human")

    def delete(self, remote_id):
        board.Deal.objects.filter(pk=remote_id).delete()

    def backdate(self, remote_id, seconds, **values):
        self.edit(remote_id, **values)
        board.Deal.objects.filter(pk=remote_id).update(modified_at=now() - timedelta(seconds=seconds))

    def crowd(self, count):
        at = now() - timedelta(seconds=5)
        made = board.Deal.objects.bulk_create(
            board.Deal(external_key=f"crowd-{one}", name=f"Deal {one}", stage=self.open, modified_at=at, created_at=at)
            for one in range(count)
        )
        board.Deal.objects.update(modified_at=at)
        return {str(one.pk) for one in made}


class WireStand(Stand):
    """Over HTTP."""

    def start(self):
        self.far, self.address = serve(self.crm)
        self.proxy = Proxy(self.address, self.is_write)

    def stop(self):
        self.proxy.close()
        self.far.shutdown()

    def reset(self):
        self.crm.reset()
        self.proxy.calm()
