// htmx's requests: those that change something carry the session's token, and a server that is silent is spoken of.
document.addEventListener("htmx:config:request", (event) => {
  const { request } = event.detail.ctx;
  if (request.method === "GET") return;
  request.headers["x-csrf-token"] = document.querySelector('meta[name="csrf-token"]').content;
});

const offline = (silent) => {
  const banner = document.querySelector("[data-offline]");
  if (banner && banner.hidden === silent) banner.hidden = !silent;
};
document.addEventListener("htmx:error", () => offline(true));
document.addEventListener("htmx:after:request", () => offline(false));
