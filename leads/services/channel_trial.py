"""The test button: a call as the service would make it, through the channel's own door, up to where a lead begins."""

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from leadmgmt.core.errors import ConfigurationError, DomainError, PermanentError, RetryableError
from leads.channels import HOOKS
from leads.models import Capture, Channel
from leads.services.capture import process_capture, receive
from leads.services.credentials import setup_of
from leads.services.take_call import take_call
from leads.services.understood import Understood, understand

TEST = {
    "email": "test@example.com",
    "name": "Test Person",
    "company": "Example",
    "message": "A test of this channel.",
    "is_test": True,
}


@dataclass(frozen=True)
class Step:
    """How far the test came. ``is_good`` is None for what was not reached."""

    label: str
    is_good: bool
    note: str = ""


@dataclass
class Trial:
    """What a test showed."""

    steps: list[Step] = field(default_factory=list)
    capture: Capture | None = None
    understood: Understood | None = None

    @property
    def is_good(self) -> bool:
        """Whether every step went well."""
        return bool(self.steps) and all(step.is_good for step in self.steps)

    def note(self, label: str, is_good: bool, note: str = "") -> None:
        """Add a step."""
        self.steps.append(Step(label, is_good, note))


def try_channel(channel: Channel, url: str) -> Trial:
    """Send a test; it is kept as one and becomes no lead."""
    trial = Trial()
    trial.note(
        _("The channel is open") if channel.is_active else _("The channel is switched off"),
        channel.is_active,
        "" if channel.is_active else _("Switch it on, or every call is turned away."),
    )
    try:
        captures = _through_hook(channel, url, trial) if channel.kind in HOOKS else [receive(channel, TEST).capture]
    except DomainError as error:
        trial.note(_("The call was turned away"), False, str(error))
        return trial
    if captures is None:
        return trial
    if not captures:
        trial.note(_("The call was answered"), True, _("It brought nothing that could become a lead."))
        return trial
    trial.note(_("The submission was kept"), True)
    found = process_capture(captures[0].pk)
    trial.capture, trial.understood = found, understand(found)
    if found.status == Capture.Status.TEST:
        trial.note(_("It was recognised as a test and becomes no lead"), True)
    elif found.status == Capture.Status.ACCEPTED:
        trial.note(_("It was read and has become a lead"), True)
    else:
        trial.note(found.get_status_display(), False, found.error)
    return trial


def _through_hook(channel: Channel, url: str, trial: Trial) -> list[Capture] | None:
    hook, setup = HOOKS[channel.kind], setup_of(channel)
    try:
        for label, note in hook.checks(setup):
            trial.note(label, True, note)
    except (RetryableError, PermanentError, ConfigurationError) as error:
        trial.note(_("The service was asked"), False, str(error))
    call = hook.example(url, setup)
    if call is None:
        trial.note(
            _("This service cannot be imitated"), False, _("Send a test from the service itself; it appears below.")
        )
        return None
    before = set(Capture.objects.filter(channel=channel).order_by("-received_at").values_list("pk", flat=True)[:50])
    answer = take_call(channel, hook, setup, call)
    trial.note(_("The signature was accepted"), True)
    trial.note(_("The call was answered"), answer.status_code < 400, str(answer.status_code))
    newest = Capture.objects.filter(channel=channel).order_by("-received_at")[:10]
    fresh = [one for one in newest if one.pk not in before]
    # The same test again is known already: the first one is shown.
    return fresh or list(newest[:1])
