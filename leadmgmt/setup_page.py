"""Guided configuration: what works, what is missing, what is broken, and where to mend it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, role_required
from leadmgmt.setup_found import look
from leadmgmt.setup_health import health
from leadmgmt.setup_steps import STEPS
from routing.access import person


@require_GET
@role_required(ADMIN)
def setup(request: HttpRequest) -> HttpResponse:
    """All steps with one of them open: the one asked for, else the first that wants something."""
    at = now()
    found = look(person(request), at)
    steps = [build(found) for build in STEPS]
    wanted = request.GET.get("step", "")
    unfinished = [step for step in steps if step.state != "done"]
    chosen = next((step for step in steps if step.key == wanted), unfinished[0] if unfinished else steps[0])
    done = len(steps) - len(unfinished)
    context = {
        "steps": steps,
        "step": chosen,
        "number": steps.index(chosen) + 1,
        "failing": sum(1 for check in chosen.checks if check.state == "bad"),
        "missing": sum(1 for check in chosen.checks if check.state == "warn"),
        "done": done,
        "total": len(steps),
        "following": steps[(steps.index(chosen) + 1) % len(steps)],
        "health": health(found),
        "at": at,
    }
    return render(request, "leadmgmt/setup.html", context)
