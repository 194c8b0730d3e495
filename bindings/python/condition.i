/* Conditions: each handle goes with a mutex, as in threading. */
%{
typedef struct Condition {
    neap_condition *core;
    Attachment *heap;
    int waiting;
    char *was;
    PyObject *mutex; /* a Mutex */
} Condition;

struct condition_wait {
    neap_condition *core;
    neap_mutex *mutex;
};

DEFINE_HANDLE(Condition, condition, neap_condition_close)


/* Its mutex, or NULL and an exception. */
static Mutex *mutex_of(Condition *self)
{
    Mutex *mutex = HANDLE(Mutex, self->mutex);
    if (mutex->core)
        return mutex;
    raise_was_closed("mutex", mutex->was);
    return NULL;
}


static Status not_held(Condition *self, Mutex *mutex, const char *what)
{
    return raise_not_owner(PyUnicode_FromFormat(
        "lock mutex '%s' before you %s condition '%s'",
        neap_mutex_name(mutex->core), what, neap_condition_name(self->core)));
}


static Truth condition_lock(Condition *self, int64_t deadline)
{
    Mutex *mutex = mutex_of(self);
    if (!mutex)
        return NEAP_ECLOSED;
    self->waiting++;
    Truth locked = mutex_lock(mutex, deadline);
    self->waiting--;
    return locked;
}


static Status condition_unlock(Condition *self)
{
    Mutex *mutex = mutex_of(self);
    return mutex ? owned(neap_mutex_unlock(mutex->core)) : NEAP_ECLOSED;
}


static int wait_for_condition(void *argument, int64_t deadline)
{
    struct condition_wait *wait = argument;
    return neap_condition_wait(wait->core, wait->mutex, deadline);
}


/* The mutex is locked while a signal's handler runs, so that no notification
 * is missed before the wait goes on. */
static Truth condition_wait_until(Condition *self, int64_t deadline)
{
    Mutex *mutex = mutex_of(self);
    if (!mutex)
        return NEAP_ECLOSED;
    if (!neap_mutex_mine(mutex->core))
        return not_held(self, mutex, "wait on");
    struct condition_wait wait = {self->core, mutex->core};
    self->waiting++;
    mutex->waiting++;
    int status = wait_without_gil(wait_for_condition, &wait, deadline);
    mutex->waiting--;
    self->waiting--;
    if (status >= 0) {
        mutex->abandoned = status == NEAP_ABANDONED;
        return 1;
    }
    return timed_out(status) ? 0 : status;
}


static Truth condition_wait(Condition *self, PyObject *timeout)
{
    int64_t deadline;
    if (!as_wait_deadline(timeout, &deadline))
        return -EINVAL;
    return condition_wait_until(self, deadline);
}


/* The last that the predicate gave: something true, unless it was too late. */
static PyObject *condition_wait_for(Condition *self, PyObject *predicate,
                                    PyObject *timeout)
{
    int64_t deadline;
    Truth in_time = 1;
    if (!as_wait_deadline(timeout, &deadline))
        return NULL;
    for (;;) {
        PyObject *value = PyObject_CallFunctionObjArgs(predicate, NULL);
        int is_true = value ? PyObject_IsTrue(value) : -1;
        if (is_true > 0 || (is_true == 0 && !in_time))
            return value;
        Py_XDECREF(value);
        if (is_true < 0)
            return NULL;
        in_time = condition_wait_until(self, deadline);
        if (in_time < 0)
            return raise_status(in_time);
    }
}


/* A thread's wait for a task of an event loop, which has the mutex. */
struct stand_in {
    PyObject *unlock, *goes_on, *lock;
};


/* @return whether it gave something true; what it raises is told, no more. */
static bool call_back(PyObject *function)
{
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *result = PyObject_CallFunctionObjArgs(function, NULL);
    int is_true = result ? PyObject_IsTrue(result) : -1;
    if (is_true < 0)
        PyErr_WriteUnraisable(function);
    Py_XDECREF(result);
    PyGILState_Release(state);
    return is_true > 0;
}


static void call_unlock(void *context)
{
    call_back(((struct stand_in *)context)->unlock);
}


static bool call_goes_on(void *context)
{
    return call_back(((struct stand_in *)context)->goes_on);
}


static void call_lock(void *context)
{
    call_back(((struct stand_in *)context)->lock);
}


/* @return 1 notified; 0 goes_on() said no. */
static Truth condition_stand_in(Condition *self, PyObject *unlock,
                                PyObject *goes_on, PyObject *lock)
{
    struct stand_in functions = {unlock, goes_on, lock};
    const neap_condition_stand_in stand_in = {call_unlock, call_goes_on,
                                              call_lock, &functions};
    int status;
    Mutex *mutex = mutex_of(self);
    if (!mutex)
        return NEAP_ECLOSED;
    self->waiting++;
    mutex->waiting++;
    Py_BEGIN_ALLOW_THREADS
    status = neap_condition_wait_for(self->core, mutex->core, &stand_in);
    Py_END_ALLOW_THREADS
    mutex->waiting--;
    self->waiting--;
    return status == -ECANCELED ? 0 : status < 0 ? status : 1;
}


static Status condition_notify(Condition *self, int64_t n)
{
    Mutex *mutex = mutex_of(self);
    if (!mutex)
        return NEAP_ECLOSED;
    if (!neap_mutex_mine(mutex->core))
        return not_held(self, mutex, "notify");
    return neap_condition_notify(self->core, n);
}


/* The mutex that was given, if it is one of the same opening of the heap. */
static PyObject *given_mutex(neap_condition *core, Attachment *heap,
                             PyObject *mutex)
{
    void *found = NULL;
    bool fits = SWIG_IsOK(SWIG_ConvertPtr(mutex, &found, SWIGTYPE_p_Mutex, 0));
    Mutex *given = found;
    if (!fits || !given)
        wrong_type(mutex, "mutex", "a neap.Mutex or None");
    else if (!given->core)
        raise_was_closed("mutex", given->was);
    else if (given->heap == heap)
        return another(mutex);
    else
        PyErr_Format(class_BadArgument, "mutex '%s' comes from another heap, "
                     "or another opening of it: take one from the same Heap "
                     "as condition '%s'", neap_mutex_name(given->core),
                     neap_condition_name(core));
    return NULL;
}


/* The mutex that is named after the condition: recursive if it is made here, as
 * in threading. */
static PyObject *named_mutex(neap_heap *heap_core, Attachment *heap,
                             const char *condition)
{
    char name[2 * NEAP_NAME_MAX];
    neap_mutex *core;
    snprintf(name, sizeof name, "%s.mutex", condition);
    int status = neap_mutex_open_kind(heap_core, name, NEAP_MUTEX_RECURSIVE,
                                      &core);
    if (status == NEAP_ETYPE)
        status = neap_mutex_open(heap_core, name, &core);
    Mutex *self = status < 0 ? (void *)raise_status(status)
                             : new_mutex(core, heap);
    return self ? SWIG_InternalNewPointerObj(self, SWIGTYPE_p_Mutex,
                                             SWIG_POINTER_OWN) : NULL;
}


static Condition *open_condition(neap_heap *heap_core, Attachment *heap,
                                 const char *name, PyObject *mutex)
{
    neap_condition *core;
    int status = neap_condition_open(heap_core, name, &core);
    if (status < 0)
        return (void *)raise_status(status);
    mutex = mutex == Py_None ? named_mutex(heap_core, heap, name)
                             : given_mutex(core, heap, mutex);
    if (!mutex) {
        neap_condition_close(core);
        return NULL;
    }
    Condition *self = new_condition(core, heap);
    if (self)
        self->mutex = mutex;
    else
        Py_DECREF(mutex);
    return self;
}


static Status condition_leave(Condition *self)
{
    Status status = condition_close(self);
    if (status == 0)
        Py_CLEAR(self->mutex);
    return status;
}


static PyObject *Condition_mutex_get(Condition *self)
{
    return another(self->mutex);
}


static PyObject *condition_repr(Condition *self)
{
    if (!self || !self->core)
        return PyUnicode_FromString("<neap.Condition, closed>");
    return PyUnicode_FromFormat("<neap.Condition '%s' with %R>",
                                neap_condition_name(self->core), self->mutex);
}
%}

