"""Simulated calls with references, and the harness that measures CallAnnotate beside what else there is."""
