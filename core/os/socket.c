/* Descriptors that pass over Unix sockets, see socket.h. */
#include "os/socket.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>


static int open_at(const char *path, struct sockaddr_un *ret_address)
{
    if (strlen(path) >= sizeof ret_address->sun_path)
        return -ENAMETOOLONG;
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    strcpy(ret_address->sun_path, path);
    /* Packets: a text and its descriptor arrive together or not at all. */
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}


/* Does anybody listen there? Datagrams cannot reach one who listens, so that
 * asking takes no turn away from who waits for it. @return -EPROTOTYPE somebody
 * does; -ECONNREFUSED nobody; -ENOENT. */
static int probe(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int status = fd < 0 || connect(fd, (const struct sockaddr *)address,
                                   sizeof *address) < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    return status;
}


/* One that was killed while it listened leaves its socket. */
static int clear_path(const struct sockaddr_un *address)
{
    const char *path = address->sun_path;
    struct stat st;
    int status = probe(address);
    if (status == 0 || status == -EPROTOTYPE)
        return -EADDRINUSE;
    if (status != -ECONNREFUSED)
        return status == -ENOENT ? 0 : status;
    if (lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return -EEXIST;
    return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}


/* Nobody can connect before it listens, and then it has its mode. */
static int listen_at(int fd, const struct sockaddr_un *address, uint32_t mode)
{
    if (bind(fd, (const struct sockaddr *)address, sizeof *address) < 0)
        return -errno;
    if ((mode && chmod(address->sun_path, (mode_t)mode) < 0) ||
        listen(fd, 8) < 0) {
        int status = -errno;
        unlink(address->sun_path);
        return status;
    }
    return 0;
}


int neap__socket_listen(const char *path, uint32_t mode)
{
    struct sockaddr_un address;
    int fd = open_at(path, &address);
    int status = fd < 0 ? fd : clear_path(&address);
    if (status == 0)
        status = listen_at(fd, &address, mode);
    if (status < 0 && fd >= 0)
        close(fd);
    return status < 0 ? status : fd;
}


int neap__socket_connect(const char *path)
{
    struct sockaddr_un address;
    int fd = open_at(path, &address);
    if (fd < 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int status = -errno;
    close(fd);
    return status;
}


static int wait_for_input(int fd, int64_t deadline)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};
    int wait = -1;
    if (deadline != NEAP_FOREVER) {
        int64_t left = deadline - neap_now();
        wait = left <= 0 ? 0 : left > INT32_MAX * INT64_C(1000000)
                   ? INT32_MAX : (int)((left + 999999) / 1000000);
    }
    int ready = poll(&one, 1, wait);
    return ready < 0 ? -errno : ready == 0 ? -ETIMEDOUT : 0;
}


int neap__socket_accept(int socket, int64_t deadline)
{
    int status = wait_for_input(socket, deadline);
    if (status < 0)
        return status;
    int fd = accept4(socket, NULL, NULL, SOCK_CLOEXEC);
    return fd < 0 ? -errno : fd;
}


/* A message of one text and one descriptor. */
struct message {
    struct iovec text;
    struct msghdr head;
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
};


static void set_up(struct message *m, void *text, size_t size)
{
    memset(m, 0, sizeof *m);
    m->text = (struct iovec){text, size};
    m->head.msg_iov = &m->text;
    m->head.msg_iovlen = 1;
    m->head.msg_control = m->control.bytes;
    m->head.msg_controllen = sizeof m->control.bytes;
}


int neap__socket_send(int socket, int fd, const char *text)
{
    struct message m;
    /* With its final zero: an empty packet would look like an end. */
    set_up(&m, (void *)(uintptr_t)text, strlen(text) + 1);
    struct cmsghdr *rights = CMSG_FIRSTHDR(&m.head);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(rights), &fd, sizeof fd);
    return sendmsg(socket, &m.head, MSG_NOSIGNAL) < 0 ? -errno : 0;
}


int neap__socket_receive(int socket, int64_t deadline, char *ret_text,
                         size_t size)
{
    struct message m;
    int fd, status = wait_for_input(socket, deadline);
    if (status < 0)
        return status;
    set_up(&m, ret_text, size - 1);
    ssize_t got = recvmsg(socket, &m.head, MSG_CMSG_CLOEXEC);
    if (got <= 0)
        return got < 0 ? -errno : -EPIPE;
    ret_text[got] = '\0';
    struct cmsghdr *rights = CMSG_FIRSTHDR(&m.head);
    if (!rights || rights->cmsg_level != SOL_SOCKET ||
        rights->cmsg_type != SCM_RIGHTS ||
        rights->cmsg_len != CMSG_LEN(sizeof fd))
        return -ENOMSG;
    memcpy(&fd, CMSG_DATA(rights), sizeof fd);
    return fd;
}


int neap__seals_add(int fd, int seals)
{
    return fcntl(fd, F_ADD_SEALS, seals) < 0 ? -errno : 0;
}


int neap__seals_get(int fd)
{
    int seals = fcntl(fd, F_GET_SEALS);
    return seals < 0 ? -errno : seals;
}


bool neap__file_is_read_only(int fd)
{
    return (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY;
}
