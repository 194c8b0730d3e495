/*
 * Faults in memory of ours, see neap/guard.h.
 *
 * F1 What the handler reads is in blocks that are only ever added, each entry
 *    with a sequence that is odd while it changes. So it takes no lock, and
 *    what it finds is whole. Who changes one makes its sequence odd, and takes
 *    no lock either: a fork may come at any time.
 * F2 A fault is of the thread that has it, and comes of an access to that very
 *    memory: it has no lock of the C library's, and may call the kernel.
 * F3 The same page twice in a row is no longer ours to mend (an instruction
 *    there that may not run, pages that cannot be replaced): it goes to whoever
 *    was there before.
 */
#include "os/fault.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { IN_A_BLOCK = 128, PENDING = 16, LARGEST_PAGE = 65536 };

struct entry {
    _Atomic uint32_t sequence;
    _Atomic uintptr_t base, end; /* 0, 0: free */
    _Atomic size_t unit;
    const char *_Atomic name;
    _Atomic bool *_Atomic spoiled;
    _Atomic bool once;
};

struct block {
    struct entry entries[IN_A_BLOCK];
    struct block *_Atomic next;
};

static struct block first;
static pthread_mutex_t switching = PTHREAD_MUTEX_INITIALIZER;

/* Faults that their threads have not taken yet. */
static struct pending {
    _Atomic int state; /* 0 free, 1 being filled, 2 there */
    _Atomic pid_t thread;
    neap_fault fault;
} pending[PENDING];

/* Of this thread, plus one; 0 it has none. Not its number alone: another thread
 * may have had that before. */
static _Thread_local int own_place __attribute__((tls_model("initial-exec")));

neap_fault_hook *_Atomic neap__fault_inside;
static neap_fault_hook *_Atomic fault_hook;
static struct sigaction bus_before, segv_before;
static _Atomic bool guarding;
static size_t page_size;
static _Thread_local uintptr_t last_page
    __attribute__((tls_model("initial-exec")));


/* -- the registry ---------------------------------------------------------- */

/* Make the sequence odd, if that entry is free. */
static bool claim(struct entry *entry)
{
    uint32_t sequence = atomic_load(&entry->sequence);
    if (sequence & 1 || atomic_load(&entry->end))
        return false;
    return atomic_compare_exchange_strong(&entry->sequence, &sequence,
                                          sequence + 1);
}


/* Whose sequence is odd. */
static void fill_entry(struct entry *entry, uintptr_t base, uintptr_t end,
                       size_t unit, const char *name, _Atomic bool *spoiled,
                       bool once)
{
    atomic_store(&entry->unit, unit);
    atomic_store(&entry->base, base);
    atomic_store(&entry->end, end);
    atomic_store(&entry->name, name);
    atomic_store(&entry->spoiled, spoiled);
    atomic_store(&entry->once, once);
    atomic_fetch_add(&entry->sequence, 1);
}


/* The n-th entry, or NULL. */
static struct entry *entry_at(int number)
{
    struct block *block = &first;
    for (; block && number >= IN_A_BLOCK; number -= IN_A_BLOCK)
        block = atomic_load(&block->next);
    return block && number >= 0 ? &block->entries[number] : NULL;
}


/* One more, unless somebody has just added it. @return false without memory. */
static bool add_block(struct block *last)
{
    struct block *none = NULL, *more = calloc(1, sizeof *more);
    if (more && !atomic_compare_exchange_strong(&last->next, &none, more))
        free(more);
    return more;
}


/* @return the number of a free one, claimed; -ENOMEM. */
static int claim_any(void)
{
    int number = 0;
    for (struct block *block = &first;; block = atomic_load(&block->next)) {
        for (int i = 0; i < IN_A_BLOCK; i++, number++)
            if (claim(&block->entries[i]))
                return number;
        if (!atomic_load(&block->next) && !add_block(block))
            return -ENOMEM;
    }
}


int neap__fault_watch(const void *base, size_t length, size_t unit,
                      const char *name, _Atomic bool *spoiled, bool once)
{
    int number = claim_any();
    if (number >= 0)
        fill_entry(entry_at(number), (uintptr_t)base, (uintptr_t)base + length,
                   unit, name, spoiled, once);
    return number;
}


void neap__fault_forget(int number)
{
    struct entry *entry = entry_at(number);
    if (!entry)
        return;
    atomic_fetch_add(&entry->sequence, 1);
    fill_entry(entry, 0, 0, 0, NULL, NULL, false);
}


/* What the handler needs of one. */
struct found {
    uintptr_t base, end; /* of the piece */
    uintptr_t whole;     /* where all of it begins */
    char name[256];
    _Atomic bool *spoiled;
    bool once;
};


static void copy_name(char *to, const char *from, size_t size)
{
    size_t i = 0;
    for (; from && from[i] && i < size - 1; i++)
        to[i] = from[i];
    to[i] = '\0';
}


