"""Headers of every answer of the console: nothing but our own files runs, is shown, or is spoken to."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # with "no-referrer" browsers would send the origin "null" with forms
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
PRIVATE = HEADERS | {"cache-control": "no-store"}


def framed(policy: str) -> dict[str, str]:
    """Of a document that only a frame of our own pages shows, under a policy of its own."""
    told = {"content-security-policy": policy, "x-frame-options": "SAMEORIGIN", "referrer-policy": "no-referrer"}
    return PRIVATE | told
