/*
 * Heaps. neap/_heap.py has the manners.
 *
 * An Attachment is one opening of a heap by this process, counted by the Heap
 * and by every handle to one of its objects; all live in one list, so that a
 * handle that is unpickled finds its heap again instead of mapping it twice.
 * The GIL guards the list.
 */
%{
struct Attachment {
    neap_heap *core;
    Attachment *next;
    unsigned uses;
    bool read_only;
    char uuid[37];
};

typedef struct Heap {
    Attachment *core;
} Heap;

static Attachment *attachments;


static Attachment *attachment_retain(Attachment *attachment)
{
    attachment->uses++;
    return attachment;
}


static void attachment_release(Attachment *attachment)
{
    if (!attachment || --attachment->uses > 0)
        return;
    Attachment **link = &attachments;
    while (*link != attachment)
        link = &(*link)->next;
    *link = attachment->next;
    neap_heap_close(attachment->core);
    free(attachment);
}


/* What a pickled handle needs to find its heap: address, identity, manner. */
static PyObject *attachment_place(Attachment *attachment)
{
    return Py_BuildValue("(NsN)",
        PyUnicode_DecodeFSDefault(neap_heap_address(attachment->core)),
        attachment->uuid, PyBool_FromLong(attachment->read_only));
}


static Attachment *attachment_find(const char *uuid, bool read_only)
{
    Attachment *found = attachments;
    while (found && (found->read_only != read_only
                     || strcmp(found->uuid, uuid) != 0))
        found = found->next;
    return found;
}


/* What the memory of a heap comes from, if not from its address. */
struct source {
    const char *image; /* of a checkpoint, or NULL */
    Segment *segment;  /* or NULL */
};


static int open_heap_of(const char *address, const neap_heap_options *options,
                        struct source from, neap_heap **ret_core)
{
    int status;
    keep_guard();
    if (from.segment && !from.segment->core)
        return NEAP_ECLOSED;
    if (from.segment)
        return neap_heap_open_segment(from.segment->core, options->flags,
                                      ret_core);
    if (!from.image)
        return neap_heap_open(address, options, ret_core);
    Py_BEGIN_ALLOW_THREADS
    status = neap_restore(from.image, address, options, ret_core);
    Py_END_ALLOW_THREADS
    return status;
}


static int attach(const char *address, const neap_heap_options *options,
                  struct source from, Attachment **ret_attachment)
{
    neap_heap_info info;
    Attachment *fresh = calloc(1, sizeof *fresh);
    if (!fresh)
        return -ENOMEM;
    int status = open_heap_of(address, options, from, &fresh->core);
    int told = status < 0 ? status : neap_heap_status(fresh->core, &info);
    if (told < 0) {
        neap_heap_close(fresh->core);
        free(fresh);
        return told;
    }
    memcpy(fresh->uuid, info.uuid, sizeof fresh->uuid);
    fresh->read_only = info.read_only;
    fresh->uses = 1;
    fresh->next = attachments;
    attachments = fresh;
    *ret_attachment = fresh;
    return status;
}


/* The heap that a pickled handle meant, and no other of that address. */
static int attach_again(const char *address, const char *uuid,
                        const neap_heap_options *options,
                        Attachment **ret_attachment)
{
    bool read_only = options->flags & NEAP_OPEN_READ_ONLY;
    Attachment *found = attachment_find(uuid, read_only);
    if (found) {
        *ret_attachment = attachment_retain(found);
        return 0;
    }
    int status = attach(address, options, (struct source){0}, &found);
    if (status < 0)
        return status;
    if (strcmp(found->uuid, uuid) != 0) {
        attachment_release(found);
        PyErr_Format(PyExc_FileNotFoundError, "heap %s is another one than "
            "when this handle was pickled: the old one was removed, and a new "
            "one made under its name", address);
        return -ENOENT;
    }
    *ret_attachment = found;
    return 0;
}


/* In the order of neap._info.CheckpointReport. */
static PyObject *heap_checkpoint(neap_heap *core, const char *path,
                                 uint32_t mode, bool nobody_writes,
                                 int compress)
{
    neap_checkpoint_options options = {.mode = mode,
                                       .nobody_writes = nobody_writes,
                                       .compress = compress < 0
                                                       ? NEAP_COMPRESS
                                                       : compress};
    neap_checkpoint_report r;
    int status;
    do {
        Py_BEGIN_ALLOW_THREADS
        status = neap_heap_checkpoint(core, path, &options, &r);
        Py_END_ALLOW_THREADS
    } while (status == -EINTR && PyErr_CheckSignals() == 0);
    if (status < 0)
        return raise_status(status);
    return Py_BuildValue("(KKKIdd)", (unsigned long long)r.size,
        (unsigned long long)r.stored, (unsigned long long)r.changed, r.stopped,
        (double)r.pause / 1e9, (double)r.took / 1e9);
}


/* In the order of neap._info.CheckpointInfo. */
static PyObject *checkpoint_look(const char *path)
{
    neap_checkpoint_info i;
    int status;
    Py_BEGIN_ALLOW_THREADS
    status = neap_checkpoint_look(path, &i);
    Py_END_ALLOW_THREADS
    if (status < 0)
        return raise_status(status);
    return Py_BuildValue("(sKKLssN)", neap_kind_name(i.kind),
        (unsigned long long)i.size, (unsigned long long)i.stored,
        (long long)i.taken, i.uuid, i.host,
        PyUnicode_DecodeFSDefault(i.address));
}


/* In the order of neap._info.HeapInfo. */
static PyObject *heap_info(neap_heap *core)
{
    neap_heap_info i;
    int status = neap_heap_status(core, &i);
    if (status < 0)
        return raise_status(status);
    return Py_BuildValue("(NsIIIIKKKKIIIKNNsL)",
        PyUnicode_DecodeFSDefault(neap_heap_address(core)),
        neap_kind_name(i.kind), i.mode, i.uid, i.gid, i.layout,
        (unsigned long long)i.size, (unsigned long long)i.used,
        (unsigned long long)i.reserved, (unsigned long long)i.objects,
        i.slots, i.attached, i.dead, (unsigned long long)i.deaths,
        PyBool_FromLong(i.read_only), PyBool_FromLong(i.ephemeral), i.uuid,
        (long long)i.created);
}


static const char *variant_name(const neap_object_info *i)
{
    if (i->kind == NEAP_OBJECT_COUNTER)
        return counter_kind_name((neap_counter_kind)i->variant);
    if (i->kind == NEAP_OBJECT_SEMAPHORE)
        return i->variant == NEAP_SEMAPHORE_UNDO ? "undo" : "classic";
    if (i->kind == NEAP_OBJECT_MUTEX)
        return i->variant == NEAP_MUTEX_RECURSIVE ? "recursive" : "plain";
    return NULL;
}


static PyObject *object_value(const neap_object_info *i)
{
    switch (i->kind) {
    case NEAP_OBJECT_COUNTER:
        return i->variant == NEAP_COUNTER_DOUBLE
            ? PyFloat_FromDouble(i->real) : PyLong_FromLongLong(i->value);
    case NEAP_OBJECT_SEMAPHORE:
    case NEAP_OBJECT_LATCH:
    case NEAP_OBJECT_BARRIER:
        return PyLong_FromLongLong(i->value);
    case NEAP_OBJECT_EVENT:
    case NEAP_OBJECT_ONCE:
        return PyBool_FromLong(i->value != 0);
    default:
        Py_RETURN_NONE;
    }
}


/* In the order of neap._info.ObjectInfo. */
static PyObject *object_info(const neap_object_info *i)
{
    bool array = i->kind == NEAP_OBJECT_ARRAY;
    PyObject *shape = array ? shape_tuple(i->dimensions, i->shape)
                            : Py_BuildValue("");
    return Py_BuildValue("(sszIiNKNiK)", i->name,
        neap_object_kind_name(i->kind), variant_name(i), (unsigned)i->kind,
        array ? (int)i->type : 0, shape, (unsigned long long)i->bytes,
        object_value(i), (int)i->holder, (unsigned long long)i->id);
}


static PyObject *list_objects(neap_heap *core)
{
    uint64_t cursor = 0;
    neap_object_info info;
    int status = 0;
    PyObject *list = PyList_New(0);
    while (list && (status = neap_heap_next(core, &cursor, &info)) > 0) {
        PyObject *item = object_info(&info);
        if (!item || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    if (list && status < 0) {
        Py_DECREF(list);
        return raise_status(status);
    }
    return list;
}


/* In the order of neap._info.SlotInfo. */
static PyObject *list_slots(neap_heap *core)
{
    uint64_t cursor = 0;
    neap_slot_info s;
    int status = 0;
    PyObject *list = PyList_New(0);
    while (list && (status = neap_heap_next_slot(core, &cursor, &s)) > 0) {
        PyObject *item = Py_BuildValue("(IINiiII)", s.index, s.incarnation,
            PyBool_FromLong(s.dead), s.pid, s.tid, s.held, s.permits);
        if (!item || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    if (list && status < 0) {
        Py_DECREF(list);
        return raise_status(status);
    }
    return list;
}


/* In the order of neap._info.CheckReport. */
static PyObject *check_report(neap_heap *core)
{
    neap_check_report r;
    int status;
    Py_BEGIN_ALLOW_THREADS /* it walks everything, holding the heap's lock */
    status = neap_heap_check(core, &r);
    Py_END_ALLOW_THREADS
    if (status < 0)
        return raise_status(status);
    return Py_BuildValue("(KKKKKKKKKN)", (unsigned long long)r.problems,
        (unsigned long long)r.leaks, (unsigned long long)r.doubles,
        (unsigned long long)r.torn, (unsigned long long)r.blocks,
        (unsigned long long)r.free_blocks, (unsigned long long)r.used_bytes,
        (unsigned long long)r.free_bytes, (unsigned long long)r.objects,
        PyUnicode_DecodeUTF8(r.text, (Py_ssize_t)strlen(r.text), "replace"));
}


static int sync_heap(void *core, int64_t deadline)
{
    (void)deadline;
    return neap_heap_sync(core);
}
%}

%constant int OPEN_EXISTING = NEAP_OPEN_EXISTING;
%constant int OPEN_NEW = NEAP_OPEN_NEW;
%constant int OPEN_READ_ONLY = NEAP_OPEN_READ_ONLY;
%constant int OPEN_EPHEMERAL = NEAP_OPEN_EPHEMERAL;
%constant int OPEN_DEADLOCK_ERROR = NEAP_OPEN_DEADLOCK_ERROR;

/* For what is opened by its name alone. */
%define NEAP_OPENER(Type, noun, open)
  Type *_##noun(const char *name)
  {
      neap_##noun *core;
      int status = open($self->core->core, name, &core);
      return status < 0 ? (void *)raise_status(status)
                        : new_##noun(core, $self->core);
  }
%enddef

NEAP_HANDLE(Heap)
%feature("docstring") Heap "A formatted segment that holds named objects.";

%typemap(in, noblock=1) const char *uuid, const char *image {
  $1 = $input == Py_None ? NULL : (char *)as_text($input, "$1_name");
  if (!$1 && PyErr_Occurred())
    SWIG_fail;
}

typedef struct Heap {
%extend {
  Heap(const char *address, uint32_t flags, uint32_t mode, uint32_t slots,
       uint64_t reserve, uint64_t size, const char *uuid, const char *image,
       Segment *segment)
  {
      Attachment *attachment;
      neap_heap_options options = {flags, mode, slots, reserve, size};
      int status = uuid ? attach_again(address, uuid, &options, &attachment)
                        : attach(address, &options,
                                 (struct source){image, segment}, &attachment);
      Heap *self = status < 0 ? NULL : calloc(1, sizeof *self);
      if (!self)
          return (void *)raise_status(status < 0 ? status : -ENOMEM);
      self->core = attachment;
      return self;
  }

  ~Heap()
  {
      attachment_release($self->core);
      free($self);
  }

  %feature("docstring") close "close($self)\n--\n\n"
      "Drop the handle. Objects opened from it and arrays stay usable; the\n"
      "memory is unmapped after the last of them. Twice is fine.";
  void close()
  {
      attachment_release($self->core);
      $self->core = NULL;
  }

  bool _is_open() { return $self->core != NULL; }

  NEAP_OPEN_ONLY(Heap, "heap")

  PyObject *_locks() { return heap_locks($self->core->core); }

  PyObject *_processes() { return heap_processes($self->core->core); }

  PyObject *_parts() { return heap_parts($self->core->core); }

  PyObject *_statistics(const char *name)
  {
      return lock_statistics($self->core->core, name);
  }

  /* NULL: all of them. */
  PyObject *_measure(PyObject *name, bool on)
  {
      const char *text = name == Py_None ? NULL : PyUnicode_AsUTF8(name);
      if (name != Py_None && !text)
          return NULL;
      int status = neap_heap_measure($self->core->core, text, on);
      return status < 0 ? raise_status(status) : PyLong_FromLong(status);
  }

  /* A descriptor, which is the caller's. */
  PyObject *_snapshot(bool nobody_writes)
  {
      return heap_snapshot($self->core->core, nobody_writes);
  }

  PyObject *_segment() { return heap_segment($self->core->core); }

  PyObject *_serve(const char *path, uint32_t mode, uint64_t count,
                   PyObject *fresh, PyObject *timeout)
  {
      return heap_serve($self->core->core, path, mode, count, fresh, timeout);
  }

  PyObject *_checkpoint(const char *path, uint32_t mode, bool nobody_writes,
                        int compress)
  {
      return heap_checkpoint($self->core->core, path, mode, nobody_writes,
                             compress);
  }

  PyObject *_place() { return attachment_place($self->core); }
  PyObject *_info() { return heap_info($self->core->core); }
  PyObject *_list() { return list_objects($self->core->core); }
  PyObject *_slots() { return list_slots($self->core->core); }
  PyObject *_check() { return check_report($self->core->core); }

  PyObject *_find(const char *name)
  {
      neap_object_info info;
      int status = neap_heap_find($self->core->core, name, &info);
      return status < 0 ? raise_status(status) : object_info(&info);
  }

  Truth _has(const char *name)
  {
      neap_object_info info;
      int status = neap_heap_find($self->core->core, name, &info);
      return status == -ENOENT ? 0 : status < 0 ? status : 1;
  }

  Counter *_counter(const char *name, neap_counter_kind kind)
  {
      neap_counter *core;
      int status = neap_counter_open_as($self->core->core, name, kind, &core);
      return status < 0 ? (void *)raise_status(status)
                        : new_counter(core, $self->core);
  }

  Mutex *_mutex(const char *name, neap_mutex_kind kind)
  {
      neap_mutex *core;
      int status = neap_mutex_open_kind($self->core->core, name, kind, &core);
      return status < 0 ? (void *)raise_status(status)
                        : new_mutex(core, $self->core);
  }

  NEAP_OPENER(Event, event, neap_event_open)
  NEAP_OPENER(RWLock, rwlock, neap_rwlock_open)
  NEAP_OPENER(Once, once, neap_once_open)

  Condition *_condition(const char *name, PyObject *mutex)
  {
      return open_condition($self->core->core, $self->core, name, mutex);
  }

  Latch *_latch(const char *name, PyObject *count)
  {
      neap_latch *core;
      int64_t many = 0;
      if (!as_bounded(count, "count", 1, INT32_MAX, &many))
          return NULL;
      int status = neap_latch_open($self->core->core, name, many, &core);
      return status < 0 ? (void *)raise_status(status)
                        : new_latch(core, $self->core);
  }

  /* None: it must be there, or is a counted one. */
  Barrier *_barrier(const char *name, PyObject *parties, int kind,
                    PyObject *action, PyObject *timeout)
  {
      neap_barrier *core;
      int64_t many = 0;
      if (parties != Py_None
          && !as_bounded(parties, "parties", 1, BARRIER_PARTIES_MAX, &many))
          return NULL;
      int status = neap_barrier_open_kind($self->core->core, name, many,
                                          (neap_barrier_kind)kind, &core);
      Barrier *barrier = status < 0 ? (void *)raise_status(status)
                                    : new_barrier(core, $self->core);
      if (!barrier || set_manners(barrier, action, timeout))
          return barrier;
      forget_manners(barrier);
      barrier_free(barrier);
      return NULL;
  }

  Semaphore *_semaphore(const char *name, int64_t initial, int64_t bound,
                        neap_semaphore_kind kind)
  {
      neap_semaphore *core;
      int status = neap_semaphore_open_bounded($self->core->core, name, initial,
                                               bound, kind, &core);
      return status < 0 ? (void *)raise_status(status)
                        : new_semaphore(core, $self->core);
  }

  Array *_array(const char *name, neap_type type, Shape shape)
  {
      neap_array *core;
      int status;
      neap_heap *heap = $self->core->core;
      Py_BEGIN_ALLOW_THREADS /* gigabytes take the kernel a while */
      status = neap_array_open(heap, name, type, shape.dimensions,
                               shape.length, &core);
      Py_END_ALLOW_THREADS
      return status < 0 ? (void *)raise_status(status)
                        : new_array(core, $self->core);
  }

  %feature("docstring") drop "drop($self, name)\n--\n\n"
      "Take an object away, its memory included.\n\n"
      "Who waits on it or uses a handle to it gets OSError EIDRM; arrays that\n"
      "are open stay readable until the name is made again.\n"
      "FileNotFoundError when there is none of that name.";
  Status drop(const char *name)
  {
      return neap_heap_drop($self->core->core, name);
  }

  %feature("docstring") unlink "unlink($self)\n--\n\n"
      "Take away the heap's name; attached processes go on.\n\n"
      "FileNotFoundError when it is gone already; OSError ENOTSUP for an\n"
      "anonymous heap, which has none.";
  Status unlink() { return neap_heap_unlink($self->core->core); }

  %feature("docstring") reap "reap($self)\n--\n\n"
      "Finish or undo what dead processes were doing and give back what they\n"
      "held; return how many slots that were. Waits do this by themselves.";
  PyObject *reap()
  {
      int status = neap_heap_reap($self->core->core);
      return status < 0 ? raise_status(status) : PyLong_FromLong(status);
  }

  %feature("docstring") sync "sync($self)\n--\n\n"
      "Write a file heap to disk, for what a crash model without power loss\n"
      "leaves out: power loss.";
  Status sync()
  {
      return wait_without_gil(sync_heap, $self->core->core, NEAP_FOREVER);
  }
}
} Heap;

%rename(_checkpoint_look) checkpoint_look;
PyObject *checkpoint_look(const char *path);
