"""The stand-in enrichment service. Jobs stay in the queue: the tests run them themselves."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.leads.provider_server import Service, running_service


@pytest.fixture
def service(settings: Any) -> Iterator[Service]:
    settings.OUTBOUND_ALLOW_PRIVATE = ["127.0.0.1"]
    settings.ENRICHMENT_WAIT_SECONDS = 1
    with running_service() as running:
        yield running
