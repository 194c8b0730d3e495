/*
 * Attachments and seats, see seat.h.
 *
 * I1 `registry` guards the list of attachments and their counts; it is never
 *    held across a wait. Fork handlers keep it usable in the child.
 * I2 The mapping goes with the last handle and the last seat: the C library
 *    keeps pointers into it for every proof of life that a thread holds.
 * I3 A place in the tables of seats is free again only after I2.
 */
#include "recovery/seat.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "os/fault.h"
#include "os/file.h"
#include "os/pages.h"
#include "recovery/gate.h"
#include "recovery/reap.h"

_Thread_local struct neap__thread *neap__self
    __attribute__((tls_model("initial-exec")));

_Thread_local struct neap__here neap__here
    __attribute__((tls_model("initial-exec")));

static pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;
static struct neap_heap *attachments;
static uint32_t registry_generation;
static pthread_key_t at_thread_end;


/* -- the end of attachments ------------------------------------------------ */

void neap__attachment_undo(struct neap_heap *heap)
{
    neap__fault_forget(heap->watched);
    if (heap->base && heap->sysv_id >= 0)
        neap__sysv_detach(heap->base);
    else if (heap->base)
        neap__pages_unmap(heap->base, heap->mapped);
    if (heap->gate_of && heap->gate >= 0)
        neap__file_close(heap->gate);
    if (heap->fd >= 0)
        neap__file_close(heap->fd);
    free(heap);
}


static bool is_ephemeral(const struct neap_heap *heap)
{
    return heap->fd >= 0 && !heap->read_only &&
           heap->address.kind != NEAP_KIND_MEMFD && heap->ephemeral;
}


/*
 * The end of an attachment, and of an ephemeral heap if it was the last one.
 * Forks share one open file and its flock, and mappings keep it open: so first
 * everything of it is given up, and then a stranger asks whether anybody is
 * left. If two end at once, the next opener or gc does it.
 */
static void end_attachment(struct neap_heap *heap)
{
    if (!is_ephemeral(heap)) {
        neap__attachment_undo(heap);
        return;
    }
    struct neap__address *address = malloc(sizeof *address);
    int stranger = neap__file_reopen(heap->fd);
    dev_t dev = heap->dev;
    ino_t ino = heap->ino;
    if (address)
        *address = heap->address;
    neap__attachment_undo(heap);
    if (address && stranger >= 0 && neap__flock_try(stranger) == 0)
        neap__name_unlink_if(address, dev, ino);
    if (stranger >= 0)
        neap__file_close(stranger);
    free(address);
}


/* Registry held: take the attachment out if nothing needs it any more. */
static bool unlist_if_unused(struct neap_heap *heap)
{
    if (heap->handles || heap->seats)
        return false;
    struct neap_heap **link = &attachments;
    while (*link && *link != heap)
        link = &(*link)->next;
    if (*link)
        *link = heap->next;
    return true;
}


static void drop_count(struct neap_heap *heap, uint32_t *count)
{
    pthread_mutex_lock(&registry);
    --*count;
    bool unused = unlist_if_unused(heap);
    pthread_mutex_unlock(&registry);
    if (unused)
        end_attachment(heap);
}


/* -- seats ---------------------------------------------------------------- */

/* A thread's end is a death that it sees coming: the same cleaning. */
static void leave(struct neap__thread *self, uint32_t index)
{
    struct neap__seat *seat = self->seats[index];
    if (!seat)
        return;
    self->seats[index] = NULL;
    neap__here.seat.heap = NULL;
    struct neap_heap *heap = seat->heap;
    neap__slot_clean(heap, seat->tag & NEAP_SH_TAG_SLOT);
    neap__slot_release(heap, seat->slot);
    free(seat);
    drop_count(heap, &heap->seats);
}


static void free_thread(struct neap__thread *self)
{
    free(self->seats);
    free(self);
    neap__self = NULL;
}


/* Seats that another process took mean nothing here. */
static void forget_seats(struct neap__thread *self)
{
    for (uint32_t i = 0; i < self->count; i++) {
        free(self->seats[i]);
        self->seats[i] = NULL;
    }
    self->generation = neap__fork_generation();
    neap__here.seat.heap = NULL;
}


static void end_thread(void *thread)
{
    struct neap__thread *self = thread;
    if (self->generation == neap__fork_generation())
        for (uint32_t i = 0; i < self->count; i++)
            leave(self, i);
    else
        forget_seats(self);
    free_thread(self);
}


