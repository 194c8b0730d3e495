/*
 * The layout in numbers, for scripts/check_layout: a line for each field of each
 * struct in shared memory, "struct field offset size", and one for each struct,
 * "struct - 0 size". Constants are "- NAME 0 value".
 */
#include <stdio.h>

#include "layout/layout.h"
#include "layout/team.h"

#define STRUCT(type) printf("%s - 0 %zu\n", #type, sizeof(struct type))
#define FIELD(type, field)                                                     \
    printf("%s %s %zu %zu\n", #type, #field, offsetof(struct type, field),     \
           sizeof(((struct type *)0)->field))
#define CONSTANT(name) printf("- %s 0 %llu\n", #name, (unsigned long long)(name))


static void header_constants(void)
{
    STRUCT(neap_sh_header);
    FIELD(neap_sh_header, magic);
    FIELD(neap_sh_header, byte_order);
    FIELD(neap_sh_header, layout_version);
    FIELD(neap_sh_header, sizes);
    FIELD(neap_sh_header, uuid);
    FIELD(neap_sh_header, created);
    FIELD(neap_sh_header, reserved);
    FIELD(neap_sh_header, heap_offset);
    FIELD(neap_sh_header, slot_count);
    FIELD(neap_sh_header, kind);
    FIELD(neap_sh_header, flags);
    FIELD(neap_sh_header, checksum);
    FIELD(neap_sh_header, boot);
    FIELD(neap_sh_header, inode);
    FIELD(neap_sh_header, slots_ready);
    FIELD(neap_sh_header, slots_high);
    FIELD(neap_sh_header, deaths);
}


static void header_locked(void)
{
    FIELD(neap_sh_header, lock);
    FIELD(neap_sh_header, size);
    FIELD(neap_sh_header, version);
    FIELD(neap_sh_header, next_id);
    FIELD(neap_sh_header, objects);
    FIELD(neap_sh_header, table);
    FIELD(neap_sh_header, table_words);
    FIELD(neap_sh_header, table_used);
    FIELD(neap_sh_header, table_other);
    FIELD(neap_sh_header, entry_head);
    FIELD(neap_sh_header, entry_tail);
    FIELD(neap_sh_header, entry_count);
    FIELD(neap_sh_header, entry_total);
    FIELD(neap_sh_header, extent_unused);
    FIELD(neap_sh_header, extent_spare);
    FIELD(neap_sh_header, extent_total);
    FIELD(neap_sh_header, extent_last);
    FIELD(neap_sh_header, meta_next);
    FIELD(neap_sh_header, meta_end);
    FIELD(neap_sh_header, meta_lost);
    FIELD(neap_sh_header, used);
    FIELD(neap_sh_header, bin_map);
    FIELD(neap_sh_header, bins);
}


static void slot(void)
{
    STRUCT(neap_sh_slot);
    FIELD(neap_sh_slot, life);
    FIELD(neap_sh_slot, incarnation);
    FIELD(neap_sh_slot, pid);
    FIELD(neap_sh_slot, tid);
    FIELD(neap_sh_slot, light);
    FIELD(neap_sh_slot, places);
    FIELD(neap_sh_slot, since);
    FIELD(neap_sh_slot, waking);
    FIELD(neap_sh_slot, waiting_on);
    FIELD(neap_sh_slot, pid_namespace);
    FIELD(neap_sh_slot, blocked_on);
    FIELD(neap_sh_slot, blocked_since);
    FIELD(neap_sh_slot, held);
    FIELD(neap_sh_slot, shares);
    FIELD(neap_sh_slot, redo);
}


static void parts_of_slot(void)
{
    STRUCT(neap_sh_lock);
    FIELD(neap_sh_lock, word);
    FIELD(neap_sh_lock, parked);
    STRUCT(neap_sh_life);
    FIELD(neap_sh_life, word);
    FIELD(neap_sh_life, libc);
    STRUCT(neap_sh_share);
    FIELD(neap_sh_share, entry);
    FIELD(neap_sh_share, id);
    FIELD(neap_sh_share, value);
    STRUCT(neap_sh_redo);
    FIELD(neap_sh_redo, committed);
    FIELD(neap_sh_redo, count);
    FIELD(neap_sh_redo, stores);
    STRUCT(neap_sh_store);
    FIELD(neap_sh_store, offset);
    FIELD(neap_sh_store, value);
}


