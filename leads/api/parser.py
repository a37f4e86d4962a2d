"""Bodies of the other API addresses, read as strictly as captures are."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import JSONParser

from leads.api.body import parse_json


class StrictJSONParser(JSONParser):
    """Whatever a body may be instead of JSON is refused by name: too deep, no text, no number."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The body, which REST framework has read already. Raises Malformed."""
        return parse_json(stream.read(), media_type or "")
