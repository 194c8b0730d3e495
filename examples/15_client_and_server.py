"""A server and its clients: questions and answers lie in shared arrays, and
semaphores say when one is there. A client that is killed harms nobody.

    python3 15_client_and_server.py
"""
import os
import signal

import neap

CLIENTS, QUESTIONS = 3, 100

heap = neap.heap()
question = heap.array("question", CLIENTS, "i8")
answer = heap.array("answer", CLIENTS, "i8")
waits = heap.array("waits", CLIENTS, "u1")  # 1: for an answer
asked = heap.semaphore("asked", 0)          # one for each question
stop = heap.event("stop")
answered = [heap.semaphore(f"answered {i}", 0) for i in range(CLIENTS)]


def serve():
    served = 0
    while asked.acquire() and not stop.is_set():
        for i in range(CLIENTS):
            if waits[i]:
                waits[i] = 0
                answer[i] = question[i] ** 2
                answered[i].release()
                served += 1
    return served


def ask(i):
    for n in range(QUESTIONS):
        question[i], waits[i] = n, 1
        asked.release()
        if i == CLIENTS - 1 and n == QUESTIONS // 2:
            os.kill(os.getpid(), signal.SIGKILL)  # in the middle of it
        answered[i].acquire()
        assert answer[i] == n * n
    return QUESTIONS


server = neap.fork(serve)
clients = [neap.fork(ask, i) for i in range(CLIENTS)]

right = killed = 0
for client in clients:
    try:
        right += client.wait()
    except neap.WorkerKilled:
        killed += 1
stop.set()
asked.release()
served = server.wait()

print(f"{right} right answers, {killed} client killed")
print("the server went on:", "yes" if served > right else "no")
