/*
 * A linked list in shared memory that two processes see at different addresses:
 * a link is the offset of the next node from the beginning, never a pointer.
 *
 *     cc 14_linked_list.c $(pkg-config --cflags --libs neap)
 */
#include "example.h"

struct node {
    int64_t value;
    uint64_t next; /* 0: it is the last */
};

/* What every process must know of the segment; a heap has names for it. */
struct list {
    uint64_t head; /* offset of the first node, or 0 */
    uint64_t used; /* how many nodes are taken */
    struct node nodes[100];
};

static neap_mutex *lock; /* nobody else while one inserts */


static struct node *node_at(struct list *list, uint64_t offset)
{
    return (struct node *)((char *)list + offset);
}


/* Put a value where it belongs: the list is sorted. */
static void insert(struct list *list, int64_t value)
{
    must(neap_mutex_lock(lock, NEAP_FOREVER));
    struct node *node = &list->nodes[list->used++];
    uint64_t *link = &list->head; /* where the offset of the next one is */
    while (*link && node_at(list, *link)->value <= value)
        link = &node_at(list, *link)->next;
    node->value = value;
    node->next = *link;
    *link = (uint64_t)((char *)node - (char *)list);
    must(neap_mutex_unlock(lock));
}


static void print(const char *whose, struct list *list)
{
    printf("the %s", whose);
    for (uint64_t at = list->head; at; at = node_at(list, at)->next)
        printf(" %lld", (long long)node_at(list, at)->value);
    printf("\n");
}


static struct list *map(neap_segment *segment)
{
    neap_mapping *mapping;
    must(neap_mapping_open(segment, 0, 0, NEAP_PROT_WRITE, &mapping));
    return neap_mapping_data(mapping);
}


int main(void)
{
    neap_segment *segment;
    neap_heap *heap;
    neap_process *child;
    neap_exit end;

    must(neap_segment_create("memfd:list", sizeof(struct list), 0, &segment));
    must(neap_heap_open(NULL, NULL, &heap));
    must(neap_mutex_open(heap, "list", &lock));
    struct list *here = map(segment);
    insert(here, 50);
    insert(here, 10);
    insert(here, 30);
    fflush(stdout);

    if (must(neap_process_fork(&child)) == NEAP_CHILD) {
        struct list *there = map(segment); /* at another address */
        insert(there, 40);
        insert(there, 20);
        print("child's list: ", there);
        fflush(stdout);
        neap_process_exit(there == here);
    }
    must(neap_process_wait(child, NEAP_FOREVER, &end));
    print("parent's list:", here);
    printf("at different addresses: %s\n", end.code == 0 ? "yes" : "no");

    neap_process_close(child);
    neap_mutex_close(lock);
    neap_heap_close(heap);
    neap_segment_close(segment);
}
