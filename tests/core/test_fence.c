/* Fences that one side pays for, and processes in which they cannot be had. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/heaps.h"
#include "os/os.h"

#define ROUNDS 2000
#define READS 3000 /* enough for the rwlock to be biased */

/* From here on membarrier(2) is refused, as some sandboxes do. */
static bool refuse_membarrier(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = 4, .filter = filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}


/* Runs in a child; its exit status is what the test looks at. */
static int in_child(int (*function)(const char *), const char *address)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(function(address));
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}


static int register_twice(const char *unused)
{
    (void)unused;
    bool first = neap__fence_register();
    return first == neap__fence_register() && (!first || neap__fence_heavy())
               ? 0 : 1;
}

TEST(a_process_registers_as_often_as_it_likes)
{
    CHECK_INT(in_child(register_twice, NULL), 0);
}


static int fence_refused(const char *unused)
{
    (void)unused;
    if (!neap__fence_works() || !refuse_membarrier())
        return 77;
    if (neap__fence_register() || neap__fence_heavy())
        return 1;
    return neap__fence_works() ? 2 : 0;
}

TEST(a_refused_fence_is_remembered)
{
    int status = in_child(fence_refused, NULL);
    CHECK(status == 0 || status == 77);
}


static neap_mutex *mutex;
static neap_semaphore *permits;

/* Take a permit and a mutex, in turn with everybody else. */
static int take_turns(const char *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++)
        if (neap_mutex_lock(mutex, NEAP_FOREVER) < 0 ||
            neap_mutex_unlock(mutex) < 0 ||
            neap_semaphore_acquire(permits, NEAP_FOREVER) < 0 ||
            neap_semaphore_release(permits) < 0)
            return 2;
    return 0;
}


static int take_turns_refused(const char *unused)
{
    return refuse_membarrier() ? take_turns(unused) : 77;
}


TEST(those_who_have_none_wait_with_those_who_have)
{
    neap_heap *heap = make_heap(NULL);
    CHECK_STATUS(neap_mutex_open(heap, "mutex", &mutex), NEAP_CREATED);
    permits = open_semaphore(heap, "permits", 1, NEAP_SEMAPHORE_UNDO);
    pid_t pids[4];
    for (int i = 0; i < 4; i++)
        if ((pids[i] = fork()) == 0)
            _exit(i % 2 ? take_turns(NULL) : take_turns_refused(NULL));
    for (int i = 0; i < 4; i++) {
        int status = -1;
        waitpid(pids[i], &status, 0);
        CHECK(WIFEXITED(status) && (WEXITSTATUS(status) == 0 ||
                                    WEXITSTATUS(status) == 77));
    }
    neap_semaphore_close(permits);
    neap_mutex_close(mutex);
    end_heap(heap);
}


static neap_rwlock *rwlock;

static int write_refused(const char *unused)
{
    (void)unused;
    if (!refuse_membarrier())
        return 77;
    int status = neap_rwlock_write(rwlock, NEAP_NOW);
    if (status == 0)
        return neap_rwlock_unlock(rwlock) < 0 ? 2 : 1;
    if (status != -ENOSYS || !strstr(neap_error_text(), "membarrier"))
        return 2;
    return neap_rwlock_read(rwlock, NEAP_NOW) < 0 ||
                   neap_rwlock_unlock(rwlock) < 0
               ? 3 : 0;
}

/* Readers who rely on the writer's fence are told apart from others. */
TEST(who_has_no_fence_writes_under_no_biased_rwlock)
{
    if (!neap__fence_register())
        test_skip("membarrier(2) is not there");
    neap_heap *heap = make_heap(NULL);
    CHECK_STATUS(neap_rwlock_open(heap, "rwlock", &rwlock), NEAP_CREATED);
    int status = in_child(write_refused, NULL);
    CHECK(status == 1 || status == 77); /* no bias yet: it is let in */
    for (int i = 0; i < READS; i++) {
        CHECK_STATUS(neap_rwlock_read(rwlock, NEAP_NOW), 0);
        CHECK_STATUS(neap_rwlock_unlock(rwlock), 0);
    }
    status = in_child(write_refused, NULL);
    CHECK(status == 0 || status == 77);
    CHECK_STATUS(neap_rwlock_write(rwlock, NEAP_NOW), 0);
    CHECK_STATUS(neap_rwlock_unlock(rwlock), 0);
    neap_rwlock_close(rwlock);
    end_heap(heap);
}
