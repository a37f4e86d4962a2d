"""What the tests of the sync share."""

import pytest

from crmsync.models import Connection
from tests.crmsync.memory import MemoryCrm, connect
from tests.crmsync.things import make_crm
from tests.factories import make_user


@pytest.fixture
def crm():
    """A CRM in memory instead of the board, and an AE."""
    make_crm()
    Connection.objects.update(mode="off")
    make_user("ae", first_name="Ada")
    return MemoryCrm()


@pytest.fixture
def linked(crm):
    """The connection to it."""
    return connect(crm)
