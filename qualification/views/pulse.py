"""The heartbeat of an open lead page: who else looks at it, and whether something new has happened."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from leadmgmt.core.now import now
from leads.models import LeadEvent
from qualification import access
from qualification.desk.sentences import event_told, load_words
from qualification.services.viewing import note_viewing

# What the machine does with every lead is no news to a person who reads it.
QUIET = ("lead.enriched", "lead.scored", "activity.logged", "activity.undone")


@require_POST
@login_required
def lead_pulse(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Nothing moves on the page: news are offered as a line with a button that shows them."""
    user, at = access.person(request), now()
    lead = access.visible_lead(user, lead_id)
    after = request.POST.get("after", "")
    since = int(after) if after.isdecimal() and len(after) < 19 else 0
    fresh = LeadEvent.objects.filter(lead=lead, pk__gt=since).exclude(kind__in=QUIET).exclude(actor=user)
    event = fresh.select_related("actor").order_by("-pk").first()
    context = {
        "lead": lead,
        "viewers": note_viewing(lead, user, at),
        "news": event_told(event, load_words(lead, at, [event])) if event else None,
    }
    return render(request, "qualification/_pulse.html", context)