static void entry(void)
{
    STRUCT(neap_sh_entry);
    FIELD(neap_sh_entry, lock);
    FIELD(neap_sh_entry, value);
    FIELD(neap_sh_entry, id);
    FIELD(neap_sh_entry, what);
    FIELD(neap_sh_entry, extent);
    FIELD(neap_sh_entry, limit);
    FIELD(neap_sh_entry, abandoned);
    FIELD(neap_sh_entry, sleepers);
    FIELD(neap_sh_entry, seq);
    FIELD(neap_sh_entry, bias);
    FIELD(neap_sh_entry, shape);
    FIELD(neap_sh_entry, next);
    FIELD(neap_sh_entry, returns);
    FIELD(neap_sh_entry, hash);
    FIELD(neap_sh_entry, acquisitions);
    FIELD(neap_sh_entry, contended);
    FIELD(neap_sh_entry, longest_wait);
    FIELD(neap_sh_entry, name);
}


static void extent(void)
{
    STRUCT(neap_sh_extent);
    FIELD(neap_sh_extent, start);
    FIELD(neap_sh_extent, size);
    FIELD(neap_sh_extent, state);
    FIELD(neap_sh_extent, below);
    FIELD(neap_sh_extent, above);
    FIELD(neap_sh_extent, next);
    FIELD(neap_sh_extent, previous);
    FIELD(neap_sh_extent, owner);
}


/* The bounds at the end of a team are as many as there are workers. */
static void team(void)
{
    STRUCT(neap_sh_team);
    FIELD(neap_sh_team, workers);
    FIELD(neap_sh_team, unused);
    FIELD(neap_sh_team, ranges);
    STRUCT(neap_sh_range);
    FIELD(neap_sh_range, cursor);
    FIELD(neap_sh_range, chosen);
    FIELD(neap_sh_range, tail);
    FIELD(neap_sh_range, unused);
    STRUCT(neap_sh_bounds);
    FIELD(neap_sh_bounds, first);
    FIELD(neap_sh_bounds, last);
    FIELD(neap_sh_bounds, step);
}


static void constants(void)
{
    CONSTANT(NEAP_LAYOUT_VERSION);
    CONSTANT(NEAP_SH_BYTE_ORDER);
    CONSTANT(NEAP_SH_HEADER_SIZE);
    CONSTANT(NEAP_SH_SLOT_SIZE);
    CONSTANT(NEAP_SH_SLOTS_MAX);
    CONSTANT(NEAP_SH_HELD);
    CONSTANT(NEAP_SH_SHARES);
    CONSTANT(NEAP_SH_REDO);
    CONSTANT(NEAP_SH_BINS);
    CONSTANT(NEAP_SH_GRAIN);
    CONSTANT(NEAP_SH_SLOTS_AT_A_TIME);
    CONSTANT(NEAP_SH_EXTENTS_MADE);
    CONSTANT(NEAP_SH_EXTENTS_KEPT);
    CONSTANT(NEAP_SH_ENTRIES_MADE);
    CONSTANT(NEAP_SH_ENTRIES_RESTING);
    CONSTANT(NEAP_SH_TABLE_LEAST);
    CONSTANT(NEAP_SH_META_AT_BIRTH);
    CONSTANT(NEAP_SH_DATA_AT_BIRTH);
    CONSTANT(NEAP_SH_STEP);
    CONSTANT(NEAP_SH_RETURN_PAGES);
    CONSTANT(NEAP_SH_UNUSED);
    CONSTANT(NEAP_SH_FREE);
    CONSTANT(NEAP_SH_BARE);
    CONSTANT(NEAP_SH_USED);
    CONSTANT(NEAP_SH_META);
    CONSTANT(NEAP_SH_RANGES);
    CONSTANT(NEAP_NAME_MAX);
    CONSTANT(NEAP_DIMENSIONS_MAX);
}


int main(void)
{
    header_constants();
    header_locked();
    slot();
    parts_of_slot();
    entry();
    extent();
    team();
    constants();
}
