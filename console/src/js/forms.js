// What a check says of a field is bound to the field: `aria-invalid` follows the words beside it.
function bind(words) {
  const field = document.getElementById(words.dataset.trouble);
  if (!field) return;
  if (words.textContent.trim()) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}

document.addEventListener("htmx:after:swap", () => document.querySelectorAll("[data-trouble]").forEach(bind));

// After a form came back, the first field that is wrong has the focus.
document.addEventListener("DOMContentLoaded", () => document.querySelector('form [aria-invalid="true"]')?.focus());
