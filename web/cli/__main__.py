"""`python -m web.cli`, for where the console script is not on the path."""

from web.start import main

main()
