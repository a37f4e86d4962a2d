"""The first page, and the guided configuration."""

from django.urls import path

from leadmgmt.home import home

urlpatterns = [
    path("", home, name="home"),
]
