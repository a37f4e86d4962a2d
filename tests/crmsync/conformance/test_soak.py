"""Q01: a shorter soak run over each CRM, through the command; the long ones are printed in docs/performance.md."""

import json
from contextlib import suppress
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from crmsync.models import Connection
from tests.crmsync.conformance.conftest import every, over

pytestmark = pytest.mark.django_db(transaction=True)


@every
def test_q01_nothing_is_lost_doubled_wrong_or_out_of_order(stand, crm):
    Connection.objects.filter(pk=crm.pk).update(config={**crm.config, "sandbox": True, "address": far(stand)})
    out = StringIO()

    with suppress(SystemExit):
        call_command("soak", crm.slug, ops=100, faults=20, seed=20_261_130, json=True, stdout=out)

    told = json.loads(out.getvalue())
    names = ("lost", "duplicate", "wrong", "out_of_order", "dead", "unfinished")
    assert {name: told[name] for name in names} == dict.fromkeys(names, 0), told["samples"]
    assert told["ops"] >= 100
    assert told["faults"] >= 20
    assert told["deals"] > 5


def far(stand):
    """The CRM itself: the run brings its own failing network."""
    return {"tryton": lambda: stand.server.address, "local": lambda: ""}.get(stand.name, lambda: stand.address)()


@over("local")
def test_q01_runs_only_against_what_is_called_a_sandbox(stand, crm):
    with pytest.raises(CommandError, match="sandbox"):
        call_command("soak", crm.slug, ops=1, faults=0)
