// Ctrl K: search and commands. Leads and pages come from the server, what this page offers from its own keys.
import { keyed, nameOf } from "./keys.js";
import { isDark, toggleTheme } from "./theme.js";
import { word } from "./words.js";

const dialog = document.getElementById("palette");
const input = document.getElementById("palette-input");
const results = document.getElementById("palette-results");
// Enter may come before the answer to what was typed: it then opens the first result of that answer.
let asked = null;
let shown = null;
let hurried = false;

function options() {
  return [...results.querySelectorAll("[role=option]")];
}

function select(option) {
  options().forEach((one) => one.setAttribute("aria-selected", String(one === option)));
  if (option) {
    option.id ||= `palette-option-${options().indexOf(option)}`;
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  } else {
    input.removeAttribute("aria-activedescendant");
  }
}

function command(name, keys, run) {
  const option = document.createElement("button");
  option.type = "button";
  option.className = "palette-option";
  option.tabIndex = -1;
  option.setAttribute("role", "option");
  const text = document.createElement("span");
  text.textContent = name;
  const cap = document.createElement(keys ? "kbd" : "span");
  if (keys) cap.className = "key";
  cap.textContent = keys;
  option.append(text, cap);
  option.addEventListener("click", () => {
    dialog.close();
    run();
  });
  return option;
}

// The sidebar's links are listed by the server already.
function pageCommands(query) {
  const found = keyed()
    .filter((element) => !element.closest(".sidebar, .toasts, dialog"))
    .map((element) => command(nameOf(element), element.dataset.key, () => element.matches("input, textarea, select") ? element.focus() : element.click()));
  found.push(command(isDark() ? word("lightTheme") : word("darkTheme"), "", toggleTheme));
  return found.filter((option) => option.firstChild.textContent.toLowerCase().includes(query));
}

function complete() {
  const found = pageCommands(input.value.trim().toLowerCase());
  if (found.length) {
    const heading = document.createElement("p");
    heading.className = "palette-heading";
    heading.setAttribute("role", "presentation");
    heading.textContent = word("commands");
    results.append(heading, ...found);
    results.querySelector(".palette-none")?.remove();
  }
  options().forEach((option) => (option.tabIndex = -1));
  select(options()[0]);
  shown = asked;
  if (hurried && shown === input.value) options()[0]?.click();
  hurried = hurried && shown !== input.value;
}

function open() {
  if (dialog.open) return;
  input.value = "";
  shown = null;
  hurried = false;
  dialog.showModal();
  input.focus();
  input.dispatchEvent(new CustomEvent("palette-open"));
}

function steer(event) {
  const all = options();
  const here = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    if (all.length) select(all[(here + step + all.length) % all.length]);
  } else if (event.key === "Enter" && !event.isComposing) {
    event.preventDefault();
    if (shown === input.value) all[here]?.click();
    else hurried = true;
  }
}

export function startPalette() {
  if (!dialog) return;
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
    }
  });
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-palette-open]");
    if (opener && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      open();
    }
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  input.addEventListener("keydown", steer);
  input.addEventListener("htmx:configRequest", () => (asked = input.value));
  input.addEventListener("input", () => (hurried = false));
  results.addEventListener("htmx:afterSwap", complete);
}
