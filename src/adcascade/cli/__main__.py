"""`python -m adcascade.cli`: the command line for programs that start it by the interpreter they run in."""

from adcascade.cli import main

main()
