/*
 * The answer of a child, on its way and in its parent.
 *
 * It goes through a socket and not a pipe: a pipe whose reader is gone sends
 * SIGPIPE, and the library touches no signal handlers.
 */
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "work/work.h"

#define ROOM_AT_FIRST 4096


/* Room for one byte more at least. */
static bool make_room(struct neap__answer *answer)
{
    if (answer->length < answer->room)
        return true;
    size_t room = answer->room ? answer->room * 2 : ROOM_AT_FIRST;
    char *bytes = realloc(answer->bytes, room);
    if (!bytes)
        return false;
    answer->bytes = bytes;
    answer->room = room;
    return true;
}


/* No memory: what cannot be kept is read all the same, or the child would
 * wait for ever. The wait reports it. */
static void *find_room(struct neap__answer *answer, void *scrap,
                       size_t scrap_size, size_t *ret_size)
{
    if (!answer->cut && make_room(answer)) {
        *ret_size = answer->room - answer->length;
        return answer->bytes + answer->length;
    }
    answer->cut = true;
    *ret_size = scrap_size;
    return scrap;
}


bool neap__answer_take(struct neap__answer *answer, int channel, size_t limit)
{
    char scrap[4096];
    while (limit > 0) {
        size_t size;
        void *room = find_room(answer, scrap, sizeof scrap, &size);
        ssize_t n = recv(channel, room, size < limit ? size : limit,
                         MSG_DONTWAIT);
        if (n == 0)
            return true;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno != EAGAIN;
        if (!answer->cut)
            answer->length += (size_t)n;
        limit -= (size_t)n;
    }
    return false;
}


/*
 * The child is gone, but somebody whom it forked may have its end of the
 * channel still and write for ever.
 */
void neap__answer_take_rest(struct neap__answer *answer, int channel)
{
    int there = 0;
    if (ioctl(channel, FIONREAD, &there) == 0 && there > 0)
        neap__answer_take(answer, channel, (size_t)there);
}


int neap_process_answer(const void *bytes, size_t length)
{
    int channel = neap__kin_channel();
    if (channel < 0)
        return neap__fail(-ESRCH, "cannot answer: this process was not forked "
                          "by neap; answer in the child itself");
    const char *rest = bytes;
    while (length > 0) {
        ssize_t n = send(channel, rest, length, MSG_NOSIGNAL);
        if (n >= 0) {
            rest += n;
            length -= (size_t)n;
        } else if (errno == ECONNRESET || errno == EPIPE) {
            return neap__fail(-EPIPE, "cannot answer with %zu bytes: the "
                              "parent has closed this process's handle",
                              length);
        } else if (errno != EINTR) {
            return neap__fail_why(-errno, "cannot answer with %zu bytes",
                                  length);
        }
    }
    return 0;
}


const void *neap_process_answered(neap_process *process, size_t *ret_length)
{
    if (neap__process_foreign(process)) {
        *ret_length = 0;
        return "";
    }
    pthread_mutex_lock(&process->lock);
    const char *bytes = process->answer.bytes;
    *ret_length = process->answer.length;
    pthread_mutex_unlock(&process->lock);
    return bytes ? bytes : "";
}
