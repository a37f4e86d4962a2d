"""How static files are stored in production: compressed, with a fingerprint, imports between scripts included."""

from collections.abc import Callable
from re import Match
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):
    """Fingerprints follow ``import`` lines too: a new version never meets an old script in a cache."""

    support_js_module_import_aggregation = True

    def url_converter(
        self, name: str, hashed_files: dict[str, Any], *template: Any, **more: Any
    ) -> Callable[[Match[str]], str]:
        """Leave packaged scripts alone: they name types in comments that look like imports of files."""
        if name.startswith("django_htmx/"):
            return lambda found: found[0]
        convert: Callable[[Match[str]], str] = super().url_converter(name, hashed_files, *template, **more)
        return convert
