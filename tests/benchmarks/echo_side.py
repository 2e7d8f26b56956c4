"""A system for the tests of the runner: it says back what it was told."""

import os
import sys

from benchmarks.protocol import Clock, Job, Outcome, Task, Word, Worker, serve


def prepare(job: Job) -> Worker:
    ballast = bytearray(os.urandom(1024) * 1024 * 64) if job.mode == "heavy" else bytearray()
    done: list[str] = []

    def work(task: Task) -> Outcome:
        print("what a library prints must not be taken for a message")
        if job.mode == "broken" and task.name != job.warm_up.name:
            sys.exit(f"cannot do {task.name} ({len(ballast)})")
        done.append(task.name)
        said = (*done, str(job.threads), os.environ["OMP_NUM_THREADS"])
        return Outcome(task.name, Clock()(), words=tuple(Word(0, 0, text) for text in said))

    return work


if __name__ == "__main__":
    serve(prepare, lambda: {"echo": "1"})
