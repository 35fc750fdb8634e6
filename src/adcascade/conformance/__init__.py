"""Does a bidder speak OpenRTB 2.6? Examples, mutations of them, and rules that judge every answer.

An independent reading of the specification: nothing here imports the server, so that the suite may contradict it.
"""
