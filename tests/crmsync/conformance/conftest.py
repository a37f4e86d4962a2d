"""The conformance suite (CRM_CONTRACT 15): every row by its id, over all five CRMs."""

from threading import Thread

import pytest

from crmsync.models import Connection
from tests.crmsync.stands.stand_others import HubspotStand, all_stands
from tests.crmsync.things import make_crm
from tests.factories import make_user

NAMES = ("local", "salesforce", "hubspot", "odoo", "tryton")
WIRED = tuple(name for name in NAMES if name != "local")


def pytest_collection_modifyitems(items):
    """The one that takes longest to get ready comes last."""
    ours = [item for item in items if "conformance" in str(item.path)]
    rest = [item for item in items if "conformance" not in str(item.path)]
    items[:] = rest + sorted(ours, key=lambda item: "tryton" in item.name)


class Stands:
    """Each is started when it is first asked for; Tryton at once, beside the tests that need it not yet."""

    def __init__(self):
        self.known, self.started, self.trouble = all_stands(), set(), None
        small = HubspotStand(is_shared=False)
        small.name = "hubspot"
        self.known["small_hubspot"] = small
        self.ahead = Thread(target=self._prepare)

    def _prepare(self):
        try:
            self.known["tryton"].start()
        except Exception as error:  # told to whoever asks for it
            self.trouble = error

    def get(self, name):
        """The stand, running."""
        stand = self.known[name]
        if name not in self.started:
            if name == "tryton":
                self.ahead.join()
                if self.trouble:
                    raise self.trouble
            else:
                stand.start()
            self.started.add(name)
        return stand


@pytest.fixture(scope="session")
def stands(request, django_db_setup, django_db_blocker):
    found = Stands()
    if any("tryton" in item.name for item in request.session.items):
        with django_db_blocker.unblock():
            found.known["tryton"].place()
        found.ahead.start()
    yield found
    if found.ahead.ident:
        found.ahead.join()
        if not found.trouble:
            found.started.add("tryton")
    for name in found.started:
        found.known[name].stop()


@pytest.fixture
def stand(request, stands, db, settings):
    """The CRM that the test names, empty, and an organisation whose only connection it is."""
    settings.OUTBOUND_ALLOW_PRIVATE = ["127.0.0.1"]
    found = stands.get(request.param)
    found.reset()
    make_crm()
    Connection.objects.update(mode="off")
    make_user("ae", first_name="Ada", email=found.ae)
    return found


@pytest.fixture
def crm(stand):
    """The connection to it."""
    return stand.connect()


def over(*names):
    """Run the test with each of these CRMs."""
    return pytest.mark.parametrize("stand", names, indirect=True)


every = over(*NAMES)
wired = over(*WIRED)
