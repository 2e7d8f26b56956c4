"""`python -m web.cli`, for where the console script is not on the path."""

from web.cli import main

main()
