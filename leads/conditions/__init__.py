"""ONE condition language for routing, scoring, criteria and segments.

A JSON tree: ``{"all": […]}``, ``{"any": […]}``, ``{"not": …}``, ``{"fact": name, "op": op, "value": v}``, or with
``"fact_value": name`` to compare two facts; an empty tree holds always. Three rules make every reading agree:

- An unknown fact makes each comparison false, also ``ne`` and ``not_in``; ``not`` of that is true. To include the
  unknown, say so: ``{"any": [{"fact": f, "op": "is_unknown"}, …]}``. Empty text counts as unknown.
- Text is compared without regard to upper and lower case, by one table (see `leads.fold`).
- Ages are measured at the moment the facts were read, which the facts carry as ``now``.
"""

from leads.conditions.ops import OPS, Op
from leads.conditions.parse import parse
from leads.conditions.tree import Condition

__all__ = ["OPS", "Condition", "Op", "parse"]
