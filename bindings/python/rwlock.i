/* Locks for many readers or one writer. */
%{
typedef struct RWLock {
    neap_rwlock *core;
    Attachment *heap;
    int waiting;
    char *was;
    bool abandoned; /* what the last acquisition found */
} RWLock;

/* What `with lock.read():` holds on to. */
typedef struct Guard {
    PyObject *lock; /* an RWLock */
    PyObject *timeout;
    wait_function take;
} Guard;

DEFINE_HANDLE(RWLock, rwlock, neap_rwlock_close)


static int take_to_read(void *core, int64_t deadline)
{
    return neap_rwlock_read(core, deadline);
}


static int take_to_write(void *core, int64_t deadline)
{
    return neap_rwlock_write(core, deadline);
}


static Truth rwlock_take(RWLock *self, wait_function take, int64_t deadline)
{
    self->waiting++;
    int status = wait_or_try(take, self->core, deadline);
    self->waiting--;
    if (status >= 0) {
        self->abandoned = status == NEAP_ABANDONED;
        return 1;
    }
    return timed_out(status) ? 0 : status;
}


static Truth rwlock_acquire(RWLock *self, wait_function take,
                            PyObject *blocking, PyObject *timeout)
{
    int64_t deadline;
    if (!as_acquire_deadline(blocking, timeout, &deadline))
        return -EINVAL;
    return rwlock_take(self, take, deadline);
}


static bool RWLock_abandoned_get(RWLock *self)
{
    return self->abandoned;
}


static PyObject *RWLock_dead_owner_get(RWLock *self)
{
    int32_t pid = 0;
    int status = neap_rwlock_abandoned(self->core, &pid);
    return pid_or_none(status, pid);
}


static const char *rwlock_manner(RWLock *self)
{
    static const char *const manners[] = {NULL, "read", "write"};
    return manners[neap_rwlock_mine(self->core)];
}


static PyObject *RWLock_mine_get(RWLock *self)
{
    return Py_BuildValue("z", rwlock_manner(self));
}


static PyObject *rwlock_repr(RWLock *self)
{
    if (!self || !self->core)
        return PyUnicode_FromString("<neap.RWLock, closed>");
    const char *manner = rwlock_manner(self);
    return PyUnicode_FromFormat("<neap.RWLock '%s'%s%s>",
                                neap_rwlock_name(self->core),
                                manner ? ", this thread's to " : "",
                                manner ? manner : "");
}


/* -- guards ------------------------------------------------------------- */

static Guard *new_guard(PyObject *lock, wait_function take, PyObject *timeout)
{
    int64_t deadline;
    if (!as_deadline(timeout, &deadline))
        return NULL;
    Guard *self = calloc(1, sizeof *self);
    if (!self)
        return (void *)PyErr_NoMemory();
    self->lock = another(lock);
    self->timeout = another(timeout ? timeout : Py_None);
    self->take = take;
    return self;
}


/* Its lock, or NULL and an exception. */
static RWLock *guarded(Guard *self)
{
    RWLock *lock = HANDLE(RWLock, self->lock);
    return lock->core ? lock : (void *)raise_was_closed("rwlock", lock->was);
}


static PyObject *guard_enter(Guard *self)
{
    int64_t deadline;
    RWLock *lock = guarded(self);
    if (!lock || !as_deadline(self->timeout, &deadline))
        return NULL;
    Truth locked = rwlock_take(lock, self->take, deadline);
    if (locked <= 0)
        return raise_status(locked < 0 ? locked : -ETIMEDOUT);
    return another(self->lock);
}


static Status guard_leave(Guard *self)
{
    RWLock *lock = guarded(self);
    return lock ? owned(neap_rwlock_unlock(lock->core)) : NEAP_ECLOSED;
}


static PyObject *guard_repr(Guard *self)
{
    if (!self || !self->lock)
        return PyUnicode_FromString("<neap.Guard, empty>");
    return PyUnicode_FromFormat("<neap.Guard of %R, to %s>", self->lock,
                                self->take == take_to_read ? "read" : "write");
}
%}

NEAP_HANDLE(Guard)
%feature("docstring") Guard
    "What rwlock.read() and rwlock.write() give: a context manager.\n\n"
    "It may be used again and again, and by several threads.";

