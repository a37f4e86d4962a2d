"""How points are given: read by everybody who reads reports, changed by admins, with last month's leads beside it."""

import math
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leadmgmt.core.permissions import CONFIGURERS, REPORT_READERS, has_role, role_required
from leadmgmt.core.web import is_partial
from leads.models import Touchpoint
from qualification.access import person
from qualification.desk import scoring_page as shown
from qualification.models import RescoreRun, ScoringModel
from qualification.services import scoring_drafts as drafts
from qualification.services.rescoring import newest_rescoring
from qualification.services.score import compiled
from qualification.views.condition_page import condition_page
from routing.editor import Editor, editor_from, editor_of

Status = ScoringModel.Status
SIGNALS = (
    ("", gettext_lazy("a condition that holds")),
    ("touch:any", gettext_lazy("any touch")),
    *((f"touch:{kind}", label) for kind, label in Touchpoint.Kind.choices),
    *((f"event:{kind}", label) for kind, label in shown.EVENTS.items()),
)
PARTS = (
    ("fit", gettext_lazy("fit: who they are")),
    ("engagement", gettext_lazy("engagement: what they did")),
)


class ScoringRuleForm(forms.Form):
    """A rule but for its condition, which the editor's rows hold."""

    label_en = forms.CharField(label=gettext_lazy("What it is for"), max_length=120)
    label_de = forms.CharField(label=gettext_lazy("The same in German"), max_length=120, required=False)
    part = forms.ChoiceField(label=gettext_lazy("Counts for"), choices=PARTS)
    points = forms.FloatField(label=gettext_lazy("Points"), min_value=-100, max_value=100)
    signal = forms.ChoiceField(label=gettext_lazy("Given for"), choices=SIGNALS, required=False)
    subjects = forms.CharField(
        label=gettext_lazy("about"), max_length=400, required=False, help_text=gettext_lazy("Such as demo, pricing.")
    )
    least = forms.IntegerField(label=gettext_lazy("from how many on"), min_value=1, max_value=1000, required=False)
    within_days = forms.IntegerField(
        label=gettext_lazy("of the last days"), min_value=1, max_value=3650, required=False
    )
    most = forms.FloatField(label=gettext_lazy("at most points"), min_value=1, max_value=100, required=False)
    group = forms.ChoiceField(label=gettext_lazy("Shares the cap of"), required=False)

    def __init__(self, *args: Any, groups: list[dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [(group["key"], shown.label_of(group)) for group in groups]
        # A choice field, which the type of ``fields`` does not tell.
        self.fields["group"].choices = [("", "–"), *named]  # type: ignore[attr-defined]  # see above

    def clean(self) -> dict[str, Any]:
        """What narrows touches and events asks for one of them."""
        data = super().clean() or self.cleaned_data
        if not data.get("signal"):
            for name in ("subjects", "least", "within_days", "most"):
                if data.get(name):
                    self.add_error(name, _("This is for touches and events: choose what the points are given for."))
        return data

    def rule_data(self, condition: dict[str, Any]) -> drafts.RuleData:
        """What the service takes."""
        said = self.cleaned_data
        subjects = tuple(word.strip().casefold() for word in said["subjects"].split(",") if word.strip())
        least = said["least"] if said["least"] and said["least"] > 1 else None
        return drafts.RuleData(
            label_en=said["label_en"],
            label_de=said["label_de"],
            part=said["part"],
            points=said["points"],
            condition=condition,
            signal=said["signal"],
            subjects=subjects,
            most=said["most"],
            within_days=said["within_days"],
            least=least,
            group=said["group"],
        )


@role_required(*REPORT_READERS)
@require_GET
def scoring(request: HttpRequest) -> HttpResponse:
    """The model that scores, or the draft for who changes it; any other by ``?version=``."""
    return _page(request)


def _page(request: HttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    user, at = person(request), now()
    published = ScoringModel.objects.filter(status=Status.PUBLISHED).first()
    draft = drafts.scoring_draft() if has_role(user, *CONFIGURERS) else None
    version = request.GET.get("version", "")
    asked = ScoringModel.objects.exclude(status=Status.DRAFT).filter(
        version=int(version) if version.isdigit() and len(version) < 9 else 0
    )
    model = asked.first() or draft or published
    is_draft = model is not None and model == draft
    against = published if is_draft else None
    context = {
        "at": at,
        "model": model,
        "published": published,
        "draft": draft,
        "is_draft": is_draft,
        "may_edit": has_role(user, *CONFIGURERS),
        "seen": drafts.mark_of(model) if model and is_draft else "",
        "sections": shown.sections(compiled(model), compiled(against) if against else None) if model else [],
        "gone": shown.gone(compiled(model), compiled(against)) if model and against else [],
        "distribution": shown.distribution(against, model, user, at) if model else None,
        "run": newest_rescoring(),
        "versions": ScoringModel.objects.exclude(status=Status.DRAFT)[:12],
        **more,
    }
    return render(request, "qualification/scoring.html", context, status=status)


@require_POST
@role_required(*CONFIGURERS)
def scoring_draft(request: HttpRequest) -> HttpResponse:
    """Begin a draft, or discard the one there is."""
    if request.POST.get("act") == "discard":
        drafts.discard_draft(_draft().pk, seen=request.POST.get("seen", ""))
        messages.success(request, _("The draft is gone."))
        return redirect("qualification:scoring")
    version = request.POST.get("version", "")
    drafts.begin_draft(int(version) if version.isdigit() and len(version) < 9 else None)
    return redirect("qualification:scoring")


@require_POST
@role_required(*CONFIGURERS)
def scoring_weights(request: HttpRequest) -> HttpResponse:
    """Points, caps and half-life: tried on last month's leads (htmx, nothing is saved), or saved."""
    draft = _draft()
    points, caps, days, wrong = _weights(request, draft)
    if is_partial(request):
        if not wrong:
            draft.rules = [rule | {"points": points.get(rule["key"], rule["points"])} for rule in draft.rules]
            draft.groups = [group | {"most": caps.get(group["key"], group["most"])} for group in draft.groups]
            draft.half_life_days = days
        published = ScoringModel.objects.filter(status=Status.PUBLISHED).first()
        context = {"distribution": shown.distribution(published, draft, person(request), now()), "wrong": wrong}
        return render(request, "qualification/_distribution.html", context)
    if wrong:
        return _page(request, status=422, wrong=wrong)
    drafts.save_weights(draft.pk, points, caps, days, seen=request.POST.get("seen", ""))
    messages.success(request, _("Saved in the draft."))
    return redirect("qualification:scoring")


def _weights(request: HttpRequest, draft: ScoringModel) -> tuple[dict[str, float], dict[str, float], int, str]:
    """What the form says, and what is wrong with it."""
    points, caps, wrong = dict[str, float](), dict[str, float](), ""
    for rule in draft.rules:
        value = _number(request.POST.get(f"points-{rule['key']}", str(rule["points"])))
        if value is None or not -100 <= value <= 100 or not value:
            wrong = _("“%(rule)s”: write points from -100 to 100, not 0.") % {"rule": shown.label_of(rule)}
        else:
            points[rule["key"]] = value
    for group in draft.groups:
        value = _number(request.POST.get(f"most-{group['key']}", str(group["most"])))
        if value is None or not 0 < value <= 100:
            wrong = _("“%(group)s”: write a cap from 1 to 100.") % {"group": shown.label_of(group)}
        else:
            caps[group["key"]] = value
    days = _number(request.POST.get("half_life_days", str(draft.half_life_days)))
    if days is None or not 1 <= days <= 365 or not float(days).is_integer():
        wrong = _("Write the half-life as days from 1 to 365.")
        days = draft.half_life_days
    return points, caps, int(days), wrong


def _number(text: str) -> float | None:
    try:
        number = float(text.strip().replace(",", ".").replace("−", "-"))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


@require_http_methods(["GET", "POST"])
@role_required(*CONFIGURERS)
def scoring_rule(request: HttpRequest, key: str = "") -> HttpResponse:
    """Add a rule to the draft, or change one."""
    draft = drafts.scoring_draft()
    if draft is None:
        messages.warning(request, _("Begin a draft first."))
        return redirect("qualification:scoring")
    rule = next((one for one in draft.rules if one["key"] == key), None) if key else None
    if key and rule is None:
        messages.warning(request, _("This rule is in no draft any more."))
        return redirect("qualification:scoring")
    if request.method == "GET":
        editor = editor_of(rule.get("condition") or {}) if rule else Editor().changed("add")
        return _rule_page(request, ScoringRuleForm(initial=_initial(rule), groups=draft.groups), editor, key, draft)
    form, editor = ScoringRuleForm(request.POST, groups=draft.groups), editor_from(request.POST.dict())
    if do := request.POST.get("do"):
        form = ScoringRuleForm(initial=request.POST.dict(), groups=draft.groups)
        return _rule_page(request, form, editor.changed(do), key, draft)
    if not form.is_valid():
        return _rule_page(request, form, editor, key, draft, status=422)
    try:
        drafts.save_rule(draft.pk, key, form.rule_data(editor.tree()), seen=request.POST.get("seen", ""))
    except InvalidInput as error:
        wrong_condition = ""
        for place, remedy in error.fields.items():
            name = place.rpartition("].")[2] if "]." in place else place
            if "condition" in place:
                wrong_condition = remedy
            else:
                form.add_error(name if name in form.fields else None, remedy)
        return _rule_page(request, form, editor, key, draft, status=422, wrong_condition=wrong_condition)
    messages.success(request, _("Saved in the draft."))
    return redirect("qualification:scoring")


def _initial(rule: dict[str, Any] | None) -> dict[str, Any]:
    if rule is None:
        return {"part": "fit", "points": 10}
    signal = f"touch:{rule['touch']}" if rule.get("touch") else f"event:{rule['event']}" if rule.get("event") else ""
    return {**rule, "signal": signal, "subjects": ", ".join(rule.get("subjects") or ())}


def _rule_page(
    request: HttpRequest,
    form: ScoringRuleForm,
    editor: Editor,
    key: str,
    draft: ScoringModel,
    *,
    status: int = 200,
    wrong_condition: str = "",
) -> HttpResponse:
    url = reverse("qualification:scoring_rule", args=[key]) if key else reverse("qualification:scoring_rule_add")
    seen = request.POST.get("seen") or drafts.mark_of(draft)
    context = {"form": form, "key": key, "draft": draft, "seen": seen}
    page = "qualification/scoring_rule.html"
    return condition_page(request, page, editor, url, context, status=status, wrong_condition=wrong_condition)


@require_POST
@role_required(*CONFIGURERS)
def scoring_rule_delete(request: HttpRequest, key: str) -> HttpResponse:
    """Take a rule out of the draft."""
    drafts.delete_rule(_draft().pk, key, seen=request.POST.get("seen", ""))
    messages.success(request, _("The rule is out of the draft."))
    return redirect("qualification:scoring")


@require_POST
@role_required(*CONFIGURERS)
def scoring_group(request: HttpRequest) -> HttpResponse:
    """Add a group with a cap, or take one away."""
    draft, seen = _draft(), request.POST.get("seen", "")
    if gone := request.POST.get("delete", ""):
        drafts.delete_group(draft.pk, gone, seen=seen)
        return redirect("qualification:scoring")
    most = _number(request.POST.get("most", ""))
    if most is None or not 0 < most <= 100:
        return _page(request, status=422, wrong=_("Write the cap of the new group as points from 1 to 100."))
    try:
        drafts.add_group(draft.pk, request.POST.get("label_en", ""), request.POST.get("label_de", ""), most, seen=seen)
    except InvalidInput as error:
        return _page(request, status=422, wrong=next(iter(error.fields.values()), str(error)))
    return redirect("qualification:scoring")


@require_POST
@role_required(*CONFIGURERS)
def scoring_publish(request: HttpRequest) -> HttpResponse:
    """Score by the draft from now on, and every open lead anew."""
    made = drafts.publish_draft(
        _draft().pk,
        by=person(request),
        at=now(),
        note=request.POST.get("note", ""),
        seen=request.POST.get("seen", ""),
    )
    words = {"version": made.version}
    messages.success(request, _("Version %(version)s scores from now on; open leads are scored anew.") % words)
    return redirect("qualification:scoring")


@role_required(*REPORT_READERS)
@require_GET
def rescoring(request: HttpRequest) -> HttpResponse:
    """How far the scoring of all open leads has come: a fragment asked for each second."""
    return render(request, "qualification/_rescoring.html", {"run": RescoreRun.objects.first(), "at": now()})


def _draft() -> ScoringModel:
    draft = drafts.scoring_draft()
    if draft is None:
        raise drafts.NoScoringDraft(_("This is no draft any more. Begin a new one."))
    return draft
