"""adcascade: an advertising engine that a marketplace or retailer runs itself."""

__version__ = "0.1.0"
