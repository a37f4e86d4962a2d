"""From what arrives to what we keep: one submission in our own words, with every doubt noted."""

from leads.normalise.glance import surely_readable
from leads.normalise.read import read_submission
from leads.normalise.submission import Problem, Submission

__all__ = ["Problem", "Submission", "read_submission", "surely_readable"]
