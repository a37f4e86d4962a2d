"""Every address of the product. The names are relied on from outside (DESIGN.md, section 7)."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    # First, as submissions come in here and every look at another pattern costs time.
    path("api/v1/", include("leadmgmt.api_urls")),
    # The frame's sign-in stands before the admin's.
    path("", include("leadmgmt.frame_urls")),
    path("", include("leadmgmt.health_urls")),
    path("", include("leadmgmt.home_urls")),
    path("", include("leads.urls")),
    path("", include("routing.urls")),
    path("", include("qualification.urls")),
    path("", include("crmsync.urls")),
    path("reports/", include("leadmgmt.reports.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "leadmgmt.refusals.bad_request"
handler404 = "leadmgmt.refusals.not_found"
handler500 = "leadmgmt.refusals.server_error"
