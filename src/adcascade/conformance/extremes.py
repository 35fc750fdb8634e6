"""Values that break parsers: literals, numbers and texts, and names of fields that mean something to somebody."""

LITERALS = (
    "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "-0", "-0.0", "1E+2", "0x10", "01", "+1", ".5", "5.",
    "1e", "undefined",
    "True", "'x'", "1e-400", "0.1e-6", "9" * 400, "9" * 5000, "1." + "3" * 3000,
)  # fmt: skip
NUMBERS = (
    0, -1, 1, 2, 3, 255, 2**31 - 1, 2**31, -(2**31) - 1, 2**32, 2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63),
    2**64, 10**40,
    0.5, -0.5, 1e-9, 1e9, 1e15, 1e16, 1e308, -1e308, 5e-324, 1.7976931348623157e308, 300.0, 300.5,
)  # fmt: skip
TEXTS = (
    "", " ", "0", "1", "-1", "1.5", "true", "null", "NaN", "300", "USD", "usd", "x", "\x00", "\x1f", "\x7f",
    "\u2028", "\u202e\u2066",
    "\ud800", "\udfff\ud800", "a\u0301" * 50, "👩‍👩‍👧‍👦" * 20, "ﷺ" * 100, "\ufeff", "İıſK", "../../etc/passwd",
    "' OR 1=1 --", "<script>alert(1)</script>",
    "${AUCTION_PRICE}", "${jndi:ldap://x}", "%s%n%x", "http://[::1", "javascript:alert(1)", "{}", "[]",
    '{"native":{}}', "x" * 1024, "x" * 1025,
    "ü" * 70_000,
)  # fmt: skip
WORDS = ("id", "imp", "ext", "", "__proto__", "constructor", "ID", "Imp", "\x00", "é", "a.b", "$", "x" * 300)
