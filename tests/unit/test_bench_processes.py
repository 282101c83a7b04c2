"""What processes use, added up over all that they start."""

from __future__ import annotations

import os
import subprocess
import sys

from sijbot.bench_processes import Meter, bound_to, cpu_s, memory_mb, resident_mb, tree

BURN = "import time\nwhile time.process_time() < 0.3: pass"
BURN_IN_A_CHILD = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN!r}])\nprint('done', flush=True)\nsys.stdin.read()"


def begun(source: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_what_a_child_used_that_has_ended_counts():
    with begun(BURN_IN_A_CHILD) as process:
        process.stdout.readline()
        assert cpu_s(process.pid) > 0.25
        process.stdin.close()


def test_a_process_that_takes_another_one_s_place_is_added():
    pids = []
    meter = Meter({"bot": lambda: pids})
    meter.begin()
    for _ in range(2):
        with begun(BURN_IN_A_CHILD) as process:
            pids[:] = [process.pid]
            process.stdout.readline()
            meter.sample()
            process.stdin.close()

    assert meter.used_s("bot") > 0.5


def test_what_was_used_before_the_beginning_does_not_count():
    with begun(BURN_IN_A_CHILD) as process:
        process.stdout.readline()
        meter = Meter({"bot": lambda: [process.pid]})
        meter.begin()
        meter.sample()
        process.stdin.close()

    assert meter.used_s("bot") < 0.1


def test_memory_is_that_of_the_process_and_none_where_it_is_gone():
    with begun("import sys; sys.stdin.read()") as process:
        assert 0 < memory_mb(process.pid) < 1000 and 0 < resident_mb(process.pid) < 1000
        assert process.pid in tree(os.getpid())
        process.stdin.close()

    assert (memory_mb(process.pid), resident_mb(process.pid), cpu_s(process.pid)) == (0, 0, 0)


def test_a_process_stays_on_its_cores():
    core = min(os.sched_getaffinity(0))
    source = "import os; print(sorted(os.sched_getaffinity(0)))"

    printed = subprocess.run([sys.executable, "-c", source], preexec_fn=bound_to([core]), capture_output=True, text=True).stdout

    assert printed == f"[{core}]\n"


def test_nothing_is_bound_where_nobody_asks():
    assert bound_to(None) is None
