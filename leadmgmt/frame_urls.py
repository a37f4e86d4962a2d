"""Addresses of the frame: sign-in, profile, search, styleguide."""

from django.urls import include, path
from django.views.generic import RedirectView

from leadmgmt import accounts, password_reset
from leadmgmt.search import search
from leadmgmt.styleguide import styleguide

urlpatterns = [
    # The admin has no door of its own: this one counts failed tries. Must stand before admin/.
    path("admin/login/", RedirectView.as_view(pattern_name="login", query_string=True), name="admin_login"),
    path("login/", accounts.sign_in, name="login"),
    path("logout/", accounts.sign_out, name="logout"),
    path("password/forgotten/", password_reset.forgotten, name="password_forgotten"),
    path("password/new/<uidb64>/<token>/", password_reset.renew, name="password_renew"),
    path("profile/", accounts.profile, name="profile"),
    path("profile/password/", accounts.profile_password, name="profile_password"),
    path("profile/theme/", accounts.profile_theme, name="profile_theme"),
    path("search/", search, name="search"),
    path("styleguide/", styleguide, name="styleguide"),
    path("i18n/", include("django.conf.urls.i18n")),
]
