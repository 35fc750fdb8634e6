"""OpenRTB 2.6: bid requests in, bid responses out."""
