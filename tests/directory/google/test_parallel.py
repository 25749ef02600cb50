"""Threads of which the first failure is the failure of all."""

import threading

import pytest

from addon.directory.google.parallel import ParallelCalls, ReadingStopped


def test_work_is_done_side_by_side():
    meeting = threading.Barrier(3, timeout=10)

    with ParallelCalls(3) as parallel:
        started = [parallel.start(meeting.wait) for _ in range(3)]
        assert sorted(map(parallel.result, started)) == [0, 1, 2]


def test_the_first_failure_is_raised_though_another_is_waited_for():
    never = threading.Event()

    def fail() -> None:
        raise ValueError("first")

    with pytest.raises(ValueError, match="first"), ParallelCalls(2, never.set) as parallel:
        waiting = parallel.start(never.wait, 60)
        parallel.start(fail)
        parallel.result(waiting)


def test_a_later_failure_does_not_take_the_place_of_the_first():
    first_failed = threading.Event()

    def fail_later() -> None:
        first_failed.wait(60)
        raise ValueError("later")

    with pytest.raises(ValueError, match="first"), ParallelCalls(2) as parallel:
        later = parallel.start(fail_later)

        def fail() -> None:
            raise ValueError("first")

        parallel.start(fail)
        assert parallel.stopped.wait(60)
        first_failed.set()
        parallel.result(later)


def test_what_the_block_raises_later_does_not_either():
    def fail() -> None:
        raise ValueError("first")

    with pytest.raises(ValueError, match="first"), ParallelCalls(1) as parallel:
        parallel.start(fail)
        assert parallel.stopped.wait(60)
        raise KeyError("later")


def test_what_has_not_begun_never_begins():
    done = []

    def fail() -> None:
        raise ValueError("first")

    with pytest.raises(ValueError, match="first"), ParallelCalls(1) as parallel:
        parallel.result(parallel.start(fail))
        parallel.start(done.append, "more")
    assert done == []


def test_threads_that_wait_are_woken():
    woken = threading.Event()

    def wait() -> None:
        woken.wait(60)
        raise ReadingStopped

    with pytest.raises(KeyError), ParallelCalls(2, woken.set) as parallel:
        parallel.start(wait)
        raise KeyError("in the block")
    assert woken.is_set()


def test_an_interrupt_is_raised_whatever_has_failed():
    def fail() -> None:
        raise ValueError("first")

    with pytest.raises(KeyboardInterrupt), ParallelCalls(1) as parallel:
        parallel.start(fail)
        raise KeyboardInterrupt


def test_a_thread_that_cannot_be_woken_does_not_keep_the_failure_back(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("addon.directory.google.parallel.MOMENT", 0.001)
    never = threading.Event()

    with pytest.raises(KeyError), ParallelCalls(1) as parallel:
        waiting = parallel.start(never.wait, 60)
        raise KeyError("in the block")
    assert not waiting.done()
    never.set()
