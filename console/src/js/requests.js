// Requests: htmx's that change something carry the session's token, and a server that is silent is spoken of.
document.addEventListener("htmx:config:request", (event) => {
  const { request } = event.detail.ctx;
  if (request.method === "GET") return;
  request.headers["x-csrf-token"] = document.querySelector('meta[name="csrf-token"]').content;
});

const AGAIN_MS = 5000;
let again = 0;

// Says that nobody answers, or takes it back; until then the server is asked whether it is there.
function silence(silent) {
  const words = document.querySelector("[data-offline]");
  if (words && words.hidden === silent) words.hidden = !silent;
  clearTimeout(again);
  if (silent) again = setTimeout(() => fetch("/health", { cache: "no-store" }).then(() => silence(false), () => silence(true)), AGAIN_MS);
}
document.addEventListener("htmx:error", () => silence(true));
document.addEventListener("htmx:after:request", () => silence(false));
window.addEventListener("offline", () => silence(true));
