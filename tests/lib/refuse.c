/* Refusing a process its calls, see refuse.h. */
#include "lib/refuse.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/harness.h"
#include "lib/trace.h"

/* What a call may be refused with, from its page in section 2 of the manual.
 * Calls that cannot fail, that wait, and close(2) are not refused. */
static const struct refusable {
    long call;
    const char *name;
    int errnos[8];
} refusable[] = {
    {SYS_openat, "openat", {EMFILE, ENFILE, ENOMEM, EACCES, EROFS, ENOSPC, EIO}},
    {SYS_memfd_create, "memfd_create", {EMFILE, ENFILE, ENOMEM, EPERM}},
    {SYS_mmap, "mmap", {ENOMEM, EAGAIN, EACCES, EPERM, ENFILE}},
    {SYS_mprotect, "mprotect", {ENOMEM, EACCES}},
    {SYS_mremap, "mremap", {ENOMEM, EAGAIN}},
    {SYS_madvise, "madvise", {ENOMEM, EAGAIN, EINVAL, EIO}},
    {SYS_mlock, "mlock", {ENOMEM, EAGAIN, EPERM}},
    {SYS_mincore, "mincore", {EAGAIN, ENOMEM}},
    {SYS_msync, "msync", {EIO, EBUSY, ENOMEM}},
    {SYS_mbind, "mbind", {EIO, ENOMEM, EPERM, ENOSYS}},
    {SYS_brk, "brk", {ENOMEM}},
    {SYS_ftruncate, "ftruncate", {EIO, EFBIG, EPERM, ENOSPC}},
    {SYS_fallocate, "fallocate", {ENOSPC, EFBIG, EIO, EPERM, ENODEV}},
    {SYS_fstat, "fstat", {EIO, ENOMEM}},
    {SYS_newfstatat, "newfstatat", {EIO, ENOMEM, EACCES}},
    {SYS_fstatfs, "fstatfs", {EIO, ENOSYS}},
    {SYS_linkat, "linkat", {ENOENT, EACCES, ENOSPC, EMLINK, EROFS, EIO}},
    {SYS_unlink, "unlink", {EACCES, EPERM, EROFS, EBUSY, EIO}},
    {SYS_unlinkat, "unlinkat", {EACCES, EPERM, EROFS, EBUSY, EIO}},
    {SYS_rename, "rename", {EACCES, ENOSPC, EROFS, EIO}},
    {SYS_renameat2, "renameat2", {EACCES, ENOSPC, EROFS, EIO}},
    {SYS_fchmod, "fchmod", {EPERM, EROFS, EIO}},
    {SYS_fchown, "fchown", {EPERM, EROFS, EIO}},
    {SYS_fsync, "fsync", {EIO, ENOSPC, EDQUOT}},
    {SYS_fdatasync, "fdatasync", {EIO, ENOSPC, EDQUOT}},
    {SYS_sync_file_range, "sync_file_range", {EIO, ENOSPC}},
    {SYS_read, "read", {EIO}},
    {SYS_pread64, "pread64", {EIO}},
    {SYS_pwrite64, "pwrite64", {EIO, ENOSPC, EDQUOT, EFBIG}},
    {SYS_write, "write", {EIO, ENOSPC, EDQUOT, EFBIG}},
    {SYS_lseek, "lseek", {EIO}},
    {SYS_flock, "flock", {ENOLCK, EINTR}},
    {SYS_fcntl, "fcntl", {ENOLCK, EMFILE, EPERM}},
    {SYS_getdents64, "getdents64", {EIO}},
    {SYS_readlink, "readlink", {EACCES, EIO}},
    {SYS_shmget, "shmget", {ENOMEM, ENOSPC, EACCES, EPERM}},
    {SYS_shmat, "shmat", {ENOMEM, EACCES}},
    {SYS_shmctl, "shmctl", {EPERM, EACCES, EIDRM}},
    {SYS_semget, "semget", {ENOMEM, ENOSPC, EACCES}},
    {SYS_semctl, "semctl", {EACCES, EPERM, EIDRM}},
    {SYS_socket, "socket", {EMFILE, ENFILE, ENOMEM, EACCES}},
    {SYS_bind, "bind", {EACCES, ENOMEM, EROFS}},
    {SYS_listen, "listen", {EOPNOTSUPP}},
    {SYS_connect, "connect", {EACCES, EPERM}},
    {SYS_accept4, "accept4", {EMFILE, ENFILE, ENOMEM}},
    {SYS_sendmsg, "sendmsg", {ENOMEM, ENOBUFS, EPIPE}},
    {SYS_recvmsg, "recvmsg", {ENOMEM, ECONNREFUSED}},
    {SYS_clone, "clone", {EAGAIN, ENOMEM}},
    {SYS_clone3, "clone3", {EAGAIN, ENOMEM}},
    {SYS_pipe2, "pipe2", {EMFILE, ENFILE}},
    {SYS_ptrace, "ptrace", {EPERM}},
    {SYS_kill, "kill", {EPERM}},
    {SYS_membarrier, "membarrier", {ENOSYS, ENOMEM}},
};

