"""Where something went wrong, in words that hold no personal data: for logs."""

import traceback
from pathlib import PurePath


def place_of(error: BaseException | None) -> str:
    """Kind of the error and the lines that led to it, without its message and without any value."""
    if error is None:
        return "unknown"
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    lines = " < ".join(f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    cause = f" from {type(error.__cause__).__name__}" if error.__cause__ else ""
    return f"{type(error).__name__}{cause} at {lines}"
