// Queue and lead page: rows that fill the preview, menus that close, Ctrl+Enter, the field that a choice asks for.
// Everything here has a way without it.

const preview = document.getElementById("preview");

function select(row) {
  document.querySelectorAll("[data-row][aria-current]").forEach((one) => one.removeAttribute("aria-current"));
  row.setAttribute("aria-current", "true");
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
  row.dispatchEvent(new CustomEvent("key-move", { bubbles: true }));
}

// Until the pane shows the row that is reached, it speaks of another lead: nothing in it can be pressed. A key that is
// pressed meanwhile is meant for the new one; js/keys.js keeps it. Where the row cannot be had the pane stays shut, and
// what was pressed for it is forgotten.
if (preview) {
  const keysAre = (what) => {
    preview.ariaBusy = "false";
    document.dispatchEvent(new CustomEvent(`keys-${what}`));
  };
  document.addEventListener("key-move", (event) => {
    if (event.target.matches("[data-row]")) preview.inert = preview.ariaBusy = "true";
  });
  const isOfAnother = ({ elt, target }) => target !== preview || (elt.matches("[data-row]") && !elt.hasAttribute("aria-current"));
  document.addEventListener("htmx:afterSettle", (event) => {
    if (isOfAnother(event.detail)) return;
    preview.inert = false;
    keysAre("ready");
  });
  ["htmx:responseError", "htmx:sendError", "htmx:timeout"].forEach((name) =>
    document.addEventListener(name, (event) => isOfAnother(event.detail) || keysAre("lost")),
  );
}

// Enter and a double click open the lead, one click shows it beside the list, where there is a pane to show it in.
document.addEventListener("click", (event) => {
  const row = event.target.closest("[data-row]");
  if (!row || event.detail !== 1 || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (!preview || !preview.checkVisibility()) return;
  event.preventDefault();
  if (!row.hasAttribute("aria-current")) select(row);
});
document.addEventListener("dblclick", (event) => {
  const row = event.target.closest("[data-row]");
  if (row) window.location.assign(row.href);
});

// The arrows of the pane walk the list, so that the selected row and the pane never part.
document.addEventListener("click", (event) => {
  const step = event.target.closest("[data-step]");
  if (!step) return;
  event.preventDefault();
  const rows = [...document.querySelectorAll("[data-row]")];
  const here = rows.findIndex((row) => row.hasAttribute("aria-current"));
  const next = rows[here + Number(step.dataset.step)];
  if (next) select(next);
});

// A menu closes when something else is wanted.
function closeMenus(except) {
  document.querySelectorAll("details.menu[open]").forEach((menu) => menu !== except && menu.removeAttribute("open"));
}
document.addEventListener("click", (event) => {
  const menu = event.target.closest("details.menu");
  closeMenus(event.target.closest(".menu-item:not(button)") ? null : menu);
});
document.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const items = step ? [...(event.target.closest("details.menu[open]")?.querySelectorAll(".menu-item") ?? [])] : [];
  if (items.length && (event.target.matches("summary") || items.includes(event.target))) {
    event.preventDefault();
    const here = items.indexOf(event.target);
    items[here < 0 ? 0 : (here + step + items.length) % items.length].focus();
  }
  if (event.key !== "Escape") return;
  const open = document.querySelector("details.menu[open]");
  if (open) {
    closeMenus(null);
    open.querySelector("summary").focus();
  }
});

// A date that an outcome asks for is missed before the form is sent, so that nothing written is lost.
function askForDate(form) {
  const due = form?.querySelector("[name=due_at]");
  if (due) due.required = due.checkVisibility();
}
document.addEventListener("click", (event) => askForDate(event.target.closest("[data-submit]")?.form), true);

// What one writes about a lead, or to it, stays until it is sent, whatever page or part of the page comes in between.
const WRITTEN = ".composer, .answer-form";
const drafted = ["body", "due_at", "subject", "value", "quote"];
function keep(field, write) {
  const key = `draft ${field.form?.getAttribute("action")} ${field.name}`;
  return write === undefined ? sessionStorage.getItem(key) : write ? sessionStorage.setItem(key, write) : sessionStorage.removeItem(key);
}
function fields(form) {
  return drafted.map((name) => form?.elements.namedItem(name)).filter((field) => field && "value" in field && field.type !== "hidden");
}
// A text that was just chosen to begin from is newer than what is kept; a signature that stands there anyhow is not.
function restore(isNew) {
  document.querySelectorAll(WRITTEN).forEach((form) =>
    fields(form).forEach((field) => {
      const kept = keep(field);
      if (kept !== null && (!field.value || (isNew && field.value === field.defaultValue && field.tagName !== "SELECT"))) field.value = kept;
    }),
  );
}
document.addEventListener("input", (event) => {
  if (event.target.closest(WRITTEN) && drafted.includes(event.target.name)) keep(event.target, event.target.value);
});
document.addEventListener("submit", (event) => event.target.matches(WRITTEN) && fields(event.target).forEach((field) => keep(field, "")));
document.addEventListener("htmx:afterSwap", () => restore(false));
restore(!new URLSearchParams(window.location.search).has("text"));

// Ctrl+Enter sends the form in which one writes; where nobody writes, what is being logged: an outcome's digit and this
// are a call.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  const elsewhere = event.target.closest("form:not(.composer), dialog");
  const form = event.target.closest("[data-composer]") ?? (elsewhere ? null : document.querySelector(".composer[data-composer]"));
  if (!form) return;
  event.preventDefault();
  askForDate(form);
  form.requestSubmit(form.querySelector("[data-submit]"));
});

// A second click on the same button sends nothing twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, 4000);
});

// The key of the pane ticks its row in the list.
document.addEventListener("click", (event) => {
  const pane = event.target.closest("[data-tick]");
  if (pane) document.querySelector(`.queue-tick input[value="${pane.dataset.tick}"]`)?.click();
});

// The list: one tick for all, and a choice is a wish to see it.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-tick-all]")) {
    event.target.form.querySelectorAll("[name=leads]").forEach((box) => (box.checked = event.target.checked));
  }
  if (event.target.matches("[data-submits]") && !event.target.closest(".menu-fields")) event.target.form.requestSubmit();
});
