/* The ledger, see storm.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stress/storm.h"


struct board *board_map(int fd)
{
    void *board = mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE,
                       MAP_SHARED, fd, 0);
    if (board == MAP_FAILED) {
        perror("cannot map the ledger");
        exit(2);
    }
    return board;
}


struct board *board_make(int *ret_fd)
{
    int fd = memfd_create("storm", 0);
    if (fd < 0 || ftruncate(fd, sizeof(struct board)) < 0) {
        perror("cannot make the ledger");
        exit(2);
    }
    *ret_fd = fd;
    return board_map(fd);
}


uint64_t board_begun(struct board *board, int thing)
{
    uint64_t sum = 0;
    for (uint32_t w = 0; w < board->workers; w++)
        for (int i = 0; i < LINES; i++)
            sum += board->lines[w][i].begun[thing];
    return sum;
}


uint64_t board_done(struct board *board, int thing)
{
    uint64_t sum = 0;
    for (uint32_t w = 0; w < board->workers; w++)
        for (int i = 0; i < LINES; i++)
            sum += board->lines[w][i].done[thing];
    return sum;
}


void board_clear(struct board *board)
{
    for (uint32_t w = 0; w < board->workers; w++)
        for (int i = 0; i < LINES; i++) {
            struct line *line = &board->lines[w][i];
            memset((void *)line->begun, 0, sizeof line->begun);
            memset((void *)line->done, 0, sizeof line->done);
        }
}


void violation(struct board *board, const char *format, ...)
{
    char text[1500];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    board->violations++;
    fprintf(stderr, "\nnot ok - process %ld: %s\n", (long)getpid(), text);
}