/* Keeps F1. */
static bool read_entry(struct entry *entry, uintptr_t address,
                       struct found *found)
{
    uint32_t sequence = atomic_load(&entry->sequence);
    found->base = atomic_load(&entry->base);
    found->end = atomic_load(&entry->end);
    if (sequence & 1 || address < found->base || address >= found->end)
        return false;
    size_t unit = atomic_load(&entry->unit);
    found->whole = found->base;
    found->base += (address - found->base) / unit * unit;
    if (found->end - found->base > unit)
        found->end = found->base + unit;
    copy_name(found->name, atomic_load(&entry->name), sizeof found->name);
    found->spoiled = atomic_load(&entry->spoiled);
    found->once = atomic_load(&entry->once);
    return atomic_load(&entry->sequence) == sequence;
}


static int find(uintptr_t address, struct found *found)
{
    int number = 0;
    for (struct block *block = &first; block;
         block = atomic_load(&block->next))
        for (int i = 0; i < IN_A_BLOCK; i++, number++)
            if (read_entry(&block->entries[i], address, found))
                return number;
    return -1;
}


int neap__fault_find(const void *address)
{
    struct found found;
    return find((uintptr_t)address, &found);
}


/* -- mending --------------------------------------------------------------- */

static bool replace(uintptr_t from, uintptr_t end)
{
    void *pages = mmap((void *)from, end - from, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
                       -1, 0);
    return pages != MAP_FAILED;
}


/* The kernel looks, and says no instead of sending a signal. */
static bool read_bytes(uintptr_t from, char *to, size_t size)
{
    struct iovec here = {to, size}, there = {(void *)from, size};
    return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == (ssize_t)size;
}


/* A file ends in one place: if the last page is gone too, all between are, and
 * go at once. Else it is this page alone, as of a hole for which there is no
 * room. */
static bool mend_gone(const struct found *found, uintptr_t page)
{
    char last;
    bool alone = read_bytes(found->end - 1, &last, 1);
    return replace(page, alone ? page + page_size : found->end);
}


/* What can be read of it stays to be read. */
static bool mend_forbidden(uintptr_t page)
{
    static char copies[PENDING][LARGEST_PAGE];
    static _Atomic uint32_t turn;
    char *copy = copies[atomic_fetch_add(&turn, 1) % PENDING];
    bool readable = read_bytes(page, copy, page_size);
    if (!replace(page, page + page_size))
        return false;
    if (readable)
        memcpy((void *)page, copy, page_size);
    return true;
}


/* Its place, or NULL. One that a fork copied is the parent's. */
static struct pending *place_of(pid_t self)
{
    struct pending *p = own_place ? &pending[own_place - 1] : NULL;
    return p && atomic_load(&p->state) == 2 && atomic_load(&p->thread) == self
               ? p : NULL;
}


static bool has_ended(pid_t thread, pid_t self)
{
    return thread == self || /* an earlier one of that number */
           (syscall(SYS_tgkill, getpid(), thread, 0) < 0 && errno == ESRCH);
}


/* A free place, or that of a thread which ended without looking: whoever takes
 * its number away has the place. Keeps F2. */
static bool claim_place(struct pending *p, bool of_the_dead, pid_t self)
{
    int none = 0;
    if (!of_the_dead)
        return atomic_compare_exchange_strong(&p->state, &none, 1);
    pid_t thread = atomic_load(&p->thread);
    if (thread == 0 || atomic_load(&p->state) != 2 ||
        !has_ended(thread, self) ||
        !atomic_compare_exchange_strong(&p->thread, &thread, 0))
        return false;
    atomic_store(&p->state, 1);
    return true;
}


/* One call may come upon many pages: of those the first is told of. And too
 * many threads that live and do not look: the oldest news is news enough. */
static void keep(const struct found *found, uintptr_t address, bool gone)
{
    pid_t self = (pid_t)syscall(SYS_gettid);
    for (int i = 0; i < 2 * PENDING && !place_of(self); i++) {
        struct pending *p = &pending[i % PENDING];
        if (!claim_place(p, i >= PENDING, self))
            continue;
        p->fault.address = address;
        p->fault.offset = address - found->whole;
        p->fault.gone = gone;
        copy_name(p->fault.name, found->name, sizeof p->fault.name);
        atomic_store(&p->thread, self);
        atomic_store(&p->state, 2);
        own_place = i % PENDING + 1;
        return;
    }
}


/* @return false if it is nothing of ours. */
static bool mend(const siginfo_t *info)
{
    struct found found;
    uintptr_t address = (uintptr_t)info->si_addr;
    uintptr_t page = address & ~(page_size - 1);
    bool gone = info->si_signo == SIGBUS && info->si_code == BUS_ADRERR;
    bool forbidden = info->si_signo == SIGSEGV && info->si_code == SEGV_ACCERR;
    if (!gone && !forbidden)
        return false;
    if (find(address, &found) < 0 || page == last_page)
        return false; /* F3 */
    if (!(gone ? mend_gone(&found, page) : mend_forbidden(page)))
        return false;
    last_page = page;
    if (atomic_exchange(found.spoiled, true) && found.once)
        return true;
    keep(&found, address, gone);
    void (*inside)(void) = atomic_load(&neap__fault_inside);
    if (inside)
        inside();
    neap_fault_hook *hook = atomic_load(&fault_hook);
    if (hook)
        hook();
    return true;
}