void neap__thread_end(void)
{
    if (!neap__self)
        return;
    pthread_setspecific(at_thread_end, NULL);
    end_thread(neap__self);
}


/* Registry held. In a child nobody has a seat yet. */
static void notice_fork_locked(void)
{
    uint32_t generation = neap__fork_generation();
    if (registry_generation == generation)
        return;
    registry_generation = generation;
    for (struct neap_heap *heap = attachments; heap; heap = heap->next)
        heap->seats = 0;
}


static struct neap__thread *this_thread(uint32_t count)
{
    struct neap__thread *self = neap__self;
    if (!self) {
        self = calloc(1, sizeof *self);
        if (!self)
            return NULL;
        self->generation = neap__fork_generation();
        neap__self = self;
        pthread_setspecific(at_thread_end, self);
    }
    if (self->generation != neap__fork_generation())
        forget_seats(self);
    if (count > self->count) {
        void *seats = realloc(self->seats, count * sizeof *self->seats);
        if (!seats)
            return NULL;
        self->seats = seats;
        memset(self->seats + self->count, 0,
               (count - self->count) * sizeof *self->seats);
        self->count = count;
    }
    return self;
}


/* -- slots ---------------------------------------------------------------- */

/* See that the slot's memory is really there. */
static int make_ready(struct neap_heap *heap, uint32_t index)
{
    struct neap_sh_header *header = neap__header(heap);
    uint32_t ready = atomic_load(&header->slots_ready);
    if (index < ready)
        return 0;
    uint32_t more = index + NEAP_SH_SLOTS_AT_A_TIME;
    if (more > header->slot_count)
        more = header->slot_count;
    int status = neap__set_aside(
        heap->fd, NEAP_SH_HEADER_SIZE + (uint64_t)ready * NEAP_SH_SLOT_SIZE,
        (uint64_t)(more - ready) * NEAP_SH_SLOT_SIZE);
    if (status < 0)
        return neap__no_room(status, heap->fd, heap->address.text,
                             (uint64_t)(more - ready) * NEAP_SH_SLOT_SIZE);
    while (ready < more &&
           !atomic_compare_exchange_weak(&header->slots_ready, &ready, more))
        ;
    return 0;
}


static void raise_high(struct neap_sh_header *header, uint32_t high)
{
    uint32_t seen = atomic_load(&header->slots_high);
    while (seen < high &&
           !atomic_compare_exchange_weak(&header->slots_high, &seen, high))
        ;
}


/*
 * Claim the slot if nobody living has it. `slots_high` covers it first, so
 * that no reaper overlooks a thread that dies right after the claim. It is
 * cleaned even when it looks free: after a failed cleaning it does, too.
 * @return 1 claimed; 0 taken; -errno.
 */
static int claim(struct neap_heap *heap, uint32_t index)
{
    struct neap_sh_slot *slot = neap__slot_at(heap, index);
    if (neap__life_look(&slot->life) == NEAP__LIFE_ALIVE)
        return 0;
    raise_high(neap__header(heap), index + 1);
    int claimed = neap__slot_claim(heap, index);
    if (claimed == -EBUSY)
        return 0;
    if (claimed < 0 && claimed != -EOWNERDEAD)
        return claimed;
    int status = neap__slot_clean(heap, index);
    if (status < 0) {
        neap__slot_release(heap, slot);
        return status;
    }
    if (claimed == -EOWNERDEAD)
        atomic_fetch_add(&neap__header(heap)->deaths, 1);
    return 1;
}


static int claim_any(struct neap_heap *heap, uint32_t *ret_index)
{
    uint32_t count = neap__header(heap)->slot_count;
    for (uint32_t i = 0; i < count; i++) {
        int status = make_ready(heap, i);
        if (status == 0)
            status = claim(heap, i);
        if (status < 0)
            return status;
        if (status == 1) {
            *ret_index = i;
            return 0;
        }
    }
    return neap__fail(NEAP_ESLOTS,
                      "heap %s: all %u slots are taken by living threads; wait "
                      "for some to end, or make the heap anew with more slots",
                      heap->address.text, count);
}


