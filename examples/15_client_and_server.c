/*
 * A server and its clients: questions and answers lie in shared arrays, and
 * semaphores say when one is there. A client that is killed harms nobody.
 *
 *     cc 15_client_and_server.c $(pkg-config --cflags --libs neap)
 */
#include <signal.h>
#include <stdatomic.h>

#include "example.h"

enum { CLIENTS = 3, QUESTIONS = 100 };

static int64_t *question, *answer;
static atomic_uchar *waits;                 /* 1: for an answer */
static neap_semaphore *asked;               /* one for each question */
static neap_semaphore *answered[CLIENTS];
static neap_event *stop;


static int serve(void)
{
    int served = 0;
    while (must(neap_semaphore_acquire(asked, NEAP_FOREVER)) == 0 &&
           !neap_event_is_set(stop))
        for (int i = 0; i < CLIENTS; i++)
            if (atomic_exchange(&waits[i], 0)) {
                answer[i] = question[i] * question[i];
                must(neap_semaphore_release(answered[i]));
                served++;
            }
    return served;
}


static int ask(int i)
{
    for (int64_t n = 0; n < QUESTIONS; n++) {
        question[i] = n;
        atomic_store(&waits[i], 1);
        must(neap_semaphore_release(asked));
        if (i == CLIENTS - 1 && n == QUESTIONS / 2)
            kill(getpid(), SIGKILL); /* in the middle of it */
        must(neap_semaphore_acquire(answered[i], NEAP_FOREVER));
        if (answer[i] != n * n)
            return 0;
    }
    return QUESTIONS;
}


static void *array(neap_heap *heap, const char *name, neap_type type)
{
    neap_array *array;
    uint64_t shape = CLIENTS;
    must(neap_array_open(heap, name, type, 1, &shape, &array));
    return neap_array_data(array);
}


static void open_all(neap_heap *heap)
{
    char name[32];
    question = array(heap, "question", NEAP_TYPE_I64);
    answer = array(heap, "answer", NEAP_TYPE_I64);
    waits = array(heap, "waits", NEAP_TYPE_U8);
    must(neap_event_open(heap, "stop", &stop));
    must(neap_semaphore_open(heap, "asked", 0, NEAP_SEMAPHORE_ANY, &asked));
    for (int i = 0; i < CLIENTS; i++) {
        snprintf(name, sizeof name, "answered %d", i);
        must(neap_semaphore_open(heap, name, 0, NEAP_SEMAPHORE_ANY,
                                 &answered[i]));
    }
}


int main(void)
{
    neap_heap *heap;
    neap_process *server, *clients[CLIENTS];
    neap_counter *served;
    neap_exit end;
    int right = 0, killed = 0;
    int64_t all;

    must(neap_heap_open(NULL, NULL, &heap));
    must(neap_counter_open(heap, "served", &served));
    open_all(heap);

    if (must(neap_process_fork(&server)) == NEAP_CHILD) {
        must(neap_counter_set(served, serve()));
        neap_process_exit(0);
    }
    for (int i = 0; i < CLIENTS; i++)
        if (must(neap_process_fork(&clients[i])) == NEAP_CHILD)
            neap_process_exit(ask(i));

    for (int i = 0; i < CLIENTS; i++) {
        must(neap_process_wait(clients[i], NEAP_FOREVER, &end));
        right += end.code;
        killed += end.signal == SIGKILL;
        neap_process_close(clients[i]);
    }
    must(neap_event_set(stop));
    must(neap_semaphore_release(asked));
    must(neap_process_wait(server, NEAP_FOREVER, &end));
    must(neap_counter_get(served, &all));

    printf("%d right answers, %d client killed\n", right, killed);
    printf("the server went on: %s\n", all > right ? "yes" : "no");
    neap_process_close(server);
    neap_heap_close(heap);
}
