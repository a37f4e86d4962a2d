"""What makes an MQL and an SQL, and the frameworks whose questions are asked."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leadmgmt.core.permissions import CONFIGURERS, REPORT_READERS, has_role, role_required
from leadmgmt.core.web import is_partial
from leads.conditions import parse
from qualification.access import person
from qualification.models import Criteria, Framework
from qualification.ready_made import READY_MADE
from qualification.services import criteria_drafts as drafts
from qualification.services.frameworks import take_over
from qualification.services.question_value import worth_of
from routing.editor import Editor, editor_from, editor_of, fact_groups
from routing.words import Piece, condition_pieces

Kind = Criteria.Kind


@dataclass(frozen=True)
class Card:
    """The criteria of one kind: what is in force, and the draft beside it, in words and in leads."""

    kind: str
    label: str
    published: Criteria | None
    pieces: list[Piece]
    meets: int
    url: str
    draft: Criteria | None


class CriteriaForm(forms.Form):
    """Criteria but for the condition, which the editor's rows hold."""

    name = forms.CharField(label=gettext_lazy("What it asks"), max_length=120)
    framework = forms.ModelChoiceField(
        Framework.objects.filter(is_active=True),
        label=gettext_lazy("Framework whose questions must be answered"),
        required=False,
        empty_label="–",
    )


@role_required(*REPORT_READERS)
@require_GET
def criteria_list(request: HttpRequest) -> HttpResponse:
    """Both kinds as they are in force."""
    may_edit = has_role(person(request), *CONFIGURERS)
    cards = [_card(request, kind, label, may_edit=may_edit) for kind, label in Kind.choices]
    versions = Criteria.objects.exclude(status=Criteria.Status.DRAFT).order_by("-published_at", "-pk")[:20]
    context = {"cards": cards, "may_edit": may_edit, "versions": versions, "at": now()}
    return render(request, "qualification/criteria.html", context)


def _card(request: HttpRequest, kind: str, label: str, *, may_edit: bool) -> Card:
    published = Criteria.objects.filter(kind=kind, status=Criteria.Status.PUBLISHED).select_related("framework").first()
    pieces, meets, url = [], 0, ""
    if published is not None:
        condition = parse(published.condition)
        pieces = [] if condition.is_always else condition_pieces(condition)
        meets = drafts.meeting(published, person(request), now())
        url = f"{reverse('qualification:lead_list')}?meets={published.pk}"
    return Card(kind, label, published, pieces, meets, url, drafts.draft_of(kind) if may_edit else None)


@require_http_methods(["GET", "POST"])
@role_required(*CONFIGURERS)
def criteria_edit(request: HttpRequest, kind: str) -> HttpResponse:
    """Change the draft of a kind, which begins as a copy of what is in force."""
    if kind not in Kind.values:
        raise Http404
    if request.method == "GET":
        draft = drafts.begin_criteria(kind)
        form = CriteriaForm(initial={"name": draft.name, "framework": draft.framework_id})
        return _page(request, form, editor_of(draft.condition), draft)
    draft_now = drafts.draft_of(kind)
    if draft_now is None:
        raise drafts.NoCriteriaDraft(_("This is no draft any more. Begin a new one."))
    form, editor = CriteriaForm(request.POST), editor_from(request.POST.dict())
    if do := request.POST.get("do"):
        return _page(request, CriteriaForm(initial=request.POST.dict()), editor.changed(do), draft_now)
    if not form.is_valid():
        return _page(request, form, editor, draft_now, status=422)
    try:
        said = form.cleaned_data
        drafts.save_criteria(draft_now.pk, said["name"], editor.tree(), said["framework"])
        if request.POST.get("act") == "publish":
            made = drafts.put_into_force(draft_now.pk)
            messages.success(request, _("%(criteria)s applies from now on.") % {"criteria": made})
            return redirect("qualification:criteria_list")
    except InvalidInput as error:
        wrong_condition = error.fields.get("condition", "")
        for name, remedy in error.fields.items():
            if name in form.fields:
                form.add_error(name, remedy)
        return _page(request, form, editor, draft_now, status=422, wrong_condition=wrong_condition)
    messages.success(request, _("Saved in the draft."))
    return redirect("qualification:criteria_edit", kind)


def _page(
    request: HttpRequest,
    form: CriteriaForm,
    editor: Editor,
    draft: Criteria,
    *,
    status: int = 200,
    wrong_condition: str = "",
) -> HttpResponse:
    form_url = reverse("qualification:criteria_edit", args=[draft.kind])
    context: dict[str, Any] = {
        "form": form,
        "editor": editor,
        "fact_groups": fact_groups(),
        "form_url": form_url,
        "draft": draft,
        "wrong_condition": wrong_condition,
    }
    if is_partial(request):
        return render(request, "routing/_condition.html", context)
    user, at = person(request), now()
    published = Criteria.objects.filter(kind=draft.kind, status=Criteria.Status.PUBLISHED).first()
    context |= {
        "published": published,
        "meets": drafts.meeting(draft, user, at),
        "meets_before": drafts.meeting(published, user, at) if published else None,
        "recent": drafts.recent_leads(user, at).count(),
        "list_url": reverse("qualification:lead_list"),
    }
    return render(request, "qualification/criteria_edit.html", context, status=status)


@require_POST
@role_required(*CONFIGURERS)
def criteria_discard(request: HttpRequest, kind: str) -> HttpResponse:
    """Throw a draft away."""
    draft = drafts.draft_of(kind)
    if draft is not None:
        drafts.discard_criteria(draft.pk)
    messages.success(request, _("The draft is gone."))
    return redirect("qualification:criteria_list")


@role_required(*REPORT_READERS)
@require_GET
def framework_list(request: HttpRequest) -> HttpResponse:
    """The frameworks in use with their questions, and those that can be taken over."""
    frameworks = list(Framework.objects.filter(is_active=True).prefetch_related("questions").order_by("name"))
    known = set(Framework.objects.values_list("slug", flat=True))
    ready = [(slug, name, [ask.label_en for ask in asks]) for slug, (name, asks) in READY_MADE.items()]
    sql = Criteria.objects.filter(kind=Kind.SQL, status=Criteria.Status.PUBLISHED).first()
    worth = worth_of(frameworks)
    asked = [(one, [(question, worth.get(question.pk)) for question in one.questions.all()]) for one in frameworks]
    context = {
        "frameworks": asked,
        "ready": [one for one in ready if one[0] not in known],
        "asked": sql.framework_id if sql else None,
        "may_edit": has_role(person(request), *CONFIGURERS),
    }
    return render(request, "qualification/frameworks.html", context)


@require_POST
@role_required(*CONFIGURERS)
def framework_take(request: HttpRequest, slug: str) -> HttpResponse:
    """Take over a ready-made framework."""
    if slug not in READY_MADE:
        raise Http404
    made = take_over(slug)
    messages.success(request, _("%(framework)s can be chosen for SQL criteria now.") % {"framework": made.name})
    return redirect("qualification:framework_list")
