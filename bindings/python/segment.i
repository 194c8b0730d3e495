/* Segments: memory that the kernel lends. neap/_segment.py has the manners. */
%{
/* Who took the signals since the guard was turned on, as faulthandler.enable()
 * does, comes after it again from the next mapping on. */
static void keep_guard(void)
{
    if (neap_guard_is_on() && neap_guard(true) < 0)
        return; /* it stays as it is */
}


typedef struct Segment {
    neap_segment *core;
    bool read_only;
} Segment;

enum segment_how {
    SEGMENT_CREATE, SEGMENT_OPEN, SEGMENT_OPEN_OR_CREATE,
    SEGMENT_TAKE,   /* `size` nanoseconds long at most, -1 for ever */
    SEGMENT_RECEIVE, /* `size` is the socket */
    SEGMENT_ADOPT    /* `size` is the descriptor */
};

struct passing {
    const char *path;
    int socket;
    neap_segment *core;
};


static int take_segment(void *argument, int64_t deadline)
{
    struct passing *p = argument;
    return p->path ? neap_segment_take(p->path, deadline, &p->core)
                   : neap_segment_receive(p->socket, deadline, &p->core);
}


static int give_segment(void *argument, int64_t deadline)
{
    struct passing *p = argument;
    return neap_segment_give(p->core, p->path, deadline);
}


static int receive_segment(struct passing p, uint64_t timeout,
                           neap_segment **ret_core)
{
    int status = wait_without_gil(take_segment, &p, (int64_t)timeout < 0
        ? NEAP_FOREVER : neap_deadline_after((int64_t)timeout));
    if (status >= 0)
        *ret_core = p.core;
    return status;
}


/* With flags of enum neap_segment_flags, of that many bytes a huge page. */
struct huge {
    uint32_t flags;
    uint64_t page;
};


static int create_segment(const char *address, uint64_t size, uint32_t mode,
                          struct huge huge, neap_segment **ret_core)
{
    neap_segment_options options = {.size = sizeof options, .mode = mode,
                                    .flags = huge.flags,
                                    .huge_page = huge.page};
    return neap_segment_create_with(address, size, &options, ret_core);
}


static int open_segment(const char *address, int how, uint64_t size,
                        uint32_t mode, bool read_only, struct huge huge,
                        neap_segment **ret_core)
{
    switch (how) {
    case SEGMENT_CREATE:
        return create_segment(address, size, mode, huge, ret_core);
    case SEGMENT_OPEN:
        return neap_segment_open(address, read_only, ret_core);
    case SEGMENT_TAKE:
        return receive_segment((struct passing){.path = address}, size,
                               ret_core);
    case SEGMENT_RECEIVE:
        return receive_segment((struct passing){.socket = (int)size},
                               UINT64_MAX, ret_core);
    case SEGMENT_ADOPT:
        return neap_segment_adopt((int)size, ret_core);
    default:
        return neap_segment_open_or_create(address, size, mode, ret_core);
    }
}


/* In the order of neap._info.SegmentStat. */
static PyObject *stat_tuple(const neap_segment_stat *s)
{
    return Py_BuildValue("(sKKIIILiLLLiiNK)", neap_kind_name(s->kind),
                         (unsigned long long)s->size,
                         (unsigned long long)s->allocated,
                         s->mode, s->uid, s->gid, (long long)s->attached,
                         s->creator_pid, (long long)s->accessed,
                         (long long)s->modified, (long long)s->changed,
                         s->last_pid, s->id, PyBool_FromLong(s->removed),
                         (unsigned long long)s->page);
}


static PyObject *list_segments(void)
{
    neap_segment_list *list;
    neap_segment_info info;
    int status = neap_segment_list_open(&list);
    if (status < 0)
        return raise_status(status);
    PyObject *result = PyList_New(0);
    while (result && (status = neap_segment_list_next(list, &info)) > 0) {
        PyObject *item = Py_BuildValue("(NNN)",
            PyUnicode_DecodeFSDefault(info.address),
            PyBool_FromLong(info.is_heap), stat_tuple(&info.stat));
        if (!item || PyList_Append(result, item) < 0)
            Py_CLEAR(result);
        Py_XDECREF(item);
    }
    neap_segment_list_close(list);
    if (result && status < 0) {
        Py_DECREF(result);
        return raise_status(status);
    }
    return result;
}


static PyObject *ftok_of(const char *path, int number)
{
    int32_t key;
    int status = neap_ftok(path, number, &key);
    return status < 0 ? raise_status(status) : PyLong_FromLong(key);
}


static Status unlink_address(const char *address)
{
    return neap_unlink(address);
}
%}

