/*
 * Count the words of text files. A word is a run of the letters A to Z, small
 * or capital. Files are cut into pieces; each word is a counter in shared
 * memory, found by its name, so that two words are never taken for one.
 *
 *     03_wordcount FILE ...                WORKERS=n sets how many
 */
#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "example.h"

#define PIECE ((size_t)1 << 20)
#define LETTER(c) isalpha((unsigned char)(c))

struct piece {
    const char *text; /* of the whole file */
    size_t size, from;
};

struct word {
    char *letters;
    int64_t n;
};

static neap_heap *heap;
static struct piece *pieces;
static size_t count;


static void count_word(const char *letters, size_t length)
{
    char name[NEAP_NAME_MAX + 1] = "";
    neap_counter *counter;

    for (size_t i = 0; i < length; i++)
        name[i] = (char)tolower((unsigned char)letters[i]);
    must(neap_counter_open(heap, name, &counter)); /* or made */
    must(neap_counter_add(counter, 1));
    neap_counter_close(counter);
}


/* What is too long for a name is kept as an array, each time. */
static void keep_word(const char *letters, size_t length)
{
    char name[64];
    neap_array *array;

    snprintf(name, sizeof name, "long %p", (const void *)letters);
    must(neap_array_open(heap, name, NEAP_TYPE_U8, 1,
                         &(uint64_t){length}, &array));
    for (size_t i = 0; i < length; i++)
        ((char *)neap_array_data(array))[i] =
            (char)tolower((unsigned char)letters[i]);
    neap_array_close(array);
}


/* The words that begin in a piece: what is left of one that began before is
 * passed over, and the last one is read to its end. */
static void count_piece(const struct piece *p)
{
    size_t at = p->from, end = p->from;

    if (at > 0 && LETTER(p->text[at - 1]))
        while (at < p->size && LETTER(p->text[at]))
            at++;
    for (; at < p->size && at < p->from + PIECE; at = end + 1) {
        for (end = at; end < p->size && LETTER(p->text[end]); end++)
            ;
        if (end > at)
            (end - at <= NEAP_NAME_MAX ? count_word : keep_word)(p->text + at,
                                                                 end - at);
    }
}


static int work(neap_worker *worker, void *argument)
{
    neap_range *range;
    int64_t i;
    (void)argument;

    must(neap_range_open(worker->team, 0, (int64_t)count - 1, 1, 0, &range));
    while (must(neap_range_next(range, &i)) == NEAP_MORE)
        count_piece(&pieces[i]);
    neap_range_close(range);
    return 0;
}


static void cut_up(const char *path)
{
    struct stat st = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is_bad = fd < 0 || fstat(fd, &st) < 0;
    size_t size = (size_t)st.st_size;
    char *text = is_bad || size == 0 ? NULL : mmap(NULL, size, PROT_READ,
                                                   MAP_PRIVATE, fd, 0);

    if (is_bad || text == MAP_FAILED) {
        fprintf(stderr, "03_wordcount: cannot read %s: %m\n", path);
        exit(1);
    }
    close(fd);
    for (size_t from = 0; from < size; from += PIECE) {
        pieces = realloc(pieces, (count + 1) * sizeof *pieces);
        pieces[count++] = (struct piece){text, size, from};
    }
}


static int by_letters(const void *one, const void *other)
{
    return strcmp(((const struct word *)one)->letters,
                  ((const struct word *)other)->letters);
}


static int by_count(const void *one, const void *other)
{
    int64_t a = ((const struct word *)one)->n;
    int64_t b = ((const struct word *)other)->n;

    return a == b ? by_letters(one, other) : a > b ? -1 : 1;
}


static struct word word_of(const neap_object_info *info)
{
    neap_array *array;

    if (info->kind == NEAP_OBJECT_COUNTER)
        return (struct word){strdup(info->name), info->value};
    must(neap_array_open(heap, info->name, NEAP_TYPE_U8, 0, NULL, &array));
    char *letters = strndup(neap_array_data(array), neap_array_size(array));
    neap_array_close(array);
    return (struct word){letters, 1};
}


/* All words, sorted; a long one that was kept twice becomes one. */
static size_t collect(struct word *words)
{
    neap_object_info info;
    uint64_t cursor = 0;
    size_t n = 0, different = 0;

    while (must(neap_heap_next(heap, &cursor, &info)) == NEAP_MORE)
        words[n++] = word_of(&info);
    qsort(words, n, sizeof *words, by_letters);
    for (size_t i = 0; i < n; i++)
        if (different && by_letters(&words[different - 1], &words[i]) == 0)
            words[different - 1].n += words[i].n;
        else
            words[different++] = words[i];
    qsort(words, different, sizeof *words, by_count);
    return different;
}


int main(int argc, char **argv)
{
    neap_heap_info info;
    int64_t total = 0;

    for (int i = 1; i < argc; i++)
        cut_up(argv[i]);
    must(neap_heap_open(NULL, NULL, &heap));
    run_with_bar("words", how_many_workers(), work, NULL);

    must(neap_heap_status(heap, &info));
    struct word *words = calloc(info.objects + 1, sizeof *words);
    size_t different = collect(words);
    for (size_t i = 0; i < different; i++) {
        total += words[i].n;
        if (i < 10)
            printf("%7lld %s\n", (long long)words[i].n, words[i].letters);
    }
    printf("%lld words, %zu different\n", (long long)total, different);
    neap_heap_close(heap);
}
