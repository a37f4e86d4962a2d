"""Preparing the next version: rules are added, changed, moved and published here."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leadmgmt.core.permissions import role_required
from leadmgmt.core.web import is_partial
from routing.access import EDITORS, PUBLISHERS, person
from routing.editor import Editor, editor_from, editor_of, fact_groups
from routing.forms import RuleForm, rule_initial
from routing.models import Rule, RuleSet
from routing.services import draft, publish
from routing.views.rules import overview_context


@require_POST
@role_required(*EDITORS)
def draft_create(request: HttpRequest) -> HttpResponse:
    """Begin a draft from the published version, or from the one given."""
    version = request.POST.get("version", "")
    made = draft.new_draft(person(request), from_version=int(version) if version.isdigit() else None)
    messages.success(request, _("Draft %(version)s is begun; nothing changes until it is published.") % vars(made))
    return redirect("routing:overview")


@require_POST
@role_required(*EDITORS)
def draft_discard(request: HttpRequest) -> HttpResponse:
    """Throw the draft away."""
    draft.discard_draft(_draft_id())
    messages.success(request, _("The draft is gone."))
    return redirect("routing:overview")


@require_POST
@role_required(*PUBLISHERS)
def draft_publish(request: HttpRequest) -> HttpResponse:
    """Let the draft decide."""
    if note := request.POST.get("note", "").strip():
        draft.note_draft(_draft_id(), note)
    made = publish.publish_rule_set(_draft_id(), person(request), now())
    messages.success(request, _("Version %(version)s decides from now on.") % {"version": made.version})
    return redirect("routing:overview")


@require_POST
@role_required(*PUBLISHERS)
def version_restore(request: HttpRequest, version: int) -> HttpResponse:
    """Let an earlier version decide again."""
    made = publish.roll_back(version, person(request), now())
    words = {"old": version, "version": made.version}
    messages.success(request, _("The rules of version %(old)s decide again, as version %(version)s.") % words)
    return redirect("routing:overview")


@require_http_methods(["GET", "POST"])
@role_required(*EDITORS)
def rule_add(request: HttpRequest) -> HttpResponse:
    """A new rule of the draft."""
    if request.method == "GET":
        return _page(request, RuleForm(), Editor().changed("add"), None)
    return _save(request, None, lambda data: draft.add_rule(_draft_id(), data))


@require_http_methods(["GET", "POST"])
@role_required(*EDITORS)
def rule_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a rule of the draft, in place."""
    rule = get_object_or_404(Rule, pk=pk, rule_set__status=RuleSet.Status.DRAFT)
    if request.method == "GET":
        return _page(request, RuleForm(initial=rule_initial(rule)), editor_of(rule.condition), rule)
    return _save(request, rule, lambda data: draft.update_rule(rule.pk, data))


@require_POST
@role_required(*EDITORS)
def rule_move(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a rule of the draft at another place."""
    rule = get_object_or_404(Rule, pk=pk)
    to = request.POST.get("to", "")
    steps = {"up": rule.position - 1, "down": rule.position + 1}
    moved = draft.move_rule(pk, int(to) if to.isdigit() else steps.get(to, rule.position))
    return redirect(_rule_url(moved.pk))


@require_POST
@role_required(*EDITORS)
def rule_copy(request: HttpRequest, pk: int) -> HttpResponse:
    """Duplicate a rule and open the copy."""
    return redirect(_rule_url(draft.duplicate_rule(pk).pk))


@require_POST
@role_required(*EDITORS)
def rule_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a rule out of the draft."""
    draft.delete_rule(pk)
    messages.success(request, _("The rule is out of the draft."))
    return redirect("routing:overview")


def _save(request: HttpRequest, rule: Rule | None, save: Callable[[draft.RuleData], Rule]) -> HttpResponse:
    """One press in the form: the editor's own buttons change rows, the other saves."""
    form, editor = RuleForm(request.POST), editor_from(request.POST.dict())
    if do := request.POST.get("do"):
        form = RuleForm(initial=request.POST.dict() | {"is_active": "is_active" in request.POST})
        return _page(request, form, editor.changed(do), rule)
    if not form.is_valid():
        return _page(request, form, editor, rule, status=422)
    try:
        saved = save(form.rule_data(editor.tree()))
    except InvalidInput as error:
        for name, complaint in error.fields.items():
            form.add_error(name if name in form.fields else None, complaint)
        return _page(request, form, editor, rule, status=422)
    messages.success(request, _("Rule “%(name)s” is saved in the draft.") % {"name": saved.name})
    return redirect("routing:overview")


def _page(
    request: HttpRequest, form: RuleForm, editor: Editor, rule: Rule | None, *, status: int = 200
) -> HttpResponse:
    """The rules with one of them open; for htmx the rows alone."""
    context = {
        "form": form,
        "editor": editor,
        "fact_groups": fact_groups(),
        "open_rule": rule,
        "form_url": _rule_url(rule.pk) if rule else reverse("routing:rule_add"),
        "is_adding": rule is None,
    }
    if is_partial(request):
        return render(request, "routing/_condition.html", context, status=status)
    return render(request, "routing/overview.html", overview_context(request, now()) | context, status=status)


def _rule_url(pk: int) -> str:
    return reverse("routing:rule_edit", args=[pk])


def _draft_id() -> int:
    """The one draft; 0, which no service finds, if there is none."""
    return RuleSet.objects.filter(status=RuleSet.Status.DRAFT).values_list("pk", flat=True).first() or 0