NEAP_HANDLE(Condition)
%feature("kwargs") Condition::wait;
%feature("kwargs") Condition::wait_for;
%feature("kwargs") Condition::notify;
%feature("docstring") Condition
    "A condition variable between processes, with the methods of\n"
    "threading.Condition.\n\n"
    "Made by heap.condition(name, mutex). It goes with a mutex, which\n"
    "`with condition:`, acquire() and release() lock and unlock; all who\n"
    "use the condition must use the same one. wait() may return for a\n"
    "notification that a dead process had got: look at what is waited for\n"
    "again, or use wait_for(). When an owner of the mutex died, `condition.mutex.abandoned` says so. One\n"
    "that was dropped is OSError EIDRM. Pickles as its address.";

typedef struct Condition {
%extend {
  ~Condition()
  {
      Py_CLEAR($self->mutex);
      condition_free($self);
  }

  NEAP_HANDLE_METHODS(Condition, condition, condition_leave)

  /* acquire() and __exit__() are in hot.i. */

  %feature("docstring") release "release($self)\n--\n\n"
      "Unlock the mutex. NotOwner when this thread does not have it.";
  Status release() { return condition_unlock($self); }

  %feature("docstring") __enter__ "Lock the mutex, for as long as that takes.";
  Entered __enter__() { return condition_lock($self, NEAP_FOREVER); }

  %feature("docstring") wait "wait($self, timeout=None)\n--\n\n"
      "Unlock the mutex, wait for a notification, lock the mutex again.\n\n"
      "True when notified, False when not in time. timeout in seconds,\n"
      "None for ever; a negative one is a ValueError. RuntimeError when\n"
      "this thread does not hold the mutex. OSError: EIDRM it was dropped.\n"
      "The mutex is held again whatever is returned or raised, unless it\n"
      "was dropped itself.";
  Truth wait(PyObject *timeout = NULL)
  {
      return condition_wait($self, timeout);
  }

  %feature("docstring") wait_for "wait_for($self, predicate, timeout=None)\n"
      "--\n\n"
      "Wait until predicate() is true; return the last that it gave.\n\n"
      "That is something false when it was not true in time. timeout in\n"
      "seconds for all of it, None for ever. RuntimeError when this thread\n"
      "has to wait and does not hold the mutex.";
  PyObject *wait_for(PyObject *predicate, PyObject *timeout = NULL)
  {
      return condition_wait_for($self, predicate, timeout);
  }

  Truth _stand_in(PyObject *unlock, PyObject *goes_on, PyObject *lock)
  {
      return condition_stand_in($self, unlock, goes_on, lock);
  }

  %feature("docstring") notify "notify($self, n=1)\n--\n\n"
      "Wake up to n of those who wait.\n\n"
      "RuntimeError when this thread does not hold the mutex; BadArgument (a\n"
      "ValueError) when n is less than 1.";
  Status notify(int64_t n = 1) { return condition_notify($self, n); }

  %feature("docstring") notify_all "notify_all($self)\n--\n\n"
      "Wake all who wait. RuntimeError when this thread does not hold the\n"
      "mutex.";
  Status notify_all() { return condition_notify($self, INT32_MAX); }

  %immutable;
  %feature("docstring") name "Its name in the heap.";
  const char *name;
  %feature("docstring") mutex "The Mutex that goes with it.";
  PyObject *mutex;
  %mutable;
}
} Condition;