/* Told in another word, as the header says of the function. */
static const struct {
    int number, told_as;
} translated[] = {
    {EPERM, EACCES}, /* of a directory or a mode: you may not */
    {EACCES, EPERM}, /* of shmctl: only its owner may */
    {EIDRM, ENOENT}, /* what was to be unlinked is gone */
};

/* What the child reports. */
static struct {
    volatile bool begun, over;
    volatile int status, descriptors;
    char text[1024];
} *said;

static struct {
    long left;
    int nth; /* of the call's errnos */
    const struct refusable *what;
    int or_else;
} plan;

static const char *names[2];
static int (*running)(void);


static int open_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}


static void run_in_child(void)
{
    int before = open_descriptors();
    said->begun = true;
    int status = running();
    said->over = true;
    said->status = status;
    said->descriptors = open_descriptors() - before;
    snprintf(said->text, sizeof said->text, "%s", neap_error_text());
}


static const struct refusable *find_refusable(long call)
{
    for (size_t i = 0; i < sizeof refusable / sizeof *refusable; i++)
        if (refusable[i].call == call)
            return &refusable[i];
    return NULL;
}


static int refuse_at(const struct trace_point *point, void *argument)
{
    (void)argument;
    const struct refusable *what = find_refusable(point->call);
    if (!point->before || !said->begun || said->over || !what ||
        --plan.left != 0)
        return TRACE_GO_ON;
    plan.what = what;
    return what->errnos[plan.nth];
}


/* malloc(3) knows one reason only, whatever mmap says. */
static bool is_of_malloc(int status)
{
    return status == -ENOMEM && (plan.what->call == SYS_mmap ||
                                 plan.what->call == SYS_brk);
}


static bool is_that(int status, int number)
{
    for (size_t i = 0; i < sizeof translated / sizeof *translated; i++)
        if (number == translated[i].number && status == -translated[i].told_as)
            return true;
    return status == -number || is_of_malloc(status) ||
           (plan.or_else && status == plan.or_else);
}


/* The sentence names the object, and does not end with a bare strerror. */
static bool is_told(const char *text, int status)
{
    const char *bare = neap_status_text(status);
    size_t n = strlen(text), m = strlen(bare);
    return (strstr(text, names[0]) || strstr(text, names[1])) &&
           (n < m || strcmp(text + n - m, bare) != 0);
}


static int failures;

static void judge(int ended, int number)
{
    const char *wrong = NULL;
    if (ended != 0)
        wrong = WIFSIGNALED(ended) ? "died of a signal" : "failed a check";
    else if (said->descriptors > 0) /* the parent's may be given up */
        wrong = "kept a descriptor";
    else if (said->status < 0 && !is_that(said->status, number))
        wrong = "fails with something else";
    else if (said->status < 0 && !is_told(said->text, said->status))
        wrong = "does not say on what, or what to do";
    printf("%s %s: %s %s%s%s\n", plan.what->name, strerrorname_np(number),
           wrong ? wrong : said->status < 0 ? "fails" : "done without",
           said->status < 0 ? neap_status_name(said->status) : "",
           said->status < 0 ? ": " : "", said->status < 0 ? said->text : "");
    failures += wrong != NULL;
}


static void prepare(const struct refuse_work *work)
{
    if (work->prepare)
        work->prepare();
}


static void check(const struct refuse_work *work, bool finished)
{
    if (work->check)
        work->check(finished);
}


/* @return false if there is no k-th call, or no n-th errno for it. */
static bool refuse(const struct refuse_work *work, long k, int nth)
{
    prepare(work);
    plan.left = k;
    plan.nth = nth;
    plan.what = NULL;
    memset(said, 0, sizeof *said);
    int ended = test_trace(run_in_child, refuse_at, NULL);
    int number = plan.what ? plan.what->errnos[nth] : 0;
    if (number)
        judge(ended, number);
    else
        CHECK_STATUS(said->status, said->status < 0 ? 0 : said->status);
    check(work, said->status >= 0);
    return number;
}


/* A sanitizer makes calls of its own, and not every processor lets calls be
 * refused. */
static void run_without_refusals(const struct refuse_work *work)
{
    int status;
    prepare(work);
    pid_t child = fork();
    if (child == 0) {
        run_in_child();
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    if (said->status < 0)
        FAIL("%s: %s", neap_status_name(said->status), said->text);
    CHECK(said->descriptors <= 0);
    check(work, true);
}


void test_refuse_each(const struct refuse_work *work, const char *name,
                      const char *other_name)
{
    names[0] = name;
    names[1] = other_name;
    said = mmap(NULL, sizeof *said, PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(said != MAP_FAILED);
    running = work->run;
    plan.or_else = work->or_else;
    if (TEST_UNDER_ASAN || TEST_UNDER_TSAN || !test_trace_can_refuse()) {
        run_without_refusals(work);
        return;
    }
    long refusals = 0, k = 0;
    for (bool more = true; more; k++) {
        more = refuse(work, k + 1, 0);
        for (int n = 1; more && plan.what->errnos[n]; n++, refusals++)
            more = refuse(work, k + 1, n);
        refusals += more;
    }
    printf("%ld refusals of %ld calls, %d wrong\n", refusals, k - 1, failures);
    CHECK(k > 1); /* it was there, and was enumerated */
    CHECK_INT(failures, 0);
    munmap(said, sizeof *said);
}
