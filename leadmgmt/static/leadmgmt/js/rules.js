// The rule editor: nothing that is typed, chosen or pressed while its rows are fetched anew is lost. A control keeps its
// id as long as its row lives, so htmx gives the focus back; here it gets back what came into it meanwhile, and what was
// pressed meanwhile is pressed once the rows are there. Without scripts every button sends the form.
const ROWS = "condition-editor";
const pressed = [];
let sent = null;
let typed = [];
let caret = null;

const controls = () => [...document.querySelectorAll(`#${ROWS} :is(input, select, textarea)[id]`)];
const isOurs = (event) => event.detail.requestConfig?.target?.id === ROWS;

function hold(event) {
  const control = event.target.closest?.(`#${ROWS} [hx-post]`);
  if (!sent || !control || event.type !== (control.matches("select") ? "change" : "click")) return;
  event.preventDefault();
  event.stopPropagation();
  pressed.push(control.id);
}
document.addEventListener("click", hold, true);
document.addEventListener("change", hold, true);

document.addEventListener("htmx:beforeRequest", (event) => {
  if (isOurs(event)) sent = new Map(controls().map((one) => [one.id, one.value]));
});

document.addEventListener("htmx:beforeSwap", (event) => {
  if (!isOurs(event) || !sent) return;
  typed = controls().filter((one) => sent.get(one.id) !== one.value).map((one) => [one.id, one.value]);
  const { id, selectionStart, selectionEnd } = document.activeElement;
  caret = [id, selectionStart, selectionEnd];
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (!isOurs(event)) return;
  for (const [id, value] of typed) {
    const control = document.getElementById(id);
    if (!control || (control.options && ![...control.options].some((one) => one.value === value))) continue;
    control.value = value;
    if (caret[0] === id && typeof caret[1] === "number") control.setSelectionRange?.(caret[1], caret[2]);
  }
  typed = [];
});

function goOn() {
  sent = null;
  while (!sent && pressed.length) {
    const control = document.getElementById(pressed.shift());
    if (control?.matches("select")) control.dispatchEvent(new Event("change", { bubbles: true }));
    else control?.click();
  }
}
document.addEventListener("htmx:afterSettle", (event) => isOurs(event) && goOn());
document.addEventListener("htmx:afterRequest", (event) => isOurs(event) && !event.detail.successful && goOn());
