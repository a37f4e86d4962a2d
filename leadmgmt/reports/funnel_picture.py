"""The funnel as a river: forward flow on top, what leaves bends down, what returns comes from below.

All widths are on one linear scale; the template only writes out the lengths computed here.
"""

from dataclasses import dataclass

from leadmgmt.reports.funnel import Funnel, Step

WIDTH, TOP, BANK = 1160, 92, 262
NODE, TALL, GAP = 10, 140, 12
NODES = (0, 290, 578, 826, 1072)
LEAST = 1.2


@dataclass(frozen=True)
class Bend:
    """One exit: its path, and where its legend stands."""

    ending: str
    path: str
    key_x: float
    key_y: float
    text_x: float
    text_y: float
    exit_index: int


@dataclass(frozen=True)
class Node:
    """One stage in the picture."""

    step: Step
    index: int
    x: float
    height: float
    name_x: float
    flow_x: float
    flow_width: float
    flow_height: float
    middle: float
    following: str
    bends: tuple[Bend, ...]


@dataclass(frozen=True)
class Loop:
    """The way back of those who returned."""

    path: str
    head: str
    width: str
    node_x: float
    node_y: float
    node_height: float


@dataclass(frozen=True)
class Picture:
    """Everything that the SVG writes out."""

    nodes: tuple[Node, ...]
    loop: Loop | None


def picture(funnel: Funnel) -> Picture:
    """Lengths of the river for these figures."""
    scale = TALL / max(funnel.total.captured, 1)
    nodes = tuple(_node(funnel.steps, index, scale) for index in range(len(funnel.steps)))
    return Picture(nodes, _loop(funnel, nodes[1], scale) if funnel.total.returned else None)


def _node(steps: tuple[Step, ...], index: int, scale: float) -> Node:
    step, x = steps[index], float(NODES[index])
    height = _length(step.count, scale)
    onward = steps[index + 1].count if index + 1 < len(steps) else 0
    flow = _length(onward, scale)
    right = NODES[index + 1] if index + 1 < len(NODES) else WIDTH
    return Node(
        step=step,
        index=index,
        x=x,
        height=height,
        name_x=x + 21 if index else x,
        flow_x=x + NODE,
        flow_width=right - x - NODE,
        flow_height=flow,
        middle=(x + right) / 2 + (39 if index == 0 else 34),
        following=steps[index + 1].stage if index + 1 < len(steps) else "",
        bends=_bends(step, x + NODE, TOP + flow, scale),
    )


def _bends(step: Step, left: float, top: float, scale: float) -> tuple[Bend, ...]:
    """Quarter circles that nest: the uppermost band bends widest."""
    heights = [_length(way.count, scale) for way in step.exits]
    radius = sum(heights) + GAP
    found = []
    for index, (way, height) in enumerate(zip(step.exits, heights, strict=True)):
        inner = radius - height
        down, bottom = top + radius, top + height
        path = (
            f"M{left:.1f} {top:.1f}h8a{radius:.1f} {radius:.1f} 0 0 1 {radius:.1f} {radius:.1f}V{BANK}h{-height:.1f}"
            f"V{down:.1f}a{inner:.1f} {inner:.1f} 0 0 0 {-inner:.1f} {-inner:.1f}h-8Z"
        )
        line = 271 + 18 * index
        found.append(Bend(way.ending, path, left + 18, line, left + 33, line + 9, index))
        top, radius = bottom, inner
    return tuple(found)


def _loop(funnel: Funnel, into: Node, scale: float) -> Loop:
    width = max(_length(funnel.total.returned, scale), 1.6)
    y = TOP + max(into.height - width / 2, width / 2)
    left, half = into.x - 34 - width / 2, max(7.0, width / 2 + 4)
    tip = into.x - 1
    path = f"M{into.x + 40} 338H{left + 12:.1f}a12 12 0 0 1 -12 -12V{y + 12:.1f}a12 12 0 0 1 12 -12H{tip - half:.1f}"
    head = f"M{tip - half - 1:.1f} {y - half:.1f}l{half + 1:.1f} {half:.1f}-{half + 1:.1f} {half:.1f}z"
    return Loop(path, head, f"{width:.1f}", into.x, y - width / 2, width)


def _length(count: int, scale: float) -> float:
    return max(count * scale, LEAST) if count else 0.0
