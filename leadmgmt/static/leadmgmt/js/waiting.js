// A thin line on top while an answer takes longer than 300 ms (the delay is in shell.css).
export function startWaiting() {
  const line = document.createElement("div");
  line.className = "progress";
  line.setAttribute("aria-hidden", "true");
  document.body.append(line);
  let open = 0;
  const show = () => line.classList.toggle("progress--on", open > 0);
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.matches("[data-news]")) return;
    open += 1;
    show();
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (event.target.matches("[data-news]")) return;
    open = Math.max(0, open - 1);
    show();
  });
}
