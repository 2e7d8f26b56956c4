"""What is needed to run CallAnnotate in containers, and what checks the image without a container engine."""
