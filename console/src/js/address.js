// A search as one types, and filters as one chooses: the address follows, as if the form had been sent. A new search is
// a new entry of the history, so that "back" shows the list before it; its further letters change that entry.
const told = (address) => new URLSearchParams(new URL(address, location.href).search);
const form = (element) => element.closest('form.search[method="get"]');

function rest(words) {
  const others = new URLSearchParams(words);
  others.delete("search");
  others.sort();
  return others.toString();
}

document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
  const asking = form(ctx.sourceElement);
  if (!asking) return;
  const words = new URLSearchParams([...new FormData(asking)].filter(([, text]) => text));
  const before = told(location.href);
  if (!before.has("sort")) before.set("sort", words.get("sort")); // what the page began with
  const goesOn = before.get("search") && words.get("search") && rest(before) === rest(words);
  ctx[goesOn ? "replace" : "push"] = `${asking.getAttribute("action")}?${words}`;
});

// A head of the table sorts it: the next search keeps that order.
document.addEventListener("htmx:after:history:update", () => {
  const sort = told(location.href).get("sort");
  document.querySelectorAll('form.search input[name="sort"]').forEach((field) => { field.value = sort ?? field.value; });
});
