"""Writing to a lead, the texts to begin from, and the link that ends our mails."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from leadmgmt.core.errors import DomainError, InvalidInput
from leadmgmt.core.messages import message_with_undo
from leadmgmt.core.now import now
from leadmgmt.core.permissions import CONFIGURERS, role_required
from leadmgmt.core.web import complain, is_partial
from leads.models import Lead, Organisation
from qualification import access
from qualification.forms import MailForm
from qualification.mail_text import VARIABLES, check, fill
from qualification.models import MailTemplate
from qualification.services.mail import goes_out, values_for, write_mail
from qualification.services.mail_clicks import follow
from qualification.services.mail_rules import contact_of, is_refused, stop_mails
from qualification.views.actions import FROM_LEAD, onward, to_lead
from qualification.views.lead import lead_page


@login_required
@FROM_LEAD
def lead_mail(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Send a mail; for ten seconds it can be taken back."""
    user = access.person(request)
    lead = access.workable_lead(user, lead_id)
    if not goes_out():
        raise Http404
    form = MailForm(request.POST)
    mail, elsewhere = None, None
    if form.is_valid():
        said, elsewhere = form.cleaned_data, onward(request, lead, now())
        try:
            mail = write_mail(
                lead.pk, by=user, subject=said["subject"], body=said["body"], template=said["template"], at=now()
            )
        except DomainError as error:
            complain(form, error)
    if mail is None:
        return lead_page(request, lead.pk, form)
    undo = reverse("qualification:activity_undo", args=[mail.activity_id])
    words = _("The e-mail goes out in ten seconds.")
    message_with_undo(request, f"{lead.contact.name}: {words}" if elsewhere else words, undo)
    return elsewhere or to_lead(lead.pk)


class TemplateForm(forms.ModelForm[MailTemplate]):
    """A text to begin from."""

    class Meta:
        model = MailTemplate
        fields = ("name", "language", "subject", "body", "position", "is_active")
        widgets = {"body": forms.Textarea(attrs={"rows": 10})}
        labels = {
            "name": gettext_lazy("Name"),
            "language": gettext_lazy("Language"),
            "subject": gettext_lazy("Subject"),
            "body": gettext_lazy("Text"),
            "position": gettext_lazy("Place in the list"),
            "is_active": gettext_lazy("Offered for new mails"),
        }

    def clean(self) -> dict[str, object]:
        """The variables are known and whole."""
        said = super().clean() or self.cleaned_data
        try:
            check(str(said.get("subject") or ""), str(said.get("body") or ""))
        except InvalidInput as error:
            for name, remedy in error.fields.items():
                if name not in self.errors:
                    self.add_error(name, remedy)
        return said


@role_required(*CONFIGURERS)
@require_GET
def template_list(request: HttpRequest) -> HttpResponse:
    """All texts."""
    context = {"templates": MailTemplate.objects.select_related("changed_by"), "goes_out": goes_out(), "at": now()}
    return render(request, "qualification/mail_templates.html", context)


@role_required(*CONFIGURERS)
@require_http_methods(["GET", "POST"])
def template_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Add a text, or change one; beside it how it reads for the newest lead (htmx: while it is written)."""
    user = access.person(request)
    row = get_object_or_404(MailTemplate, pk=pk) if pk else None
    form = TemplateForm(request.POST or None, instance=row)
    if is_partial(request):
        return render(request, "qualification/_mail_preview.html", _preview(request))
    if request.method == "POST" and form.is_valid():
        made = form.save(commit=False)
        made.changed_by = user
        try:
            with transaction.atomic():
                made.save()
        except IntegrityError:
            form.add_error("name", _("Another text in this language has this name."))
        else:
            messages.success(request, _("Saved."))
            return redirect("qualification:mail_template_list")
    context = {"form": form, "row": row, "variables": VARIABLES.items(), **_preview(request, row)}
    return render(request, "qualification/mail_template.html", context, status=422 if form.errors else 200)


def _preview(request: HttpRequest, row: MailTemplate | None = None) -> dict[str, object]:
    """How the text reads for the newest lead that the reader may see."""
    user = access.person(request)
    lead = Lead.objects.visible_to(user).select_related("contact__company").order_by("-captured_at", "-pk").first()
    subject = request.POST.get("subject", row.subject if row else "")
    body = request.POST.get("body", row.body if row else "")
    if lead is None:
        return {"lead": None, "subject": subject, "body": body, "missing": []}
    values = values_for(lead, user)
    head, text = fill(subject, values), fill(body, values)
    missing = [VARIABLES.get(name, name) for name in dict.fromkeys((*head.missing, *text.missing))]
    return {"lead": lead, "subject": head.text, "body": text.text, "missing": missing}


@require_POST
@role_required(*CONFIGURERS)
def template_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Throw a text away; mails that began with it stay."""
    get_object_or_404(MailTemplate, pk=pk).delete()
    messages.success(request, _("The text is gone."))
    return redirect("qualification:mail_template_list")


@never_cache
@require_safe
def mail_click(request: HttpRequest, token: str) -> HttpResponse:
    """Lead on to where a link of one of our mails leads; the click is noted."""
    # Views see HEAD as GET (leadmgmt/core/web.py).
    url = follow(token, is_look=request.META["REQUEST_METHOD"] == "HEAD")
    if url is None:
        raise Http404
    return HttpResponseRedirect(url)


# The link itself is the secret, and nobody is signed in. Mail programs post to it by themselves when their user wants
# no more (RFC 8058); a look at it changes nothing, as programs that read mail open each link.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def mail_stop(request: HttpRequest, token: str) -> HttpResponse:
    """End our mails to somebody."""
    contact = contact_of(token)
    context = {"organisation": Organisation.objects.first(), "contact": contact}
    if contact is None:
        return render(request, "qualification/mail_stop.html", context, status=404)
    if request.method == "POST":
        stop_mails(contact, now())
    return render(request, "qualification/mail_stop.html", context | {"is_stopped": is_refused(contact.pk)})