static void sit_down(struct neap__seat *seat, struct neap_heap *heap,
                     uint32_t index)
{
    struct neap_sh_slot *slot = neap__slot_at(heap, index);
    slot->since = (uint64_t)time(NULL);
    slot->pid_namespace = neap__pid_namespace();
    atomic_store(&slot->light, neap__fence_register());
    atomic_store(&slot->pid, (uint32_t)getpid());
    atomic_store(&slot->tid, neap__thread_number());
    seat->heap = heap;
    seat->slot = slot;
    seat->tag = neap__tag(index, atomic_load(&slot->incarnation));
    seat->light = atomic_load(&slot->light);
}


int neap__heap_spoiled(const struct neap_heap *heap)
{
    return neap__fail(-ESTALE, "heap %s: its file was made shorter while it was "
                      "mapped, and pages of it are lost; restore it from a "
                      "checkpoint, or make it anew", heap->address.text);
}


int neap__seat_take(struct neap_heap *heap, struct neap__seat **ret_seat)
{
    if (heap->read_only)
        return neap__fail(-EACCES,
                          "heap %s was opened read-only; open it for writing "
                          "to change or lock anything", heap->address.text);
    if (atomic_load(&heap->spoiled))
        return neap__heap_spoiled(heap);
    struct neap__thread *self = this_thread(heap->index + 1);
    struct neap__seat *seat = self ? calloc(1, sizeof *seat) : NULL;
    if (!seat)
        return neap__fail_why(-ENOMEM, "heap %s: cannot take a slot",
                              heap->address.text);
    uint32_t index = 0;
    int status = claim_any(heap, &index);
    if (status < 0) {
        free(seat);
        return status;
    }
    sit_down(seat, heap, index);
    pthread_mutex_lock(&registry);
    notice_fork_locked();
    heap->seats++;
    pthread_mutex_unlock(&registry);
    self->seats[heap->index] = seat;
    *ret_seat = neap__seat_look(heap);
    return 0;
}


/* Has this thread one, whatever became of the heap? */
static bool has_seat(const struct neap_heap *heap)
{
    const struct neap__thread *self = neap__self;
    return self && self->generation == neap__fork_generation() &&
           heap->index < self->count && self->seats[heap->index];
}


struct neap__seat *neap__seat_look(struct neap_heap *heap)
{
    struct neap__thread *self = neap__self;
    if (!has_seat(heap) ||
        NEAP__UNLIKELY(atomic_load_explicit(&heap->spoiled,
                                            memory_order_relaxed)))
        return NULL;
    neap__here.seat = *self->seats[heap->index];
    neap__here.generation = self->generation;
    return &neap__here.seat;
}


/* -- the registry --------------------------------------------------------- */

/* In the handler: from now on this thread takes the slow road, where it is told
 * that the heap is spoiled. */
static void forget_here(void)
{
    neap__here.seat.heap = NULL;
}


void neap__attachment_add(struct neap_heap *heap)
{
    atomic_store(&neap__fault_inside, forget_here);
    pthread_mutex_lock(&registry);
    notice_fork_locked();
    /* The list is in the order of the places: the first gap is the lowest. */
    struct neap_heap **link = &attachments;
    heap->index = 0;
    for (; *link && (*link)->index == heap->index; link = &(*link)->next)
        heap->index++;
    heap->next = *link;
    *link = heap;
    heap->handles = 1;
    heap->seats = 0;
    pthread_mutex_unlock(&registry);
}


void neap__attachment_retain(struct neap_heap *heap)
{
    pthread_mutex_lock(&registry);
    heap->handles++;
    pthread_mutex_unlock(&registry);
}


void neap__attachment_release(struct neap_heap *heap)
{
    pthread_mutex_lock(&registry);
    notice_fork_locked();
    bool last = --heap->handles == 0;
    bool unused = last && unlist_if_unused(heap);
    pthread_mutex_unlock(&registry);
    if (unused)
        end_attachment(heap);
    else if (last && has_seat(heap))
        leave(neap__self, heap->index);
}


/* -- the process ---------------------------------------------------------- */

static void before_fork(void)
{
    neap__gate_hold();
    pthread_mutex_lock(&registry);
}


static void after_fork(void)
{
    pthread_mutex_unlock(&registry);
    neap__gate_let_go();
}


__attribute__((constructor)) static void begin_process(void)
{
    pthread_key_create(&at_thread_end, end_thread);
    pthread_atfork(before_fork, after_fork, after_fork);
    registry_generation = neap__fork_generation();
}


/* exit() ends the main thread without its destructors. */
__attribute__((destructor)) static void end_process(void)
{
    neap__thread_end();
}
