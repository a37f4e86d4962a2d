"""Setting a CRM up in the browser: access, fields, stages, reasons, dry run, canary, on."""

import csv
import io
import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from crmsync.adapters.base import DEAL
from crmsync.adapters.registry import adapter_for, adapter_names, setup_of
from crmsync.models import Connection, DryRun
from crmsync.pages.setup import setup_page, step_names
from crmsync.services import backfill, dry_run, sign_in
from crmsync.services import setup as service
from crmsync.setup_forms import NAMES, AccessForm, FieldsForm, ReasonsForm, StagesForm
from leadmgmt.core.csv_cells import safe_row
from leadmgmt.core.errors import DomainError, InvalidInput
from leadmgmt.core.permissions import ADMIN, role_required
from leadmgmt.core.web import complain, is_partial, post_from
from qualification.access import person

PAGE = "crmsync:connection"


@require_http_methods(["GET", "POST"])
@role_required(ADMIN)
def connection_new(request: HttpRequest) -> HttpResponse:
    """Choose which CRM."""
    if request.method == "POST":
        made = service.create_connection(request.POST.get("adapter", ""))
        messages.success(request, _("It is there, and off. Tell it where the account is."))
        return redirect(PAGE, made.slug)
    kinds = [(name, setup_of(name)) for name in adapter_names() if setup_of(name).settings]
    return render(request, "crmsync/connection_new.html", {"kinds": kinds})


@require_GET
@role_required(ADMIN)
def connection(request: HttpRequest, slug: str) -> HttpResponse:
    """How it is set up, step by step."""
    return _page(request, _found(slug))


@role_required(ADMIN)
@post_from(PAGE, "slug")
def connection_access(request: HttpRequest, slug: str) -> HttpResponse:
    """Where the account is and what opens it."""
    found = _found(slug)
    setup = setup_of(found.adapter)
    form = AccessForm(request.POST, connection=found, setup=setup, kept=service.kept_secrets(found))
    if not form.is_valid():
        return _page(request, found, access=form)
    service.save_access(found, form.cleaned_data["name"], form.config(), form.secrets())
    messages.success(request, _("Saved. Now try it."))
    return _to(slug, "access")


@role_required(ADMIN)
@post_from(PAGE, "slug")
def connection_try(request: HttpRequest, slug: str) -> HttpResponse:
    """Sign in and read what the CRM says of itself."""
    found = _found(slug)
    return _page(request, found, trial=service.try_out(found))


@role_required(ADMIN)
@post_from(PAGE, "slug")
def connection_prepare(request: HttpRequest, slug: str) -> HttpResponse:
    """Make the fields of ours that are missing there."""
    made = service.prepare(_found(slug))
    if made:
        messages.success(request, _("Made in the CRM: %(names)s.") % {"names": ", ".join(made)})
    else:
        messages.success(request, _("They are all there."))
    return _to(slug, "fields")


@role_required(ADMIN)
@post_from(PAGE, "slug")
def connection_fields(request: HttpRequest, slug: str) -> HttpResponse:
    """Which field of theirs keeps which of ours."""
    found = _found(slug)
    form = FieldsForm(request.POST, connection=found, mapped=dict(adapter_for(found).fields(DEAL)))
    return _save(request, found, "fields", form, lambda: service.save_fields(found, form.chosen()))


@role_required(ADMIN)
@post_from(PAGE, "slug")
def connection_stages(request: HttpRequest, slug: str) -> HttpResponse:
    """What each stage means."""
    found = _found(slug)
    form = StagesForm(request.POST, connection=found)
    return _save(
        request,
        found,
        "stages",
        form,
        lambda: service.save_stages(found, form.meanings(), form.cleaned_data["first"]),
    )


@role_required(ADMIN)
@post_from(PAGE, "slug")
def connection_reasons(request: HttpRequest, slug: str) -> HttpResponse:
    """Their word for each loss reason."""
    found = _found(slug)
    form = ReasonsForm(request.POST, connection=found)
    return _save(request, found, "reasons", form, lambda: service.save_reasons(found, form.chosen()))


@role_required(ADMIN)
@post_from(PAGE, "slug")
def connection_dry_run(request: HttpRequest, slug: str) -> HttpResponse:
    """Plan what would be written."""
    run = dry_run.begin_dry_run(_found(slug))
    return redirect("crmsync:dry_run", slug, run.pk)


@require_GET
@role_required(ADMIN)
def dry_run_detail(request: HttpRequest, slug: str, run_id: int) -> HttpResponse:
    """What a dry run found, as a page, as CSV or as JSON."""
    run = get_object_or_404(DryRun.objects.select_related("connection"), pk=run_id, connection__slug=slug)
    kind = request.GET.get("format")
    if kind == "csv":
        return _download(_lines(run), "text/csv; charset=utf-8", f"{slug}-dry-run-{run.pk}.csv")
    if kind == "json":
        said = json.dumps(run.rows, ensure_ascii=False, indent=1)
        return _download(said, "application/json", f"{slug}-dry-run-{run.pk}.json")
    counts = {name: sum(row["action"] == name for row in run.rows) for name in ("create", "update", "skip", "problem")}
    rows = [_shown(row) for row in run.rows]
    template = "crmsync/_dry_run.html" if is_partial(request) else "crmsync/dry_run.html"
    return render(request, template, {"run": run, "connection": run.connection, "counts": counts, "rows": rows})


