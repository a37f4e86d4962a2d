// Asks for live news when the server nudges, while somebody looks; every ten seconds where there is no stream, and at
// once when they come back. Where the person has allowed it, the browser tells of news while another tab is in front.
const EVERY_MS = 10000;
const STREAMED_MS = 60000;
const BEHIND_MS = 30000;
const TRY_AGAIN_MS = 120000;

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
  let stream = null;
  let tried = 0;
  const isStreamed = () => stream?.readyState === EventSource.OPEN;
  const ask = () => {
    const since = Date.now() - asked;
    if (document.hidden && (!allowed() || since < BEHIND_MS)) return;
    asked = Date.now();
    news.dispatchEvent(new CustomEvent("news"));
  };
  // A browser has few connections to one address: a tab that nobody sees keeps none of them.
  const listen = () => {
    if (document.hidden || !("EventSource" in window)) {
      stream?.close();
      stream = null;
      tried = 0;
    } else if ((!stream || stream.readyState === EventSource.CLOSED) && Date.now() - tried >= TRY_AGAIN_MS) {
      tried = Date.now();
      stream = new EventSource(news.dataset.stream);
      stream.addEventListener("news", ask);
    }
  };
  // A stream nudges by itself as soon as it is heard.
  setTimeout(() => isStreamed() || ask(), 1000);
  setInterval(() => {
    if (!isStreamed() || Date.now() - asked >= STREAMED_MS) ask();
    listen();
  }, EVERY_MS);
  listen();
  document.addEventListener("visibilitychange", () => {
    listen();
    ask();
  });
  window.addEventListener("pagehide", () => stream?.close());
  news.addEventListener("htmx:afterSwap", announce);
}
