"""Privacy: may this user be recognised? TCF and GPP strings read bit by bit, and one rule over all signals."""
