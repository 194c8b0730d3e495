/* Mutexes that outlive their owner. A free one is locked with the GIL held. */
%{
typedef struct Mutex {
    neap_mutex *core;
    Attachment *heap;
    int waiting;    /* threads in lock(): close() must let them be */
    char *was;
    bool abandoned; /* what the last acquisition found; the owner reads it */
} Mutex;


DEFINE_HANDLE(Mutex, mutex, neap_mutex_close)


static int lock(void *core, int64_t deadline)
{
    return neap_mutex_lock(core, deadline);
}


/* @return 1 locked; 0 not in time; a status. */
static Truth mutex_lock(Mutex *self, int64_t deadline)
{
    self->waiting++;
    int status = wait_or_try(lock, self->core, deadline);
    self->waiting--;
    if (status >= 0) {
        self->abandoned = status == NEAP_ABANDONED;
        return 1;
    }
    bool try = deadline == NEAP_NOW && status == -EDEADLK;
    return timed_out(status) || try ? 0 : status;
}


static PyObject *mutex_holder(Mutex *self)
{
    int32_t pid = 0;
    int status = neap_mutex_holder(self->core, &pid);
    return status < 0 ? raise_status(status) : PyLong_FromLong(pid);
}


static PyObject *mutex_repr(Mutex *self)
{
    int32_t pid = 0;
    if (!self || !self->core)
        return PyUnicode_FromString("<neap.Mutex, closed>");
    const char *name = neap_mutex_name(self->core);
    if (neap_mutex_holder(self->core, &pid) < 0)
        return PyUnicode_FromFormat("<neap.Mutex '%s', dropped>", name);
    if (pid == 0)
        return PyUnicode_FromFormat("<neap.Mutex '%s', free>", name);
    return PyUnicode_FromFormat("<neap.Mutex '%s', locked by %d>", name,
                                (int)pid);
}
%}

NEAP_HANDLE(Mutex)
%feature("docstring") Mutex
    "A lock between processes that outlives its owner.\n\n"
    "Made by heap.mutex(name). The owner is a thread; `with mutex:` locks and\n"
    "unlocks. When an owner dies inside its critical section, the next one to\n"
    "lock gets the mutex and finds `abandoned` true: what the section\n"
    "protects may be half-changed. So does everybody after it, until one calls\n"
    "repaired(). Locking it twice from one thread is OSError EDEADLK, unless\n"
    "it is recursive: then it is to be unlocked as often. One that was dropped\n"
    "is OSError EIDRM. Pickles as its address.";

typedef struct Mutex {
%extend {
  ~Mutex() { mutex_free($self); }

  NEAP_HANDLE_METHODS(Mutex, mutex, mutex_close)

  /* acquire(), lock() and __exit__() are in hot.i. */

  %feature("docstring") release "release($self)\n--\n\n"
      "Unlock it. NotOwner (a PermissionError and a RuntimeError) when this\n"
      "thread does not have it.";
  Status release() { return owned(neap_mutex_unlock($self->core)); }

  %feature("docstring") unlock "unlock($self)\n--\n\n"
      "Unlock it. NotOwner when this thread does not have it.";
  Status unlock() { return owned(neap_mutex_unlock($self->core)); }

  %feature("docstring") repaired "repaired($self)\n--\n\n"
      "Say that what it protects is whole again, though an owner died inside.\n"
      "NotOwner when this thread does not have it.";
  Status repaired() { return owned(neap_mutex_repaired($self->core)); }

  %feature("docstring") locked "locked($self)\n--\n\n"
      "True if some thread of any process has it now.";
  Truth locked()
  {
      int32_t pid = 0;
      int status = neap_mutex_holder($self->core, &pid);
      return status < 0 ? status : pid != 0;
  }

  %feature("docstring") __enter__ "Lock it, for as long as that takes.";
  Entered __enter__() { return mutex_lock($self, NEAP_FOREVER); }

  %immutable;
  %feature("docstring") name "Its name in the heap.";
  const char *name;
  %feature("docstring") abandoned
      "True if the last acquisition through this handle found that the owner\n"
      "had died in its critical section. For the owner to read.";
  bool abandoned;
  %feature("docstring") holder "The pid of who has it, 0 for nobody.";
  PyObject *holder;
  %feature("docstring") mine "True if this thread has it.";
  bool mine;
  %feature("docstring") dead_owner
      "The pid of an owner that died inside, if nobody has called repaired()\n"
      "since; else None.";
  PyObject *dead_owner;
  %feature("docstring") recursive "True if its owner may lock it again.";
  bool recursive;
  %mutable;
}
} Mutex;

%{
static bool Mutex_abandoned_get(Mutex *self)
{
    return self->abandoned;
}


static PyObject *Mutex_holder_get(Mutex *self)
{
    return mutex_holder(self);
}


/* The pid, or None for 0. */
static PyObject *pid_or_none(int status, int32_t pid)
{
    if (status < 0)
        return raise_status(status);
    if (!pid)
        Py_RETURN_NONE;
    return PyLong_FromLong(pid);
}


static PyObject *Mutex_dead_owner_get(Mutex *self)
{
    int32_t pid = 0;
    int status = neap_mutex_abandoned(self->core, &pid);
    return pid_or_none(status, pid);
}


static bool Mutex_recursive_get(Mutex *self)
{
    return neap_mutex_kind_of(self->core) == NEAP_MUTEX_RECURSIVE;
}


static bool Mutex_mine_get(Mutex *self)
{
    return neap_mutex_mine(self->core) > 0;
}
%}
