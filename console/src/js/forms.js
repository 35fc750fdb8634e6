// What a check says of a field is bound to the field: `aria-invalid` follows the words beside it.
function bind(words) {
  const field = document.getElementById(words.dataset.trouble);
  if (!field) return;
  if (words.textContent.trim()) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}

document.addEventListener("htmx:after:swap", () => document.querySelectorAll("[data-trouble]").forEach(bind));

// After a form came back, what is told of all that is wrong has the focus, or else the first field that is.
document.addEventListener("DOMContentLoaded", () =>
  (document.querySelector("[data-wrong]") ?? document.querySelector('form [aria-invalid="true"]'))?.focus());

// A preview follows what is typed: its button sends the form into the frame beside it.
document.addEventListener("change", (event) => {
  const button = event.target.closest(".group")?.querySelector("[data-preview]");
  if (button) button.form.requestSubmit(button);
});
