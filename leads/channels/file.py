"""Files brought in: a row by its headers, read through the mapping that its import was run with."""

from collections.abc import Mapping
from typing import Any

from leads.imports.mapping import Mapper
from leads.models import Capture, ImportRun


def read(capture: Capture) -> Mapping[str, Any]:
    """The row in our language; a row without a run is taken as being in our language already."""
    run_id = capture.context.get("run")
    run = ImportRun.objects.filter(pk=run_id).first() if run_id else None
    return Mapper.from_json(run.mapping).payload(capture.payload) if run else capture.payload
