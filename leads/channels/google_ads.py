"""Google Ads lead forms: the key stands in the body, the answers too."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leadmgmt.core.secrets import same
from leads.channels.base import Call, Delivery, Hook, NotACall, SetAside, Setting, Setup
from leads.channels.signatures import wrong
from leads.channels.tree import Answers, entries, moment, text
from leads.models import Capture

COLUMNS = {
    "FULL_NAME": "name",
    "FIRST_NAME": "first_name",
    "LAST_NAME": "last_name",
    "EMAIL": "email",
    "WORK_EMAIL": "email",
    "PHONE_NUMBER": "phone",
    "WORK_PHONE": "phone",
    "COMPANY_NAME": "company",
    "JOB_TITLE": "job_title",
    "REGION": "region",
    "POSTAL_CODE": "postal_code",
    "CITY": "city",
    "COUNTRY": "country",
}
KNOWN = ("form_id", "campaign_id", "adgroup_id", "creative_id", "asset_group_id", "gcl_id", "lead_stage")


class GoogleAds(Hook):
    """Lead form assets."""

    about = gettext_lazy(
        "In the lead form's settings, under Export leads, Webhook integration: enter the address and the key below, "
        "then Send test data."
    )
    settings = (
        Setting(
            "key",
            gettext_lazy("Key"),
            gettext_lazy("Any word of yours; enter the same one at Google."),
            kind="secret",
            is_required=True,
        ),
    )

    def verify(self, call: Call, setup: Setup) -> None:
        """By `google_key` in the body."""
        if not same(text(call.object().get("google_key")), setup.secret("key")):
            raise wrong()

    def deliveries(self, call: Call, setup: Setup) -> Sequence[Delivery]:
        """One; the key is not kept."""
        told = {name: value for name, value in call.object().items() if name != "google_key"}
        number = text(told.get("lead_id"))
        if not number:
            raise NotACall(_("The call holds no lead_id."))
        is_test = told.get("is_test") is True or text(told.get("is_test")).lower() == "true"
        aside = SetAside("test", "test", _("Sent as a test by Google Ads.")) if is_test else None
        when = moment(told.get("lead_submit_time"))
        return [Delivery(told, external_id=number, occurred_at=when, aside=aside)]

    def answer(self, call: Call, setup: Setup, captures: Sequence[Capture]) -> HttpResponse:
        """An empty object, as Google documents it."""
        return JsonResponse({})

    def read(self, capture: Capture) -> Mapping[str, Any]:
        """Answers by column; what is asked for with one's own words stands under them."""
        answers = Answers()
        for one in entries(capture.payload, "user_column_data"):
            column = text(one.get("column_id"))
            answers.take(column or one.get("column_name"), one.get("string_value"), field=COLUMNS.get(column, ""))
        more = {f"google_{name}": text(capture.payload.get(name)) for name in KNOWN}
        return answers.payload(source="google-ads", subject="lead ad", **more)

    def example(self, url: str, setup: Setup) -> Call:
        """As Google's button sends it."""
        columns = [
            {"column_id": "FULL_NAME", "string_value": "Test Person", "column_name": "Full Name"},
            {"column_id": "EMAIL", "string_value": "test@example.com", "column_name": "User Email"},
        ]
        told = {"lead_id": "test", "user_column_data": columns, "is_test": True, "google_key": setup.secret("key")}
        return Call("POST", url, headers={"content-type": "application/json"}, body=json.dumps(told).encode())
