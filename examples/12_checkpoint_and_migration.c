/*
 * Checkpoint and migration: a job is stopped on its way, its heap is carried as
 * a file into another PID and network namespace, where that is allowed, and the
 * job goes on there.
 */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "example.h"

#define HALF 50000
#define END 100000

struct job {
    neap_mutex *lock;
    neap_event *go;
    neap_counter *done, *sum;
};


static struct job open_job(neap_heap *heap)
{
    struct job job;
    must(neap_mutex_open(heap, "lock", &job.lock));
    must(neap_event_open(heap, "go", &job.go));
    must(neap_counter_open(heap, "done", &job.done));
    must(neap_counter_open(heap, "sum", &job.sum));
    return job;
}


static int64_t read_counter(neap_counter *counter)
{
    int64_t value;
    must(neap_counter_get(counter, &value));
    return value;
}


/* Adds 1, 2, 3, ... up, and rests half-way until it may go on. */
static void work(struct job *job)
{
    int64_t n;
    while ((n = read_counter(job->done)) < END) {
        if (n == HALF)
            must(neap_event_wait(job->go, NEAP_FOREVER));
        must(neap_mutex_lock(job->lock, NEAP_FOREVER));
        must(neap_counter_add(job->sum, n + 1));
        must(neap_counter_set(job->done, n + 1));
        must(neap_mutex_unlock(job->lock));
    }
}


/* What another machine does with the file. */
static void go_on(void)
{
    neap_heap *heap;
    must(neap_restore("job.ckpt", NULL, NULL, &heap));
    struct job job = open_job(heap);
    printf("the job goes on at %lld\n", (long long)read_counter(job.done));
    must(neap_event_set(job.go));
    work(&job);
    printf("the sum to %d is %lld\n", END, (long long)read_counter(job.sum));
    fflush(stdout);
}


/* In a process of its own, and in namespaces of its own if we may. */
static void elsewhere(void)
{
    pid_t child = fork();
    if (child == 0) {
        (void)!unshare(CLONE_NEWPID | CLONE_NEWNET);
        pid_t first = fork();
        if (first == 0) {
            go_on();
            _exit(0);
        }
        waitpid(first, NULL, 0);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}


int main(void)
{
    neap_heap *heap;
    neap_checkpoint_report report;
    must(neap_heap_open(NULL, NULL, &heap));
    struct job job = open_job(heap);
    pid_t worker = fork();
    if (worker == 0) {
        work(&job);
        _exit(0);
    }
    while (read_counter(job.done) < HALF)
        usleep(1000);
    must(neap_heap_checkpoint(heap, "job.ckpt", NULL, &report));
    printf("%u processes stood still\n", report.stopped);
    fflush(stdout);
    kill(worker, SIGKILL); /* this machine is lost */
    waitpid(worker, NULL, 0);
    neap_heap_close(heap);
    elsewhere(); /* and here is another one */
    unlink("job.ckpt");
    return 0;
}
