// What was done is said at the top of the next page, and read from there: it has the focus unless a field has it.
document.addEventListener("DOMContentLoaded", () => {
  if (document.activeElement === document.body) document.querySelector("[data-flash]")?.focus();
});
