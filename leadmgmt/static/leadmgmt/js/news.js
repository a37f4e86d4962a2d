// Asks for live news every ten seconds while somebody looks, and at once when they come back. Where the person has
// allowed it, the browser tells of them while another tab is in front.
const EVERY_MS = 10000;
const BEHIND_MS = 30000;

function allowed() {
  return "Notification" in window && Notification.permission === "granted";
}

function announce(event) {
  if (!document.hidden || !allowed()) return;
  const seen = new Set();
  event.target.querySelectorAll(".toast:not([data-announced])").forEach((toast) => {
    toast.dataset.announced = "";
    const title = toast.querySelector("strong")?.textContent.trim();
    if (!title || seen.has(title)) return;
    seen.add(title);
    const shown = new Notification(title, { body: toast.querySelector(".small")?.textContent.trim() ?? "", tag: title });
    shown.addEventListener("click", () => {
      window.focus();
      toast.querySelector("form button")?.click();
    });
  });
}

function startAsking() {
  const button = document.querySelector("[data-browser-news]");
  if (!button || !("Notification" in window)) return;
  const show = () => {
    button.hidden = Notification.permission !== "default";
    document.querySelectorAll("[data-browser-news-state]").forEach((line) => {
      line.hidden = line.dataset.browserNewsState !== Notification.permission;
    });
  };
  button.addEventListener("click", () => Notification.requestPermission().then(show));
  show();
}

export function startNews() {
  startAsking();
  const news = document.querySelector("[data-news]");
  if (!news) return;
  let asked = 0;
  const ask = () => {
    if (document.hidden && (!allowed() || Date.now() - asked < BEHIND_MS)) return;
    asked = Date.now();
    news.dispatchEvent(new CustomEvent("news"));
  };
  setTimeout(ask, 1000);
  setInterval(ask, EVERY_MS);
  document.addEventListener("visibilitychange", ask);
  news.addEventListener("htmx:afterSwap", announce);
}
