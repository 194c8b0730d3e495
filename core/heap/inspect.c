/* Looking at a heap: its state, its objects, its slots. Nothing is changed. */
#include <stdio.h>
#include <string.h>

#include "heap/heap.h"
#include "neap/counter.h"
#include "os/file.h"
#include "recovery/share.h"


/* -- the heap ------------------------------------------------------------- */

void neap__uuid_text(const uint8_t uuid[16], char *text)
{
    for (int i = 0; i < 16; i++) {
        bool dash = i == 4 || i == 6 || i == 8 || i == 10;
        text += sprintf(text, dash ? "-%02x" : "%02x", uuid[i]);
    }
}


static int owner_of(struct neap_heap *heap, neap_heap_info *info)
{
    if (heap->sysv_id >= 0) {
        struct neap__sysv_stat st;
        int status = neap__sysv_status(heap->sysv_id, &st);
        info->mode = st.mode;
        info->uid = st.uid;
        info->gid = st.gid;
        return status;
    }
    struct neap__file_facts facts;
    int status = neap__file_facts(heap->fd, &facts);
    if (status < 0)
        return neap__fail_why(status, "heap %s: cannot look at it",
                              heap->address.text);
    info->mode = facts.mode;
    info->uid = facts.uid;
    info->gid = facts.gid;
    return 0;
}


static void count_slots(struct neap_heap *heap, neap_heap_info *info)
{
    uint32_t high = atomic_load(&neap__header(heap)->slots_high);
    uint32_t ready = atomic_load(&neap__header(heap)->slots_ready);
    for (uint32_t i = 0; i < high && i < ready; i++) {
        enum neap__life_state life =
            neap__life_look(&neap__slot_at(heap, i)->life);
        info->attached += life == NEAP__LIFE_ALIVE;
        info->dead += life == NEAP__LIFE_DEAD;
    }
}


int neap_heap_status(neap_heap *heap, neap_heap_info *ret_info)
{
    struct neap_sh_header *header = neap__header(heap);
    neap_heap_info info = {
        .kind = (neap_kind)header->kind,
        .layout = header->layout_version,
        .size = header->size,
        .used = header->used + NEAP_SH_HEADER_SIZE +
                (uint64_t)header->slots_ready * NEAP_SH_SLOT_SIZE,
        .reserved = header->reserved,
        .objects = header->objects,
        .slots = header->slot_count,
        .deaths = header->deaths,
        .read_only = heap->read_only,
        .ephemeral = header->flags & NEAP_OPEN_EPHEMERAL,
        .created = (int64_t)header->created,
    };
    /* Slots whose memory is not set aside are no part of the size. */
    info.size -= (uint64_t)(header->slot_count - header->slots_ready) *
                 NEAP_SH_SLOT_SIZE;
    int status = owner_of(heap, &info);
    if (status < 0)
        return status;
    neap__uuid_text(header->uuid, info.uuid);
    count_slots(heap, &info);
    *ret_info = info;
    return 0;
}


/* -- its objects ---------------------------------------------------------- */

static void add_shape(const struct neap_sh_entry *entry, neap_object_info *info)
{
    uint64_t bytes = neap_type_size(info->type);
    for (uint32_t i = 0; i < info->dimensions && i < NEAP_DIMENSIONS_MAX; i++) {
        info->shape[i] = entry->shape[i];
        bytes *= entry->shape[i];
    }
    info->bytes = bytes;
}


static void add_value(struct neap_heap *heap, struct neap_sh_entry *entry,
                      neap_object_info *info)
{
    uint64_t bits = atomic_load(&entry->value);
    bool counter = info->kind == NEAP_OBJECT_COUNTER;
    if (counter && info->variant == NEAP_COUNTER_DOUBLE)
        memcpy(&info->real, &bits, sizeof info->real);
    else
        info->value = (int64_t)bits;
    if (counter && info->variant == NEAP_COUNTER_STRIPED)
        info->value += (int64_t)neap__shares_sum(heap, info->id);
    if (info->kind == NEAP_OBJECT_BARRIER ||
        info->kind == NEAP_OBJECT_CONDITION)
        info->value = (int64_t)(uint32_t)bits;
    if (neap_sh_cell_count(entry))
        info->value = neap_sh_cells_of(entry, 0);
}


