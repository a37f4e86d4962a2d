// Rules are put in order by their grips: dragged with mouse, pen or finger, or with Alt and the arrow keys. The rule is
// sent to its new place when it is let go; Escape puts it back. Without scripts an open rule has buttons up and down.
const form = document.getElementById("rule-order");
const MOVED = "leadmgmt.moved";
let drag = null;

const items = () => [...document.querySelectorAll("[data-rule]")];

function send(item, to) {
  sessionStorage.setItem(MOVED, item.id);
  form.action = item.querySelector("[data-grip]").dataset.url;
  form.elements.to.value = to;
  form.requestSubmit();
}

function begin(event) {
  const grip = event.target.closest("[data-grip]");
  if (!grip || event.button) return;
  const item = grip.closest("[data-rule]");
  drag = { item, id: event.pointerId, from: items().indexOf(item), next: item.nextElementSibling };
  grip.setPointerCapture(event.pointerId);
  item.classList.add("rule-item--dragged");
  event.preventDefault();
}

function move(event) {
  if (!drag || event.pointerId !== drag.id) return;
  const others = items().filter((one) => one !== drag.item);
  const below = others.find((one) => {
    const box = one.getBoundingClientRect();
    return event.clientY < box.top + box.height / 2;
  });
  const list = drag.item.parentElement;
  const after = below ?? null;
  if (drag.item.nextElementSibling !== after) list.insertBefore(drag.item, after);
}

function end(event) {
  if (!drag || event.pointerId !== drag.id) return;
  const { item, from, next } = drag;
  const to = items().indexOf(item);
  const isGivenUp = event.type !== "pointerup";
  drag = null;
  item.classList.remove("rule-item--dragged");
  if (isGivenUp) item.parentElement.insertBefore(item, next);
  else if (to !== from) send(item, to + 1);
}

function step(event) {
  if (event.key === "Escape" && drag) {
    end({ type: "escape", pointerId: drag.id });
    return;
  }
  const grip = event.target.closest?.("[data-grip]");
  const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!grip || !by || !event.altKey) return;
  event.preventDefault();
  const item = grip.closest("[data-rule]");
  const to = items().indexOf(item) + by;
  if (to >= 0 && to < items().length) send(item, to + 1);
}

if (form) {
  document.addEventListener("pointerdown", begin);
  document.addEventListener("pointermove", move);
  document.addEventListener("pointerup", end);
  document.addEventListener("pointercancel", end);
  document.addEventListener("keydown", step);
  const moved = document.getElementById(sessionStorage.getItem(MOVED) ?? "");
  sessionStorage.removeItem(MOVED);
  moved?.querySelector("[data-grip]")?.focus();
}
