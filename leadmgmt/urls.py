"""Every address of the product. The names are relied on from outside (DESIGN.md, section 7)."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("leadmgmt.frame_urls")),
    path("admin/", admin.site.urls),
]