static bool is_held_by_users(neap_object_kind kind)
{
    return kind == NEAP_OBJECT_MUTEX || kind == NEAP_OBJECT_RWLOCK ||
           kind == NEAP_OBJECT_ONCE;
}


static void add_holder(struct neap_heap *heap, struct neap_sh_entry *entry,
                       neap_object_info *info)
{
    uint32_t word = atomic_load(&entry->lock.word);
    uint32_t index = word & NEAP_SH_TAG_SLOT;
    if (is_held_by_users(info->kind) && word && index < neap__header(heap)->slots_ready)
        info->holder = (int32_t)atomic_load(&neap__slot_at(heap, index)->pid);
}


/* False if the entry was dropped or made anew meanwhile. */
static bool read_info(struct neap_heap *heap, struct neap_sh_entry *entry,
                      neap_object_info *info)
{
    memset(info, 0, sizeof *info);
    info->id = atomic_load(&entry->id);
    uint64_t what = atomic_load(&entry->what);
    info->kind = (neap_object_kind)neap_sh_what_kind(what);
    info->variant = neap_sh_what_variant(what);
    memcpy(info->name, entry->name, NEAP_NAME_MAX);
    if (info->kind == NEAP_OBJECT_ARRAY) {
        info->type = (neap_type)neap_sh_what_type(what);
        info->dimensions = neap_sh_what_dimensions(what);
        if (info->dimensions > NEAP_DIMENSIONS_MAX)
            info->dimensions = NEAP_DIMENSIONS_MAX;
        add_shape(entry, info);
    } else {
        add_value(heap, entry, info);
        add_holder(heap, entry, info);
    }
    return info->id && atomic_load(&entry->id) == info->id;
}


int neap_heap_next(neap_heap *heap, uint64_t *cursor,
                   neap_object_info *ret_info)
{
    uint64_t words;
    neap_sh_word *table = neap__table(heap, &words);
    if (!table)
        return neap__fail(NEAP_ECORRUPT, "heap %s: its directory cannot be "
                          "right; run `neap check`", heap->address.text);
    neap_object_info info;
    while (*cursor < words) {
        uint64_t value = atomic_load(&table[(*cursor)++]);
        struct neap_sh_entry *entry =
            value <= NEAP__TABLE_DROPPED
                ? NULL : neap__entry_at(heap, value & NEAP_SH_TABLE_OFFSET);
        if (entry && read_info(heap, entry, &info)) {
            *ret_info = info;
            return NEAP_MORE;
        }
    }
    return 0;
}


int neap_heap_find(neap_heap *heap, const char *name,
                   neap_object_info *ret_info)
{
    struct neap__found found;
    neap_object_info info;
    int status = neap__object_find(heap, name, &found);
    if (status < 0)
        return status;
    if (!read_info(heap, found.entry, &info))
        return neap__fail(-ENOENT, "heap %s has no object '%s' any more",
                          heap->address.text, name);
    *ret_info = info;
    return 0;
}


/* -- its slots ------------------------------------------------------------ */

int neap_heap_next_slot(neap_heap *heap, uint64_t *cursor,
                        neap_slot_info *ret_info)
{
    uint32_t high = atomic_load(&neap__header(heap)->slots_high);
    uint32_t ready = atomic_load(&neap__header(heap)->slots_ready);
    while (*cursor < high && *cursor < ready) {
        uint32_t index = (uint32_t)(*cursor)++;
        struct neap_sh_slot *slot = neap__slot_at(heap, index);
        enum neap__life_state life = neap__life_look(&slot->life);
        if (life == NEAP__LIFE_FREE)
            continue;
        neap_slot_info info = {
            .index = index,
            .incarnation = atomic_load(&slot->incarnation),
            .dead = life == NEAP__LIFE_DEAD,
            .pid = (int32_t)atomic_load(&slot->pid),
            .tid = (int32_t)atomic_load(&slot->tid),
        };
        for (int i = 0; i < NEAP_SH_HELD; i++)
            info.held += atomic_load(&slot->held[i]) != 0;
        for (int i = 0; i < NEAP_SH_SHARES; i++)
            info.permits += atomic_load(&slot->shares[i].entry) != 0 &&
                            !neap__share_idle(heap,
                                              neap__tag(index, info.incarnation),
                                              &slot->shares[i]);
        *ret_info = info;
        return NEAP_MORE;
    }
    return 0;
}