typedef struct Guard {
%extend {
  ~Guard()
  {
      Py_XDECREF($self->lock);
      Py_XDECREF($self->timeout);
      free($self);
  }

  PyObject *__repr__() { return guard_repr($self); }

  %feature("docstring") __enter__
      "Lock it, and give the RWLock. Timeout when that was not in time.";
  PyObject *__enter__() { return guard_enter($self); }

  %feature("docstring") __exit__ "Give back what this thread holds.";
  Status __exit__(PyObject *type, PyObject *value, PyObject *traceback)
  {
      (void)type, (void)value, (void)traceback;
      return guard_leave($self);
  }
}
} Guard;

NEAP_HANDLE(RWLock)
%feature("kwargs") RWLock::acquire_read;
%feature("kwargs") RWLock::acquire_write;
%feature("kwargs") RWLock::read;
%feature("kwargs") RWLock::write;
%feature("docstring") RWLock
    "A lock between processes for many readers or one writer.\n\n"
    "Made by heap.rwlock(name). `with lock.read():` and `with\n"
    "lock.write():` lock and unlock. Holders are threads. Writers go\n"
    "before readers that come later, readers that had to wait before the\n"
    "next writer. The lock of a holder that dies is free again, and if it\n"
    "wrote, the next to write finds `abandoned` true. A thread that holds\n"
    "it cannot lock it again, neither way: that is OSError EDEADLK; unlock\n"
    "it first. One that was dropped is OSError EIDRM. Pickles as its\n"
    "address.";

typedef struct RWLock {
%extend {
  ~RWLock() { rwlock_free($self); }

  NEAP_HANDLE_METHODS(RWLock, rwlock, rwlock_close)

  %feature("docstring") acquire_read
      "acquire_read($self, blocking=True, timeout=None)\n--\n\n"
      "Lock it for reading; True when locked, False when not in time.\n\n"
      "timeout in seconds, None (or -1) for ever. OSError: EDEADLK this\n"
      "thread holds it already, EIDRM it was dropped, EAGAIN this thread\n"
      "holds too many.";
  Truth acquire_read(PyObject *blocking = NULL, PyObject *timeout = NULL)
  {
      return rwlock_acquire($self, take_to_read, blocking, timeout);
  }

  %feature("docstring") acquire_write
      "acquire_write($self, blocking=True, timeout=None)\n--\n\n"
      "Lock it for writing; True when locked, False when not in time.\n\n"
      "timeout in seconds, None (or -1) for ever. Look at `abandoned`\n"
      "after. OSError: EDEADLK this thread holds it already (for reading,\n"
      "too), EIDRM it was dropped, EAGAIN this thread holds too many.";
  Truth acquire_write(PyObject *blocking = NULL, PyObject *timeout = NULL)
  {
      return rwlock_acquire($self, take_to_write, blocking, timeout);
  }

  %feature("docstring") release "release($self)\n--\n\n"
      "Give back what this thread holds. NotOwner when it holds\n"
      "nothing.";
  Status release() { return owned(neap_rwlock_unlock($self->core)); }

  %feature("docstring") repaired "repaired($self)\n--\n\n"
      "Say that what it protects is whole again, though a writer died inside.\n"
      "NotOwner when this thread does not hold it for writing.";
  Status repaired() { return owned(neap_rwlock_repaired($self->core)); }

  %feature("docstring") read "read($self, timeout=None)\n--\n\n"
      "A context manager that holds it for reading.\n\n"
      "timeout in seconds, None (or -1) for ever; entering raises Timeout.";
  Guard *read(PyObject *SELF, PyObject *timeout = NULL)
  {
      (void)$self;
      return new_guard(SELF, take_to_read, timeout);
  }

  %feature("docstring") write "write($self, timeout=None)\n--\n\n"
      "A context manager that holds it for writing.\n\n"
      "timeout in seconds, None (or -1) for ever; entering raises Timeout.";
  Guard *write(PyObject *SELF, PyObject *timeout = NULL)
  {
      (void)$self;
      return new_guard(SELF, take_to_write, timeout);
  }

  %immutable;
  %feature("docstring") name "Its name in the heap.";
  const char *name;
  %feature("docstring") abandoned
      "True if the last acquisition through this handle was for writing and\n"
      "found that a writer had died. For the owner to read.";
  bool abandoned;
  %feature("docstring") dead_owner
      "The pid of a writer that died inside, if nobody has called repaired()\n"
      "since; else None.";
  PyObject *dead_owner;
  %feature("docstring") mine
      "\"read\" or \"write\" if this thread holds it so, else None.";
  PyObject *mine;
  %mutable;
}
} RWLock;
