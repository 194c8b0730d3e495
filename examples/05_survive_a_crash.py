"""Workers move coins from one purse to another, under a lock. One of them is
killed between taking a coin and putting it down, with the lock held. The next
one is told so, and picks the coin up.

    python3 05_survive_a_crash.py
    LIVE_DANGEROUSLY=1 python3 05_survive_a_crash.py      with a lock of 1 bit
"""
import os
import signal
import time

import neap

WORKERS, MOVES, COINS = 4, 100, 1000
dangerous = os.environ.get("LIVE_DANGEROUSLY", "") != ""

heap = neap.heap()
purses = heap.array("purses", 2, "i64")
repairs = heap.counter("repairs")
mutex = heap.mutex("mutex")
start = heap.semaphore("start", 0)
purses[0] = COINS


def lock():
    mutex.lock()
    if mutex.abandoned:  # only we know what a half-done move looks like
        purses[1] = COINS - purses[0]
        repairs.add()
    return True


def unlock():
    mutex.unlock()


if dangerous:
    # What one might write over bare memory: 1 is locked, 0 is free. It has no
    # owner, so nobody learns that he is dead; and two may see the same 0.
    bare = neap.map("anonymous:", 4096)

    def lock():
        deadline = time.monotonic() + 1
        while bare.read(0, "i32") != 0:
            if time.monotonic() > deadline:
                return False
        bare.write(0, "i32", 1)
        return True

    def unlock():
        bare.write(0, "i32", 0)


def move_coins(number):
    if number > 1:
        start.acquire()  # the first one dies first
    for i in range(MOVES):
        if not lock():
            return "still locked after 1 s"
        purses[0] -= 1
        if number == 1 and i == 10:
            for _ in range(1, WORKERS):
                start.release()
            os.kill(os.getpid(), signal.SIGKILL)
        purses[1] += 1
        unlock()


workers = [neap.fork(move_coins, n + 1) for n in range(WORKERS)]
for number, worker in enumerate(workers, 1):
    try:
        if why := worker.wait():
            print(f"worker {number} gave up: {why}")
    except neap.WorkerKilled:
        print(f"worker {number} was killed inside the critical section")

if not dangerous:
    lock()  # the last one may have been the one that was killed
    unlock()
    print(f"{repairs.get()} time the lock was abandoned, "
          "and the purses were put right")
print(f"{purses[0]} + {purses[1]} = {purses.sum()} coins of {COINS}")
