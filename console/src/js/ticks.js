// Rows to be ticked: the head's box ticks all that are shown, and a sentence counts them.
const SOME = "[data-ticks]";
const boxes = (table) => [...table.querySelectorAll("tbody input[type=checkbox]")];
const tickedAs = new WeakMap(); // a box and the row that it was ticked for: a swap may give the box another row

function tell(table) {
  const all = table.querySelector("[data-tick-all]");
  if (!all) return;
  const ticked = boxes(table).filter((box) => box.checked).length;
  all.checked = ticked > 0 && ticked === boxes(table).length;
  all.indeterminate = ticked > 0 && !all.checked;
  table.querySelector("[data-ticked]").textContent = ticked ? `${ticked} ticked` : "Tick campaigns to pause or resume them together.";
}

document.addEventListener("change", (event) => {
  const table = event.target.closest(SOME);
  if (!table || event.target.type !== "checkbox") return;
  if (event.target.matches("[data-tick-all]")) boxes(table).forEach((box) => { box.checked = event.target.checked; });
  boxes(table).forEach((box) => tickedAs.set(box, box.checked ? box.name : ""));
  tell(table);
});

document.addEventListener("htmx:after:swap", () => document.querySelectorAll(SOME).forEach((table) => {
  boxes(table).forEach((box) => { box.checked = box.checked && tickedAs.get(box) === box.name; });
  tell(table);
}));
