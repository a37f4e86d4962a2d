"""Real and naughty input beside the checkout; tests that need it say so where it is not there."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data"
needs_dirty_data = pytest.mark.skipif(not (FOLDER / "dirty").is_dir(), reason="../shared/data/dirty is not there")
needs_dev_data = pytest.mark.skipif(not (FOLDER / "dev").is_dir(), reason="../shared/data/dev is not there")
