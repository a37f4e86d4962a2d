"""Setting cadences up: what lacks is named, and nothing half-written is kept."""

from datetime import time
from typing import Any

import pytest

from leadmgmt.core.errors import InvalidInput
from qualification.models import Cadence, CadenceStep
from qualification.services.cadence_setup import StepData, save_cadence
from tests.qualification.test_cadences import CALL, cadence


@pytest.mark.django_db
class TestSettingUp:
    @pytest.mark.parametrize(
        ("steps", "more", "wrong"),
        [
            ((), {}, "steps"),
            ((StepData("call", 0, is_automatic=True),), {}, "steps-0"),
            ((CALL, StepData("email", 0, is_automatic=True)), {}, "steps-1"),
            ((CALL,), {"window_to": time(8)}, "window_to"),
            ((CALL,), {"condition": {"fact": "no.such"}}, "condition"),
        ],
    )
    def test_what_lacks_is_named_and_nothing_is_kept(self, steps: Any, more: dict[str, Any], wrong: str) -> None:
        fields = {
            "name": "X", "position": 1, "is_active": True, "window_from": time(9), "window_to": time(17),
            "wait_days": 2, "recycle_reason": None, "most_mails_a_day": 50, **more,
        }  # fmt: skip
        with pytest.raises(InvalidInput) as found:
            save_cadence(None, fields, fields.pop("condition", {}), steps)

        assert wrong in found.value.fields
        assert not Cadence.objects.exists()

    def test_a_name_is_given_once(self) -> None:
        cadence()

        with pytest.raises(InvalidInput) as found:
            cadence()
        assert "name" in found.value.fields
        assert CadenceStep.objects.count() == 3
