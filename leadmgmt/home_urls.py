"""The first page, and the guided configuration."""

from django.urls import path

from leadmgmt.home import home
from leadmgmt.setup_page import setup

urlpatterns = [
    path("", home, name="home"),
    path("setup/", setup, name="setup"),
]
