"""Signing in and out, and one's own profile."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from leadmgmt.core.web import back
from leadmgmt.forms import ProfileForm, SignInForm
from leads.models import Organisation, User
from leads.services.sign_in import Attempt, try_sign_in

STAY_SECONDS = 7 * 86_400


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The door. Also the admin's."""
    wanted = _wanted(request)
    form = SignInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        attempt = try_sign_in(
            request, email=data["email"], password=data["password"], place=_place(request), at=timezone.now()
        )
        if attempt.user:
            login(request, attempt.user)
            request.session.set_expiry(STAY_SECONDS if data["stay"] else 0)
            return redirect(wanted or settings.LOGIN_REDIRECT_URL)
        form.add_error("password", _refusal(attempt))
        form.focus_password()
    elif request.method == "GET" and request.user.is_authenticated and not wanted:
        return redirect(settings.LOGIN_REDIRECT_URL)
    context = {"form": form, "next": wanted, "organisation": Organisation.objects.first()}
    return render(request, "registration/login.html", context, status=422 if form.errors else 200)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Leave, back to the door."""
    logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL or "login")


@login_required
@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Name, language, time zone, looks and keys."""
    user = _person(request)
    form = ProfileForm(request.POST or None, instance=user)
    if form.is_valid():
        saved = form.save()
        with translation.override(saved.language):
            messages.success(request, gettext("Your profile is saved."))
        return redirect("profile")
    if form.errors:
        # A refused form must not change how this page itself looks.
        user.refresh_from_db()
    return render(request, "leadmgmt/profile.html", {"form": form}, status=422 if form.errors else 200)


@sensitive_post_parameters()
@login_required
@require_http_methods(["GET", "POST"])
def profile_password(request: HttpRequest) -> HttpResponse:
    """A new password; other sessions of this person end."""
    form = PasswordChangeForm(_person(request), request.POST or None)
    if form.is_valid():
        update_session_auth_hash(request, form.save())
        messages.success(request, gettext("Your new password is set. Other computers are signed out."))
        return redirect("profile")
    return render(request, "leadmgmt/profile_password.html", {"form": form}, status=422 if form.errors else 200)


@login_required
@require_POST
def profile_theme(request: HttpRequest) -> HttpResponse:
    """Keep the choice of the theme button."""
    theme = request.POST.get("theme", "")
    if theme in User.Theme.values:
        User.objects.filter(pk=_person(request).pk).update(theme=theme)
    return redirect(back(request))


def _person(request: HttpRequest) -> User:
    """Who is signed in, as our own model."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def _wanted(request: HttpRequest) -> str:
    """Where the person was going, if it is a page of ours."""
    target = request.POST.get("next") or request.GET.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if safe else ""


def _place(request: HttpRequest) -> str:
    """Where the try comes from; behind our proxy, what that proxy saw."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    if settings.SECURE_PROXY_SSL_HEADER and forwarded:
        return str(forwarded.rsplit(",", 1)[-1].strip())
    return str(request.META.get("REMOTE_ADDR", ""))


def _refusal(attempt: Attempt) -> str:
    """Why the door stays shut."""
    if attempt.blocked_until:
        minutes = max(1, -(-int((attempt.blocked_until - timezone.now()).total_seconds()) // 60))
        return ngettext(
            "Too many tries have failed. Try again in %(count)d minute.",
            "Too many tries have failed. Try again in %(count)d minutes.",
            minutes,
        ) % {"count": minutes}
    return ngettext(
        "E-mail and password do not match. %(count)d try left.",
        "E-mail and password do not match. %(count)d tries left.",
        attempt.left,
    ) % {"count": attempt.left}
