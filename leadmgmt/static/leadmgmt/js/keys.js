// Single-letter keys. An element says which key it answers to: data-key="c", or data-key="g q" for two in a row.
// Inputs get the focus, everything else is clicked. Lists marked data-key-list are walked with j and k.
import { word } from "./words.js";

const PAUSE_MS = 900;
let pending = "";
let timer = 0;

function enabled() {
  return document.documentElement.dataset.keys !== "off";
}

export function isTyping(target) {
  return target.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true]") != null;
}

// What stands in a closed menu can be reached by its key as long as the menu itself is on the screen; what is being
// replaced cannot.
function usable(element) {
  const shut = element.matches("summary") ? null : element.closest("details.menu:not([open])");
  if (element.closest("[inert]")) return false;
  return (shut ?? element).checkVisibility?.() !== false && !element.disabled && element.getAttribute("aria-disabled") !== "true";
}

export function keyed() {
  return [...document.querySelectorAll("[data-key]")].filter(usable);
}

export function nameOf(element) {
  if (element.dataset.keyLabel) return element.dataset.keyLabel;
  if (element.ariaLabel) return element.ariaLabel;
  if (element.placeholder) return element.placeholder;
  const copy = element.cloneNode(true);
  copy.querySelectorAll(".key, .nav-count, .tab-count, .visually-hidden").forEach((part) => part.remove());
  return copy.textContent.trim().replace(/\s+/g, " ");
}

function press(element) {
  if (element.matches("input:not([type=checkbox]):not([type=radio]), textarea, select")) {
    element.focus();
    element.select?.();
  } else {
    element.click();
    // Who opens a menu by key goes on in it by key.
    if (element.matches("summary")) element.parentElement.querySelector(".menu-item, input:not([type=hidden]), select")?.focus();
  }
}

function walk(step) {
  const list = document.querySelector("[data-key-list]");
  if (!list) return false;
  const items = [...list.querySelectorAll("[data-key-item]")].filter(usable);
  const here = items.findIndex((item) => item === document.activeElement || item.hasAttribute("aria-current"));
  const next = items[Math.min(Math.max(here + step, 0), items.length - 1)];
  if (!next) return false;
  items.forEach((item) => item.removeAttribute("aria-current"));
  next.setAttribute("aria-current", "true");
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  next.dispatchEvent(new CustomEvent("key-move", { bubbles: true }));
  return true;
}

function caps(keys) {
  return keys.split(" ").flatMap((key, index) => {
    const cap = document.createElement("kbd");
    cap.className = "key";
    cap.textContent = key;
    return index ? [` ${word("then")} `, cap] : [cap];
  });
}

export function showKeys() {
  const dialog = document.getElementById("keys-dialog");
  if (!dialog) return;
  const seen = new Map();
  keyed().forEach((element) => seen.has(element.dataset.key) || seen.set(element.dataset.key, nameOf(element)));
  seen.set("?", word("allKeys"));
  seen.set("Ctrl K", word("search"));
  dialog.querySelector("[data-keys-list]").replaceChildren(
    ...[...seen].flatMap(([keys, name]) => {
      const term = document.createElement("dt");
      term.append(...(keys === "Ctrl K" ? caps("Ctrl+K") : caps(keys)));
      const text = document.createElement("dd");
      text.textContent = name;
      return [term, text];
    }),
  );
  dialog.showModal();
}

function answer(key) {
  const wanted = pending ? `${pending} ${key}` : key;
  pending = "";
  clearTimeout(timer);
  // What a toast offers is the newest thing on the screen.
  const named = keyed().filter((one) => one.dataset.key === wanted);
  const element = named.find((one) => one.closest(".toasts")) ?? named[0];
  if (element) {
    press(element);
    return true;
  }
  if (wanted === "?") {
    showKeys();
    return true;
  }
  if (wanted === "j" || wanted === "k") return walk(wanted === "j" ? 1 : -1);
  if (keyed().some((one) => one.dataset.key.startsWith(`${wanted} `))) {
    pending = wanted;
    timer = setTimeout(() => (pending = ""), PAUSE_MS);
    return true;
  }
  return false;
}

// What is pressed while a part is being replaced, and nothing else on the page answers to, is meant for the new part;
// whatever comes after it waits behind it, so that quick hands are obeyed in their order.
let kept = [];
function waits(key) {
  if (pending || !document.querySelector("[inert][aria-busy=true]") || key === "?" || key === "j" || key === "k") return false;
  return !keyed().some((one) => one.dataset.key === key || one.dataset.key.startsWith(`${key} `));
}

export function startKeys() {
  document.addEventListener("keydown", (event) => {
    if (!enabled() || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.key.length !== 1) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const isKept = kept.length > 0 || waits(event.key);
    if (isKept) kept.push(event.key);
    if (isKept || answer(event.key)) event.preventDefault();
  });
  document.addEventListener("keys-ready", () => {
    while (kept.length && !waits(kept[0])) answer(kept.shift());
  });
  document.addEventListener("keys-lost", () => (kept = []));
}
