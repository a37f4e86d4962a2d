"""The learned chance: its quality for everybody who reads reports, training and publishing for admins."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from leadmgmt.core.errors import DomainError
from leadmgmt.core.now import now
from leadmgmt.core.permissions import CONFIGURERS, REPORT_READERS, has_role, role_required
from qualification.access import person
from qualification.desk import prediction_page as shown
from qualification.models import PredictionFact, PredictionModel, TrainingRun
from qualification.prediction.looked_at import is_looked_at
from qualification.services.prediction_versions import publish_prediction, withdraw_prediction
from qualification.services.training_data import LEAST_OTHERS, LEAST_WINS, count_outcomes
from qualification.services.training_runs import begin_run, newest_training

Status = PredictionModel.Status
MOST_VERSIONS = 12


@role_required(*REPORT_READERS)
@require_GET
def prediction(request: HttpRequest) -> HttpResponse:
    """The version that predicts, the challenger beside it; any other by ``?version=``."""
    rows = list(PredictionModel.objects.defer("body", "reference")[:MOST_VERSIONS])
    by_status = {row.status: row for row in rows if row.status != Status.ARCHIVED}
    asked = request.GET.get("version", "")
    chosen = next((row for row in rows if str(row.version) == asked), None)
    chosen = chosen or by_status.get(Status.PUBLISHED) or by_status.get(Status.SHADOW)
    challenger = by_status.get(Status.SHADOW)
    context = {
        "at": now(),
        "version": shown.version_of(chosen) if chosen else None,
        "challenger": shown.version_of(challenger) if challenger and challenger != chosen else None,
        "published": by_status.get(Status.PUBLISHED),
        "rows": rows,
        "run": newest_training(),
        "enough": count_outcomes(),
        "least": {"wins": LEAST_WINS, "others": LEAST_OTHERS},
        "said": shown.said_facts(),
        "may_edit": has_role(person(request), *CONFIGURERS),
    }
    return render(request, "qualification/prediction.html", context)


@role_required(*REPORT_READERS)
@require_GET
def prediction_progress(request: HttpRequest) -> HttpResponse:
    """How far the training has come: a fragment asked for each second; the whole page once it is through."""
    run = newest_training()
    response = render(request, "qualification/_training.html", {"run": run, "at": now()})
    if run is None or run.state != TrainingRun.State.RUNNING:
        response["HX-Refresh"] = "true"
    return response


@require_POST
@role_required(*CONFIGURERS)
def prediction_train(request: HttpRequest) -> HttpResponse:
    """Train now."""
    run = begin_run(TrainingRun.Kind.TRAIN, by=person(request))
    if run.kind != TrainingRun.Kind.TRAIN:
        messages.info(request, _("The versions are being looked at just now. Train again in a minute."))
    return redirect("qualification:prediction")


@require_POST
@role_required(*CONFIGURERS)
def prediction_publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a version predict, or withdraw the one that does."""
    row = get_object_or_404(PredictionModel.objects.defer("body", "reference"), pk=pk)
    if request.POST.get("act") == "withdraw":
        withdraw_prediction(pk)
        messages.success(request, _("Chances are counted by grade again; open leads are scored anew."))
        return redirect("qualification:prediction")
    try:
        publish_prediction(pk, by=person(request), although_worse=request.POST.get("although_worse") == "on")
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("qualification:prediction")
    words = {"version": row.version}
    messages.success(request, _("Version %(version)s predicts from now on; open leads are scored anew.") % words)
    return redirect("qualification:prediction")


@require_POST
@role_required(*CONFIGURERS)
def prediction_fact(request: HttpRequest) -> HttpResponse:
    """Leave a fact out, use it although the guard refuses it, or take that back; the next training goes by it."""
    fact, choice = request.POST.get("fact", ""), request.POST.get("choice", "")
    if choice == "forget":
        PredictionFact.objects.filter(fact=fact).delete()
    elif choice in PredictionFact.Choice.values and 0 < len(fact) <= 200 and is_looked_at(fact):
        said = {"choice": choice, "by": person(request), "at": now()}
        PredictionFact.objects.update_or_create(fact=fact, defaults=said)
    else:
        messages.error(request, _("This fact is never looked at."))
        return redirect("qualification:prediction")
    messages.success(request, _("Said. The next training goes by it."))
    return redirect("qualification:prediction")
