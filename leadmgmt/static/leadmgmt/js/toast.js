// Toasts: shown by the server, by an htmx answer (events "toast" and "toasts"), or by a script.
import { word } from "./words.js";

const SHOWN_MS = 7000;
const MARKS = { bad: "alert", warn: "alert" };

function area() {
  return document.getElementById("toasts");
}

function leave(toast) {
  toast.classList.add("toast--leaving");
  setTimeout(() => toast.remove(), 150);
}

// A toast with nothing to press goes by itself, unless the pointer or the focus rests on it.
function schedule(toast) {
  if (toast.hasAttribute("data-stays") || toast.dataset.scheduled) return;
  toast.dataset.scheduled = "yes";
  const tick = () => {
    if (!toast.isConnected) return;
    if (toast.matches(":hover, :focus-within")) setTimeout(tick, 2000);
    else leave(toast);
  };
  setTimeout(tick, SHOWN_MS);
}

function mark(tone) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#icon-${MARKS[tone] ?? "check"}`);
  svg.append(use);
  return svg;
}

export function showToast({ text, tone = "plain", undo_url: undoUrl = "", stays = false }) {
  const template = document.getElementById("toast-template");
  if (!template || !area()) return;
  const toast = template.content.firstElementChild.cloneNode(true);
  toast.classList.add(`toast--${tone}`);
  toast.querySelector(".toast-mark").replaceWith(mark(tone));
  toast.querySelector(".toast-text").textContent = text;
  if (undoUrl) {
    const form = document.getElementById("toast-undo-template").content.firstElementChild.cloneNode(true);
    form.action = undoUrl;
    toast.querySelector("[data-toast-close]").before(form);
  }
  if (stays || undoUrl) toast.setAttribute("data-stays", "");
  area().prepend(toast);
}

export function startToasts() {
  if (!area()) return;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-toast-close]");
    if (button) leave(button.closest(".toast"));
  });
  document.addEventListener("submit", (event) => {
    const toast = event.target.matches("[data-toast-undo]") && event.target.closest(".toast");
    if (toast) setTimeout(() => leave(toast));
  });
  document.body.addEventListener("toast", (event) => showToast(event.detail));
  document.body.addEventListener("toasts", (event) => event.detail.items.forEach(showToast));
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    // A refusal worded by the server is shown although it is no success.
    if (event.detail.xhr.getResponseHeader("HX-Retarget") === "#toasts") {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });
  document.body.addEventListener("htmx:responseError", () => showToast({ text: word("failed"), tone: "bad", stays: true }));
  document.body.addEventListener("htmx:sendError", () => showToast({ text: word("offline"), tone: "warn" }));
  new MutationObserver(() => area().querySelectorAll(".toast").forEach(schedule)).observe(area(), { childList: true, subtree: true });
  area().querySelectorAll(".toast").forEach(schedule);
}
