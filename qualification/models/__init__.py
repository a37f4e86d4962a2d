"""Is it worth it, and working it."""

from qualification.models.activity import Activity
from qualification.models.cadence import Cadence, CadenceEnrolment, CadenceStep
from qualification.models.criteria import Criteria
from qualification.models.framework import Answer, Framework, Question
from qualification.models.icp import IcpVersion
from qualification.models.mail import MailStop, MailTemplate, OutgoingMail
from qualification.models.nurture import NurtureEnrolment, NurtureProgramme, NurtureStep
from qualification.models.outcome import Outcome
from qualification.models.prediction import PredictionFact, PredictionModel, TrainingRun
from qualification.models.saved_view import SavedView
from qualification.models.scoring import RescoreLane, RescoreRun, Score, ScoringModel
from qualification.models.segment import Segment
from qualification.models.viewing import Viewing

__all__ = [
    "Activity",
    "Answer",
    "Cadence",
    "CadenceEnrolment",
    "CadenceStep",
    "Criteria",
    "Framework",
    "IcpVersion",
    "MailStop",
    "MailTemplate",
    "NurtureEnrolment",
    "NurtureProgramme",
    "NurtureStep",
    "Outcome",
    "OutgoingMail",
    "PredictionFact",
    "PredictionModel",
    "Question",
    "RescoreLane",
    "RescoreRun",
    "SavedView",
    "Score",
    "ScoringModel",
    "Segment",
    "TrainingRun",
    "Viewing",
]
