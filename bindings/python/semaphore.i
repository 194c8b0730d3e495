/* Counting semaphores between processes, classic or with undo. */
%{
typedef struct Semaphore {
    neap_semaphore *core;
    Attachment *heap;
    int waiting; /* threads in acquire(): close() must let them be */
    char *was;
} Semaphore;


DEFINE_HANDLE(Semaphore, semaphore, neap_semaphore_close)


static int take_permit(void *core, int64_t deadline)
{
    return neap_semaphore_acquire(core, deadline);
}


static Truth semaphore_take(Semaphore *self, int64_t deadline)
{
    self->waiting++;
    int status = wait_or_try(take_permit, self->core, deadline);
    self->waiting--;
    if (status >= 0)
        return 1;
    return timed_out(status) ? 0 : status;
}


static Status semaphore_release(Semaphore *self, PyObject *n)
{
    int64_t many = 1;
    if (n && !as_bounded(n, "n", 1, NEAP_SEMAPHORE_MAX, &many))
        return -EINVAL;
    return neap_semaphore_release_many(self->core, many);
}


struct permits {
    neap_semaphore *core;
    int64_t n;
};

static int take_permits(void *permits, int64_t deadline)
{
    struct permits *p = permits;
    return neap_semaphore_acquire_many(p->core, p->n, deadline);
}


static Truth semaphore_take_many(Semaphore *self, PyObject *n,
                                 PyObject *timeout)
{
    struct permits permits = {self->core, 0};
    int64_t deadline;
    if (!as_bounded(n, "n", 1, NEAP_SEMAPHORE_MAX, &permits.n)
        || !as_deadline(timeout, &deadline))
        return -EINVAL;
    return wait_counted(&self->waiting, take_permits, &permits, deadline);
}


static PyObject *semaphore_value(Semaphore *self)
{
    int64_t value = 0;
    int status = neap_semaphore_get(self->core, &value);
    return status < 0 ? raise_status(status) : PyLong_FromLongLong(value);
}


static PyObject *semaphore_repr(Semaphore *self)
{
    int64_t value = 0;
    if (!self || !self->core)
        return PyUnicode_FromString("<neap.Semaphore, closed>");
    const char *name = neap_semaphore_name(self->core);
    if (neap_semaphore_get(self->core, &value) < 0)
        return PyUnicode_FromFormat("<neap.Semaphore '%s', dropped>", name);
    return PyUnicode_FromFormat("<neap.Semaphore '%s', %lld free>", name,
                                (long long)value);
}
%}

NEAP_HANDLE(Semaphore)
%feature("kwargs") Semaphore::acquire_many;
%feature("docstring") Semaphore
    "A counting semaphore between processes.\n\n"
    "Made by heap.semaphore(name, initial, undo, bound). Without undo anyone may\n"
    "release; with undo a permit belongs to the thread that acquired it and\n"
    "returns when that thread ends, by death or otherwise. `with semaphore:`\n"
    "takes a permit and gives it back. One that was dropped is OSError EIDRM.\n"
    "Pickles as its address.";

typedef struct Semaphore {
%extend {
  ~Semaphore() { semaphore_free($self); }

  NEAP_HANDLE_METHODS(Semaphore, semaphore, semaphore_close)

  /* acquire(), release() and __exit__() are in hot.i. */

  %feature("docstring") acquire_many
      "acquire_many($self, n, timeout=None)\n--\n\n"
      "Take n permits, all at once or none; True when taken, False when there\n"
      "were too few in time. BadArgument (a ValueError) for more than its bound.";
  Truth acquire_many(PyObject *n, PyObject *timeout = NULL)
  {
      return semaphore_take_many($self, n, timeout);
  }

  %feature("docstring") get_value "get_value($self)\n--\n\n"
      "The same as value, as multiprocessing has it.";
  PyObject *get_value() { return semaphore_value($self); }

  %feature("docstring") __enter__ "Take a permit, however long that takes.";
  Entered __enter__() { return semaphore_take($self, NEAP_FOREVER); }

  %immutable;
  %feature("docstring") name "Its name in the heap.";
  const char *name;
  %feature("docstring") undo "True if permits return when their holder dies.";
  bool undo;
  %feature("docstring") bound "The most permits that there can be, or None.";
  PyObject *bound;
  %feature("docstring") value "How many permits are there now.";
  PyObject *value;
  %mutable;
}
} Semaphore;

%{
static bool Semaphore_undo_get(Semaphore *self)
{
    return neap_semaphore_kind_of(self->core) == NEAP_SEMAPHORE_UNDO;
}


static PyObject *Semaphore_bound_get(Semaphore *self)
{
    int64_t bound = neap_semaphore_bound(self->core);
    if (!bound)
        Py_RETURN_NONE;
    return PyLong_FromLongLong(bound);
}


static PyObject *Semaphore_value_get(Semaphore *self)
{
    return semaphore_value(self);
}
%}
