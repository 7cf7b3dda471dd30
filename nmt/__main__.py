"""`python -m nmt` is `nmt`."""

from nmt.cli import main

main(prog_name="nmt")
