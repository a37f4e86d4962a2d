"""How static files are stored in production: compressed, with a fingerprint, imports between scripts included."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):
    """Fingerprints follow ``import`` lines too: a new version never meets an old script in a cache."""

    support_js_module_import_aggregation = True
