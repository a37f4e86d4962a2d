"""The product's settings, plus the bare view that a figure is compared with."""

from leadmgmt.settings import *  # noqa: F403  # every setting of the product, unchanged

ROOT_URLCONF = "bench.urls"
