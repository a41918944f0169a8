"""`python -m lineal.cli`, for where the `lineal` script is not on the path."""

from lineal.cli import main

main()