/* -- the handlers ---------------------------------------------------------- */

/*
 * Whoever was there before; with nobody the access is repeated without us, so
 * that what is dumped is the true place. One that came after us first, and
 * before us then, passes on to us what we pass on to it: its raise ends it.
 */
static void pass_on(int number, siginfo_t *info, void *context)
{
    static _Thread_local bool passing
        __attribute__((tls_model("initial-exec")));
    const struct sigaction *before = number == SIGBUS ? &bus_before
                                                      : &segv_before;
    bool comes_back = passing && info->si_code <= 0;
    bool is_function = before->sa_flags & SA_SIGINFO ||
                       (before->sa_handler != SIG_DFL &&
                        before->sa_handler != SIG_IGN);
    if (is_function && !comes_back) {
        passing = true;
        if (before->sa_flags & SA_SIGINFO)
            before->sa_sigaction(number, info, context);
        else
            before->sa_handler(number);
        passing = false;
        return;
    }
    if (!is_function && before->sa_handler == SIG_IGN && info->si_code <= 0)
        return;
    signal(number, SIG_DFL);
    if (info->si_code <= 0) /* somebody sent it */
        raise(number);
}


static void on_fault(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    if (info->si_code <= 0 || !mend(info))
        pass_on(number, info, context);
    errno = saved;
}


static int install(int number, struct sigaction *before)
{
    struct sigaction now;
    struct sigaction ours = {.sa_sigaction = on_fault,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    if (sigaction(number, NULL, &now) < 0)
        return -errno;
    if (now.sa_flags & SA_SIGINFO && now.sa_sigaction == on_fault)
        return 0; /* never before ourselves */
    *before = now;
    sigemptyset(&ours.sa_mask);
    return sigaction(number, &ours, NULL) < 0 ? -errno : 0;
}


/* Only where nobody has come after us, who would be lost. */
static void uninstall(int number, const struct sigaction *before)
{
    struct sigaction now;
    if (sigaction(number, NULL, &now) == 0 && now.sa_flags & SA_SIGINFO &&
        now.sa_sigaction == on_fault)
        sigaction(number, before, NULL);
}


int neap_guard(bool on)
{
    pthread_mutex_lock(&switching);
    bool before = atomic_load(&guarding);
    int status = 0;
    page_size = (size_t)sysconf(_SC_PAGESIZE);
    if (on && page_size > LARGEST_PAGE)
        status = -ENOTSUP;
    if (on && status == 0)
        status = install(SIGBUS, &bus_before);
    if (on && status == 0)
        status = install(SIGSEGV, &segv_before);
    if (!on) {
        uninstall(SIGBUS, &bus_before);
        uninstall(SIGSEGV, &segv_before);
    }
    if (status == 0)
        atomic_store(&guarding, on);
    pthread_mutex_unlock(&switching);
    return status < 0 ? neap__fail_why(status, "cannot guard mapped memory")
                      : before;
}


int neap_guard_is_on(void)
{
    return atomic_load(&guarding);
}


void neap_set_fault_hook(neap_fault_hook *hook)
{
    atomic_store(&fault_hook, hook);
}


/* -- what was come upon ---------------------------------------------------- */

static int say_fault(const neap_fault *fault)
{
    if (fault->gone)
        return neap__fail(-ESTALE, "cannot reach byte %llu of a mapping of %s "
                          "(address 0x%llx): it is no longer there, for "
                          "somebody made it shorter while it was mapped; zeros "
                          "stand in its place here, and nobody else sees what "
                          "is written to them; close it and map it again",
                          (unsigned long long)fault->offset, fault->name,
                          (unsigned long long)fault->address);
    return neap__fail(-EFAULT, "cannot touch byte %llu of a mapping of %s in "
                      "that way (address 0x%llx): its protection forbids it; a "
                      "copy stands in its place here, and nothing was changed "
                      "in %s; close it and map it for what you do",
                      (unsigned long long)fault->offset, fault->name,
                      (unsigned long long)fault->address, fault->name);
}


int neap_fault_take(neap_fault *ret_fault)
{
    if (!own_place)
        return 0;
    struct pending *p = place_of((pid_t)syscall(SYS_gettid));
    own_place = 0;
    if (!p)
        return 0;
    neap_fault fault = p->fault;
    atomic_store(&p->thread, 0);
    atomic_store(&p->state, 0);
    last_page = 0;
    if (ret_fault)
        *ret_fault = fault;
    return say_fault(&fault);
}
