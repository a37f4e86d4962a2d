// A button with `data-copy="#id"` copies the text of that element and says so for a moment.
import { word } from "./words.js";

const SHOWN_MS = 1600;

async function copy(button) {
  const source = document.querySelector(button.dataset.copy);
  if (!source) return;
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
  } catch {
    // Without the right to write to the clipboard the text is selected, ready for the keys.
    getSelection().selectAllChildren(source);
    return;
  }
  const label = button.querySelector("[data-copy-label]");
  if (!label || label.dataset.before) return;
  label.dataset.before = label.textContent;
  label.textContent = word("copied");
  setTimeout(() => {
    label.textContent = label.dataset.before;
    delete label.dataset.before;
  }, SHOWN_MS);
}

export function startCopying() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (button) copy(button);
  });
}