%constant int SEGMENT_CREATE = SEGMENT_CREATE;
%constant int SEGMENT_OPEN = SEGMENT_OPEN;
%constant int SEGMENT_OPEN_OR_CREATE = SEGMENT_OPEN_OR_CREATE;
%constant int SEGMENT_TAKE = SEGMENT_TAKE;
%constant int SEGMENT_RECEIVE = SEGMENT_RECEIVE;
%constant int SEGMENT_ADOPT = SEGMENT_ADOPT;

%feature("docstring") list_segments
    "The posix and sysv segments of this machine, as tuples.";
PyObject *list_segments(void);

%feature("docstring") unlink_address
    "Take away the name of a segment or heap.";
Status unlink_address(const char *address);

%feature("docstring") ftok_of "The System V key of a file and a number.";
PyObject *ftok_of(const char *path, int number);

NEAP_HANDLE(Segment)
%feature("docstring") Segment "Memory that the kernel lends.";

typedef struct Segment {
%extend {
  Segment(const char *address, int how, uint64_t size, uint32_t mode,
          bool read_only, uint32_t huge = 0, uint64_t huge_page = 0)
  {
      neap_segment *core;
      int status = open_segment(address, how, size, mode, read_only,
                                (struct huge){huge, huge_page}, &core);
      Segment *self = status < 0 ? NULL : calloc(1, sizeof *self);
      if (!self)
          return (void *)raise_status(status < 0 ? status : -ENOMEM);
      self->core = core;
      self->read_only = how == SEGMENT_OPEN && read_only;
      return self;
  }

  ~Segment()
  {
      neap_segment_close($self->core);
      free($self);
  }

  %feature("docstring") close "close($self)\n--\n\n"
      "Drop the handle. The segment stays, and so do mappings of it.";
  void close()
  {
      neap_segment_close($self->core);
      $self->core = NULL;
  }

  %feature("docstring") _is_open "True until it is closed.";
  bool _is_open() { return $self->core != NULL; }

  NEAP_OPEN_ONLY(Segment, "segment")

  %feature("docstring") _size "Bytes now.";
  PyObject *_size()
  {
      uint64_t size;
      int status = neap_segment_size($self->core, &size);
      return status < 0 ? raise_status(status)
                        : PyLong_FromUnsignedLongLong(size);
  }

  %feature("docstring") _stat "What the kernel says of it, as a tuple.";
  PyObject *_stat()
  {
      neap_segment_stat stat;
      int status = neap_segment_status($self->core, &stat);
      return status < 0 ? raise_status(status) : stat_tuple(&stat);
  }

  %feature("docstring") resize "resize($self, size)\n--\n\n"
      "Give a posix, file or memfd segment another size in bytes.\n\n"
      "New bytes are zero and set aside at once. OSError: ENOSPC when the\n"
      "memory is not there, ENOTSUP for sysv and anonymous segments.";
  Status resize(uint64_t size)
  {
      return neap_segment_resize($self->core, size);
  }

  Status _punch(uint64_t offset, uint64_t length)
  {
      return neap_segment_punch($self->core, offset, length);
  }
  Status _seal(int seals)
  {
      return neap_segment_seal($self->core, seals);
  }
  PyObject *_seals()
  {
      int seals;
      int status = neap_segment_seals($self->core, &seals);
      return status < 0 ? raise_status(status) : PyLong_FromLong(seals);
  }
  Status _send(int socket)
  {
      return neap_segment_send($self->core, socket);
  }
  Truth _give(const char *path, PyObject *timeout)
  {
      int64_t deadline;
      struct passing p = {.path = path, .core = $self->core};
      if (!as_wait_deadline(timeout, &deadline))
          return -EINVAL;
      int status = wait_without_gil(give_segment, &p, deadline);
      return status >= 0 ? 1 : timed_out(status) ? 0 : status;
  }
  Status _set_mode(uint32_t mode)
  {
      return neap_segment_set_mode($self->core, mode);
  }
  Status _set_owner(uint32_t uid, uint32_t gid)
  {
      return neap_segment_set_owner($self->core, uid, gid);
  }

  %feature("docstring") unlink "unlink($self)\n--\n\n"
      "Take away its name; the memory goes with its last mapping.\n\n"
      "FileNotFoundError when it is gone already.";
  Status unlink() { return neap_segment_unlink($self->core); }

  const char *_address() { return neap_segment_address($self->core); }
  const char *_kind()
  {
      return neap_kind_name(neap_segment_kind($self->core));
  }
  bool _read_only() { return $self->read_only; }

  %feature("docstring") fileno "fileno($self)\n--\n\n"
      "The descriptor behind it, which stays the segment's; -1 for kinds\n"
      "without one (sysv, anonymous).";
  PyObject *fileno()
  {
      return PyLong_FromLong(neap_segment_descriptor($self->core));
  }
}
} Segment;
