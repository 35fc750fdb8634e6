// A part that was asked for is busy until it is there; where that takes longer than a moment, words at the part say so.
const MOMENT_MS = 400; // what a person asked for
const PATIENT_MS = 4000; // what a part asks for by itself
const clocks = new Map(); // request -> clock

document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  const itself = ctx.sourceElement.getAttribute("hx-trigger")?.includes("every");
  ctx.target.setAttribute("aria-busy", "true");
  clocks.set(ctx, setTimeout(() => { ctx.target.dataset.late = ""; }, itself ? PATIENT_MS : MOMENT_MS));
});

document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  clearTimeout(clocks.get(ctx));
  clocks.delete(ctx);
  if ([...clocks.keys()].some((other) => other.target === ctx.target)) return;
  ctx.target.removeAttribute("aria-busy");
  delete ctx.target.dataset.late;
});
