"""Preparing the next version: rules are added, changed, moved and published here."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leadmgmt.core.permissions import role_required
from leadmgmt.core.web import is_partial
from routing.access import EDITORS, PUBLISHERS, person
from routing.editor import Editor, editor_from, editor_of, fact_groups
from routing.forms import RuleForm, rule_initial, unshown
from routing.models import Rule, RuleSet
from routing.services import canary, draft, publish
from routing.services.seen import ChangedMeanwhile, rule_mark
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
    draft.discard_draft(_draft_id(), seen=request.POST.get("seen", ""))
    messages.success(request, _("The draft is gone."))
    return redirect("routing:overview")


@require_POST
@role_required(*PUBLISHERS)
def draft_publish(request: HttpRequest) -> HttpResponse:
    """Let the draft decide."""
    if note := request.POST.get("note", "").strip():
        draft.note_draft(_draft_id(), note)
    made = publish.publish_rule_set(
        _draft_id(), person(request), now(), seen=request.POST.get("seen", ""), asks_replay=True
    )
    messages.success(request, _("Version %(version)s decides from now on.") % {"version": made.version})
    return redirect("routing:overview")


@require_POST
@role_required(*PUBLISHERS)
def draft_canary(request: HttpRequest) -> HttpResponse:
    """Try the draft on a share of the leads."""
    share = request.POST.get("share", "")
    made = canary.start_canary(
        _draft_id(),
        int(share) if share.isdecimal() and len(share) < 4 else 0,
        by=person(request),
        at=now(),
        seen=request.POST.get("seen", ""),
    )
    words = {"version": made.version, "share": made.canary_share}
    messages.success(request, _("Version %(version)s is tried on %(share)s %% of leads.") % words)
    return redirect("routing:overview")


@require_POST
@role_required(*PUBLISHERS)
def canary_end(request: HttpRequest, pk: int) -> HttpResponse:
    """End a trial."""
    ended = canary.end_canary(pk, by=person(request), at=now())
    messages.success(request, _("The trial of version %(version)s is ended.") % {"version": ended.version})
    return redirect("routing:overview")


@require_POST
@role_required(*PUBLISHERS)
def canary_publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Let what was tried decide about all leads."""
    made = canary.publish_canary(pk, by=person(request), at=now())
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
    rule = Rule.objects.filter(pk=pk, rule_set__status=RuleSet.Status.DRAFT).first()
    if request.method == "GET":
        if rule is None:
            messages.warning(request, _("This rule is in no draft any more."))
            return redirect("routing:overview")
        return _page(request, RuleForm(initial=rule_initial(rule)), editor_of(rule.condition), rule)
    seen = request.POST.get("seen", "")
    return _save(request, rule, lambda data: draft.update_rule(pk, data, seen=seen))


@require_POST
@role_required(*EDITORS)
def rule_move(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a rule of the draft at another place."""
    to = request.POST.get("to", "")
    position = Rule.objects.filter(pk=pk).values_list("position", flat=True).first() or 0
    steps = {"up": position - 1, "down": position + 1}
    moved = draft.move_rule(pk, int(to) if to.isdigit() and len(to) < 6 else steps.get(to, position))
    if request.POST.get("stay"):
        # Without a fragment, which would take the focus from the rule's grip.
        return redirect("routing:overview")
    return redirect(f"{_rule_url(moved.pk)}#rule-{moved.pk}")


@require_POST
@role_required(*EDITORS)
def rule_copy(request: HttpRequest, pk: int) -> HttpResponse:
    """Duplicate a rule and open the copy."""
    made = draft.duplicate_rule(pk)
    return redirect(f"{_rule_url(made.pk)}#rule-{made.pk}")


@require_POST
@role_required(*EDITORS)
def rule_put_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a rule of the version that decides into the draft again."""
    made = draft.put_back(_draft_id(), pk)
    messages.success(request, _("Rule “%(name)s” is in the draft again.") % {"name": made.name})
    return redirect("routing:overview")


@require_POST
@role_required(*EDITORS)
def rule_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a rule out of the draft."""
    draft.delete_rule(pk, seen=request.POST.get("seen", ""))
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
        saved = save(form.rule_data(editor.tree(), keep=unshown(rule.wants) if rule else ()))
    except InvalidInput as error:
        wrong = dict(error.fields)
        wrong_condition = wrong.pop("condition", "")
        for name, complaint in wrong.items():
            place = {"name": "name", "fallback_pool": "fallback_pool", "wants": "skills"}.get(name, "target")
            form.add_error(place, complaint)
        return _page(request, form, editor, rule, status=422, wrong_condition=wrong_condition)
    except (draft.NotADraft, ChangedMeanwhile) as error:
        return _page(request, form, editor, rule, status=error.status, conflict=str(error))
    messages.success(request, _("Rule “%(name)s” is saved in the draft.") % {"name": saved.name})
    return redirect("routing:overview")


def _page(
    request: HttpRequest, form: RuleForm, editor: Editor, rule: Rule | None, *, status: int = 200, **more: str
) -> HttpResponse:
    """The rules with one of them open; for htmx the rows alone. ``more``: what is wrong with the condition, and
    what somebody else has done meanwhile, where the person's own words stay in the form."""
    context = {
        **more,
        "seen": _seen(request, rule, is_shown_anew=request.method == "GET" or "conflict" in more),
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


def _seen(request: HttpRequest, rule: Rule | None, *, is_shown_anew: bool) -> str:
    """The mark of the rule that the person has read. After a conflict it is the other's, shown beside the form: saved
    again, the form takes its place."""
    if is_shown_anew:
        return rule_mark(rule) if rule else ""
    return request.POST.get("seen", "")


def _rule_url(pk: int) -> str:
    return reverse("routing:rule_edit", args=[pk])


def _draft_id() -> int:
    """The one draft; 0, which no service finds, if there is none."""
    return RuleSet.objects.filter(status=RuleSet.Status.DRAFT).values_list("pk", flat=True).first() or 0
