"""The closed loop: the market's shoppers against the real AdService, and the policies that it is measured beside."""
