/*
 * The door to the operating system, continued: descriptors that pass over Unix
 * sockets. The same precondition as os.h: 0 or more, or -errno, no error text.
 */
#ifndef NEAP_OS_SOCKET_H
#define NEAP_OS_SOCKET_H

#include <sys/types.h>

#include "base/base.h"

/*
 * Listen at a path, where those may connect whom `mode` lets write; 0: as the
 * umask has it. A socket at which nobody listens any more is replaced.
 * @return a descriptor; -EADDRINUSE; -EEXIST no socket; -ENAMETOOLONG.
 */
int neap__socket_listen(const char *path, uint32_t mode);

/* @return a descriptor; -ENOENT; -ECONNREFUSED nobody listens. */
int neap__socket_connect(const char *path);

/* Wait for somebody. @return a descriptor; -ETIMEDOUT; -EINTR. */
int neap__socket_accept(int socket, int64_t deadline);

/* Send a descriptor with a text. */
int neap__socket_send(int socket, int fd, const char *text);

/* @return a descriptor and its text, cut to fit; -ENOMSG what came had none;
 * -EPIPE the other side is gone; -ETIMEDOUT; -EINTR. */
int neap__socket_receive(int socket, int64_t deadline, char *ret_text,
                         size_t size);

/* Seals of memfd: F_SEAL_*. */
int neap__seals_add(int fd, int seals);
int neap__seals_get(int fd);

/* Was it opened for reading alone? */
bool neap__file_is_read_only(int fd);

#endif
