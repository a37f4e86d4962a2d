// Running promises and relative times. A clock ticks in place, with figures of one width; it speaks twice:
// five minutes before the end, and at the end.
import { word } from "./words.js";

const MINUTE = 60;
const HOUR = 3600;
const SOON = 15 * MINUTE;
const SPEAK_AT = 5 * MINUTE;
const ICONS = { ok: "clock", soon: "bell", breached: "alert" };

function span(seconds) {
  if (seconds < HOUR) return word("minutes", { count: Math.max(1, Math.floor(seconds / MINUTE)) });
  return word("hours", { count: Math.floor(seconds / HOUR) });
}

function left(seconds) {
  if (seconds <= 0) return word("over", { span: span(-seconds) });
  if (seconds < SOON) return `${Math.floor(seconds / MINUTE)}:${String(Math.floor(seconds % MINUTE)).padStart(2, "0")}`;
  return span(seconds);
}

function say(text) {
  let voice = document.getElementById("clock-voice");
  if (!voice) {
    voice = document.createElement("p");
    voice.id = "clock-voice";
    voice.className = "visually-hidden";
    voice.setAttribute("role", "status");
    document.body.append(voice);
  }
  voice.textContent = text;
}

// Whose promise it is: the nearest row or page heading names it.
function who(clock) {
  const named = clock.closest("[data-clock-name]")?.dataset.clockName;
  return named ?? clock.closest("li, tr, header")?.querySelector("strong, h1, h2, a")?.textContent.trim() ?? "";
}

function mark(clock, state) {
  if (clock.classList.contains(`sla--${state}`)) return;
  clock.classList.remove("sla--ok", "sla--soon", "sla--breached");
  clock.classList.add(`sla--${state}`);
  clock.querySelector("use")?.setAttribute("href", `#icon-${ICONS[state]}`);
  const spoken = clock.querySelector("[data-sla-word]");
  if (spoken) spoken.textContent = state === "ok" ? "" : `${word(state === "soon" ? "soon" : "overdue")}: `;
}

function tick(clock, now) {
  const seconds = (Date.parse(clock.dataset.due) - now) / 1000;
  // A time of day or a weekday stays as the server wrote it.
  if (seconds >= HOUR) return;
  const before = Number(clock.dataset.left ?? seconds);
  const text = left(seconds);
  const shown = clock.querySelector(".sla-time");
  if (shown && shown.textContent !== text) shown.textContent = text;
  mark(clock, seconds <= 0 ? "breached" : seconds < SOON ? "soon" : "ok");
  if (before > SPEAK_AT && seconds <= SPEAK_AT) say(word("fiveLeft", { who: who(clock) }));
  if (before > 0 && seconds <= 0) say(word("timeOver", { who: who(clock) }));
  clock.dataset.left = seconds;
}

function age(time, now) {
  const seconds = (now - Date.parse(time.dateTime)) / 1000;
  if (seconds >= MINUTE && seconds < 24 * HOUR) time.textContent = word("ago", { span: span(seconds) });
}

export function startCountdowns() {
  let count = 0;
  const beat = () => {
    if (document.hidden) return;
    const now = Date.now();
    document.querySelectorAll(".sla[data-due]").forEach((clock) => tick(clock, now));
    if (count++ % 20 === 0) document.querySelectorAll("time[data-ago]").forEach((time) => age(time, now));
  };
  setInterval(beat, 1000);
  document.addEventListener("visibilitychange", beat);
}
