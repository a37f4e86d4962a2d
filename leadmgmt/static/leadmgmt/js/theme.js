// Light or dark: changes at once, and is kept in the profile.
const root = document.documentElement;

export function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

export function toggleTheme() {
  const form = document.querySelector("[data-theme-form]");
  const theme = isDark() ? "light" : "dark";
  root.dataset.theme = theme;
  if (!form) return;
  const body = new FormData(form);
  body.set("theme", theme);
  fetch(form.action, { method: "POST", body, redirect: "manual" });
}

export function startTheme() {
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-theme-form]")) return;
    event.preventDefault();
    toggleTheme();
  });
}
