// A form that changes something is sent once, however often its button is pressed while the answer is on its way.
const sent = new Set();

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return; // htmx sends its own, one after the other
  if (event.submitter?.formTarget) return; // into a frame, such as a preview: the page stays
  if (sent.has(form)) {
    event.preventDefault();
    return;
  }
  sent.add(form);
  form.setAttribute("aria-busy", "true");
});

// Back from the next page, by the browser's own memory of this one, everything may be sent again.
window.addEventListener("pageshow", () => {
  sent.forEach((form) => form.removeAttribute("aria-busy"));
  sent.clear();
});
