// The mapping editor: a value that is chosen writes its path into the row that had the focus last, else the first empty.
const rows = () => [...document.querySelectorAll('.mapping-table input[name="expression"], .mapping-table input[name^="special_"]')];
let last = null;

document.addEventListener("focusin", (event) => {
  if (rows().includes(event.target)) last = event.target;
});

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-path]");
  if (!button) return;
  const row = last?.isConnected ? last : rows().find((one) => !one.value);
  if (!row) return;
  row.value = button.dataset.path;
  row.dispatchEvent(new Event("input", { bubbles: true }));
  row.focus();
});
