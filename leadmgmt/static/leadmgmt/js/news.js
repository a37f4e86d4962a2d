// Asks for live news every ten seconds while somebody looks, and at once when they come back.
const EVERY_MS = 10000;

export function startNews() {
  const news = document.querySelector("[data-news]");
  if (!news) return;
  const ask = () => document.hidden || news.dispatchEvent(new CustomEvent("news"));
  setTimeout(ask, 1000);
  setInterval(ask, EVERY_MS);
  document.addEventListener("visibilitychange", ask);
}
