"""The design system's tags: what they say, to the eye and to a screen reader."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.contrib.messages import constants
from django.contrib.messages.storage.base import Message
from django.template import engines
from django.utils import timezone, translation
from django.utils.safestring import SafeString

from leadmgmt.core import formats
from leadmgmt.marks import sparkline_points
from leadmgmt.styleguide import ICONS
from leadmgmt.templatetags import ui
from leads.models import Stage

AT = datetime(2026, 11, 23, 9, 41, tzinfo=UTC)
NBSP = "\u00a0"


@dataclass
class Clock:
    due_at: datetime
    started_at: datetime = AT - timedelta(minutes=10)
    touched_at: datetime | None = None
    stopped_at: datetime | None = None


def render(source: str, **context: object) -> str:
    return engines["django"].from_string("{% load ui %}" + source).render(context)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0, "0:00"),
        (42, "0:42"),
        (250, "4:10"),
        (3599.4, "59:59"),
        (3599.6, f"1{NBSP}h 00{NBSP}min"),
        (12_000, f"3{NBSP}h 20{NBSP}min"),
        (86_400, "1 day"),
        (103_680, "1.2 days"),
        (-222, "−3:42"),
    ],
)
def test_durations_read_like_a_clock_then_like_a_calendar(seconds: float | None, text: str) -> None:
    assert formats.duration(seconds) == text


def test_figures_follow_the_language() -> None:
    assert formats.number(31000) == "31,000"
    assert formats.percent(0.0825, 1) == f"8.3{NBSP}%"
    assert formats.money(31000.4, "EUR") == f"€{NBSP}31,000"
    assert formats.money(5, "CHF") == f"CHF{NBSP}5"
    with translation.override("de"):
        assert formats.number(1234.5, 1) == "1.234,5"
        assert formats.percent(0.0825, 1) == f"8,3{NBSP}%"
        assert formats.money(31000, "EUR") == f"31.000{NBSP}€"


def test_nothing_known_is_a_dash() -> None:
    assert (formats.number(None), formats.percent(None), formats.money(None)) == ("–", "–", "–")
    assert ui.ago(None) == "–"


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=11, seconds=50), "11 min ago"),
        (timedelta(hours=5), "5 h ago"),
        (timedelta(days=3), "Fri 10:41"),
        (timedelta(days=11), "12 Nov"),
        (timedelta(days=376), "12 Nov 2025"),
        (timedelta(minutes=-11), "in 11 min"),
    ],
)
def test_a_moment_is_told_as_people_say_it_in_their_zone(before: timedelta, text: str) -> None:
    with timezone.override("Europe/Berlin"):
        assert formats.relative(AT - before, at=AT) == text


def test_ago_carries_the_exact_moment() -> None:
    with timezone.override("Europe/Berlin"):
        html = ui.ago(AT - timedelta(minutes=11), AT)

    assert html == (
        '<time datetime="2026-11-23T09:30:00+00:00" title="Mon 23 November 2026, 10:30" data-ago>11 min ago</time>'
    )


@pytest.mark.parametrize(
    ("left", "state", "icon", "word", "text"),
    [
        (timedelta(minutes=34), "ok", "clock", "", "34 min"),
        (timedelta(minutes=3, seconds=42), "soon", "bell", "Soon: ", "3:42"),
        (timedelta(minutes=-6), "breached", "alert", "Overdue: ", "6 min over"),
        (timedelta(hours=2), "ok", "clock", "", "11:41"),
    ],
)
def test_a_promise_shows_state_by_icon_word_and_figure(
    left: timedelta, state: str, icon: str, word: str, text: str
) -> None:
    with timezone.override("UTC"):
        html = ui.sla(Clock(AT + left), AT)

    assert f'class="sla sla--{state}"' in html
    assert f"#icon-{icon}" in html
    assert f'<span class="visually-hidden" data-sla-word>{word}</span><span class="sla-time">{text}</span>' in html
    assert f'data-due="{(AT + left).isoformat()}"' in html


def test_a_promise_that_ended_no_longer_ticks() -> None:
    kept = ui.sla(Clock(AT, touched_at=AT - timedelta(minutes=6), stopped_at=AT), AT)
    late = ui.sla(Clock(AT - timedelta(minutes=9), touched_at=AT - timedelta(minutes=2), stopped_at=AT), AT)

    assert "sla--kept" in kept
    assert "in 4:00" in kept
    assert "sla--late" in late
    assert "data-due" not in kept + late
    assert ui.sla(Clock(AT, stopped_at=AT), AT) == ""
    assert ui.sla(None) == ""


def test_a_snooze_stands_still_and_a_deadline_runs() -> None:
    with timezone.override("UTC"):
        paused = ui.planned(AT + timedelta(days=9), AT, paused=True)
    running = ui.promise(AT + timedelta(minutes=2), AT)

    assert "sla--paused" in paused
    assert "Wed 2 Dec" in paused
    assert "data-due" not in paused
    assert "2:00" in running
    assert "data-due" in running


def test_every_stage_has_a_badge_and_a_glyph() -> None:
    sprite = (settings.BASE_DIR / "templates/_sprite.html").read_text()

    assert set(ui.STAGES) == set(Stage.values)
    for value in Stage.values:
        assert f'id="stage-{value}"' in sprite
        assert ui.stage_name(value) in ui.stage(value)
        assert f'aria-label="{ui.stage_name(value)}"' in ui.stage(value, bare=True)


def test_grades_say_call_work_or_neither() -> None:
    assert 'class="grade grade--a"' in ui.grade("A2")
    assert 'class="grade grade--b"' in ui.grade("C1")
    assert 'class="grade"' in ui.grade("A4")
    assert '<span class="visually-hidden">Grade </span>A4' in ui.grade("A4")
    assert ui.grade("") == ""


def test_what_people_wrote_is_escaped() -> None:
    assert "<b>" not in ui.provenance("<b>Register</b>")
    assert "&lt;b&gt;" in ui.provenance("<b>Register</b>")
    assert '"><script>' not in ui.icon("phone", '"><script>')


def test_provenance_has_time_and_confidence() -> None:
    html = ui.provenance("Register", timezone.now().replace(month=1, day=2, hour=12), 0.912)

    assert 'title="Register, 2 Jan, confidence 0.91"' in html


def test_a_meter_stays_in_its_track() -> None:
    assert 'width="38.0"' in ui.meter(0.38, 1)
    assert 'width="100.0"' in ui.meter(7, 5, tone="bad")
    assert "meter-fill--bad" in ui.meter(7, 5, tone="bad")
    assert 'width="0.0"' in ui.meter(None)
    assert 'width="0.0"' in ui.meter(3, 0)
    assert 'role="img" aria-label="3 of 5"' in ui.meter(3, 5, label="3 of 5")


def test_a_sparkline_spans_its_box() -> None:
    points = sparkline_points([1, 3, 2])

    assert [x for x, _ in points] == [1, 42, 83]
    assert points[0][1] > points[2][1] > points[1][1]
    assert {y for _, y in sparkline_points([5, 5, 5])} == {10}
    assert sparkline_points([4]) == [(1, 10)]
    assert ui.sparkline([]) == ""
    assert 'points="1.0,17.6 42.0,2.0 83.0,9.8"' in ui.sparkline([1, 3, 2])


def test_a_message_becomes_a_toast_with_its_way_back() -> None:
    done = Message(constants.SUCCESS, "Snoozed to Monday.", extra_tags="undo:/leads/4/snooze/undo/")
    failed = Message(constants.ERROR, "Rule 8 can never be reached.")

    first, second = ui.toasts([done, failed])

    assert (first.tone, first.undo_url, first.stays) == ("good", "/leads/4/snooze/undo/", True)
    assert (second.tone, second.undo_url, second.stays) == ("bad", "", True)


def test_tags_work_in_a_template() -> None:
    html = render(
        "{% icon 'phone' %}{{ 250|duration }} {{ 0.38|percent }} {{ 0.083|percent:1 }} "
        "{{ 31000|money }} {{ 1234|number }}"
    )

    assert html == f"{ui.icon('phone')}4:10 38{NBSP}% 8.3{NBSP}% €{NBSP}31,000 1,234"


def test_every_icon_that_a_template_or_script_names_is_in_the_sprite() -> None:
    sprite = (settings.BASE_DIR / "templates/_sprite.html").read_text()
    drawn = set(re.findall(r'id="icon-([\w-]+)"', sprite))
    named = set()
    for path in (settings.BASE_DIR / "templates").rglob("*.html"):
        text = path.read_text()
        named |= {(path.name, name) for name in re.findall(r"""{% icon ["']([\w-]+)["']""", text)}
        named |= {(path.name, name) for name in re.findall(r'href="#icon-([\w-]+)"', text)}

    assert sorted((file, name) for file, name in named if name not in drawn) == []
    assert set(ICONS) == drawn


def test_the_scripts_know_every_word_they_say() -> None:
    words = str(ui.ui_words())
    scripts = settings.BASE_DIR / "leadmgmt/static/leadmgmt/js"
    said = {name for path in scripts.glob("*.js") for name in re.findall(r'word\("(\w+)"', path.read_text())}

    assert isinstance(ui.ui_words(), SafeString)
    assert {name for name in said if f'"{name}":' not in words} == set()