@role_required(ADMIN)
@post_from("crmsync:dry_run", "slug", "run_id")
def dry_run_reviewed(request: HttpRequest, slug: str, run_id: int) -> HttpResponse:
    """Somebody has read it."""
    run = get_object_or_404(DryRun, pk=run_id, connection__slug=slug, error="", done_at__isnull=False)
    dry_run.review(run, person(request))
    messages.success(request, _("Noted. The connection can be switched on."))
    return _to(slug, "on")


@role_required(ADMIN)
@post_from(PAGE, "slug")
def connection_switch(request: HttpRequest, slug: str) -> HttpResponse:
    """On, off, or one direction."""
    found = _found(slug)
    service.switch(found, request.POST.get("mode", ""), canary=request.POST.get("canary") == "yes")
    messages.success(request, _("%(crm)s: %(mode)s.") % {"crm": found.name, "mode": found.get_mode_display()})
    return _to(slug, "on")


@role_required(ADMIN)
@post_from(PAGE, "slug")
def connection_backfill(request: HttpRequest, slug: str) -> HttpResponse:
    """Have the deals sent that were there before."""
    count = backfill.backfill(_found(slug))
    said = ngettext("%(n)s deal is on its way.", "%(n)s deals are on their way.", count)
    messages.success(request, said % {"n": count})
    return _to(slug, "on")


@role_required(ADMIN)
@post_from(PAGE, "slug")
def connection_filling(request: HttpRequest, slug: str) -> HttpResponse:
    """Let the deals that were there before wait, or go on."""
    on = request.POST.get("on") == "yes"
    backfill.set_filling(_found(slug), on=on)
    messages.success(request, _("They go on.") if on else _("Paused; what people do goes on."))
    return _to(slug, "on")


@role_required(ADMIN)
@post_from(PAGE, "slug")
def connection_hook(request: HttpRequest, slug: str) -> HttpResponse:
    """A secret for webhooks: typed in where the vendor signs with it, otherwise made here and shown once."""
    found = _found(slug)
    if given := request.POST.get("secret", "").strip():
        service.save_hook_secret(found, given)
        messages.success(request, _("Kept. The one before it holds until the next is made."))
        return _to(slug, "hook")
    return _page(request, found, fresh=service.new_hook_secret(found))


@require_GET
@role_required(ADMIN)
def connection_sign_in(request: HttpRequest, slug: str) -> HttpResponse:
    """To the vendor's own page."""
    return HttpResponseRedirect(sign_in.begin(_found(slug), person(request)))


@require_GET
@role_required(ADMIN)
def signed_in(request: HttpRequest) -> HttpResponse:
    """Back from the vendor's page, with a code or with a no."""
    if refused := request.GET.get("error"):
        raise InvalidInput(_("The CRM did not let us in: %(why)s") % {"why": refused[:200]})
    found = sign_in.finish(request.GET.get("state", ""), request.GET.get("code", ""), person(request))
    messages.success(request, _("Signed in. Now try it."))
    return _to(found.slug, "access")


def _found(slug: str) -> Connection:
    return get_object_or_404(Connection, slug=slug)


def _to(slug: str, step: str) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{reverse(PAGE, args=[slug])}#{step}")


def _save(request: HttpRequest, found: Connection, step: str, form: Any, save: Any) -> HttpResponse:
    """One step's form: saved, or shown again with what is wrong beside each field."""
    if form.is_valid():
        try:
            save()
        except DomainError as error:
            complain(form, error)
        else:
            messages.success(request, _("Saved."))
            return _to(found.slug, step)
    return _page(request, found, **{step: form})


def _page(request: HttpRequest, found: Connection, **given: Any) -> HttpResponse:
    page = setup_page(found, **given)
    wrong = any(getattr(page, name).errors for name in ("access", "fields", "stages", "reasons"))
    states = [(name, label, page.states[name]) for name, label in step_names().items()]
    return render(request, "crmsync/connection.html", {"page": page, "steps": states}, status=422 if wrong else 200)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    fields = [(NAMES.get(name, name), was, will) for name, (was, will) in row.get("fields", {}).items()]
    return {**row, "fields": fields}


def _lines(run: DryRun) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["opportunity", "lead", "name", "action", "field", "from", "to", "note"])
    for row in run.rows:
        head = [row["opportunity"], row["lead"], row["name"], row["action"]]
        for field, (was, will) in (row.get("fields") or {"": ("", "")}).items():
            writer.writerow(safe_row([*head, field, was, will, row.get("note", "")]))
    return out.getvalue()


def _download(said: str, kind: str, name: str) -> HttpResponse:
    response = HttpResponse(said, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
