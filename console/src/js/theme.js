// Light, dark, or as the system has it; the choice is remembered in this browser.
const KEY = "adcascade-theme";
const THEMES = ["automatic", "light", "dark"];
const root = document.documentElement;

const chosen = () => {
  try {
    const kept = localStorage.getItem(KEY);
    return THEMES.includes(kept) ? kept : "automatic";
  } catch {
    return "automatic"; // storage is switched off
  }
};

function apply(theme) {
  if (theme === "automatic") delete root.dataset.theme;
  else root.dataset.theme = theme;
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.textContent = `◐ ${theme}`;
    button.setAttribute("aria-label", `Theme: ${theme}`);
  }
  document.dispatchEvent(new CustomEvent("theme"));
}

apply(chosen());
document.addEventListener("DOMContentLoaded", () => apply(chosen()));
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-toggle]")) return;
  const next = THEMES[(THEMES.indexOf(chosen()) + 1) % THEMES.length];
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // it holds for this page alone
  }
  apply(next);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => apply(chosen()));
