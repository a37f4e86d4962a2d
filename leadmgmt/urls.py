"""Every address of the product. The names are relied on from outside (DESIGN.md, section 7)."""

from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = []
for prefix, module in (
    ("", "leadmgmt.frame_urls"),
    ("", "leadmgmt.health_urls"),
    ("", "leadmgmt.home_urls"),
    ("api/v1/", "leadmgmt.api_urls"),
    ("", "leads.urls"),
    ("", "routing.urls"),
    ("", "qualification.urls"),
    ("", "crmsync.urls"),
    ("reports/", "leadmgmt.reports.urls"),
):
    if find_spec(module):
        urlpatterns.append(path(prefix, include(module)))
urlpatterns.append(path("admin/", admin.site.urls))

handler400 = "leadmgmt.refusals.bad_request"
handler404 = "leadmgmt.refusals.not_found"
handler500 = "leadmgmt.refusals.server_error"
