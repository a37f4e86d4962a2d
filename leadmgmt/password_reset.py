"""A new password by a link sent to one's address."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from leadmgmt.core.tasks import enqueue
from leads.models import User
from leads.services.sign_in import may_send_link


class AddressForm(forms.Form):
    """Whose password."""

    email = forms.EmailField(label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "username"}))


@never_cache
@require_http_methods(["GET", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """Ask for the link. The answer is the same whether or not there is such an account."""
    form = AddressForm(request.POST or None)
    sent = form.is_valid()
    if sent:
        email = form.cleaned_data["email"]
        user = User.objects.filter(email__iexact=email, is_active=True).first()
        if user and may_send_link(email, at=timezone.now()):
            enqueue("leadmgmt.password_reset.send_link", user.pk)
    status = 422 if form.errors else 200
    return render(request, "registration/password_forgotten.html", {"form": form, "sent": sent}, status=status)


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def renew(request: HttpRequest, uidb64: str, token: str) -> HttpResponse:
    """Set the new password with a link that is still good."""
    user = _user_of(uidb64)
    if user is None or not default_token_generator.check_token(user, token):
        return render(request, "registration/password_renew.html", status=410)
    form = SetPasswordForm(user, request.POST or None)
    if form.is_valid():
        form.save()
        messages.success(request, gettext("Your new password is set. Sign in with it."))
        return redirect("login")
    return render(request, "registration/password_renew.html", {"form": form}, status=422 if form.errors else 200)


def send_link(user_id: int) -> None:
    """Write to the person in their language (a job). The link leads to PUBLIC_URL, whatever host the request named."""
    user = User.objects.get(pk=user_id)
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    path = reverse("password_renew", args=[uid, default_token_generator.make_token(user)])
    with translation.override(user.language):
        body = render_to_string("registration/password_mail.txt", {"user": user, "link": settings.PUBLIC_URL + path})
        send_mail(gettext("Your new Leadmgmt password"), body, None, [user.email])


def _user_of(uidb64: str) -> User | None:
    try:
        pk = int(urlsafe_base64_decode(uidb64).decode())
    except ValueError:
        return None
    return User.objects.filter(pk=pk, is_active=True).first()
