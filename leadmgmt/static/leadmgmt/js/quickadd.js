// A lead entered by hand, from every screen: the link opens a dialog; without scripts it leads to the page.
const dialog = document.getElementById("quick-add");

function open(event) {
  const link = event.target.closest?.("[data-quick-add]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  dialog.dispatchEvent(new Event("quick-add-open"));
}

export function startQuickAdd() {
  if (!dialog) return;
  document.addEventListener("click", open);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close-dialog]")) dialog.close();
  });
  // It opens when the form is there; what was typed and refused stays open.
  dialog.addEventListener("htmx:afterSwap", () => {
    if (!dialog.open) dialog.showModal();
    (dialog.querySelector("[aria-invalid=true]") ?? dialog.querySelector("input:not([type=hidden])"))?.focus();
  });
  // Next time it begins empty.
  dialog.addEventListener("close", () => dialog.replaceChildren());
}
