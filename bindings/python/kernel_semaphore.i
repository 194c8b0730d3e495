/* Semaphores of the kernel and the C library. neap/_kernel.py has the manners. */
%{
enum { KERNEL_CHANGES = 500 }; /* SEMOPM where nobody raised it */

typedef struct KernelSemaphore {
    neap_kernel_semaphore *core;
    int waiting; /* threads in acquire() and apply(): close() must let them be */
    char *was;
} KernelSemaphore;

struct kernel_apply {
    neap_kernel_semaphore *core;
    size_t count;
    neap_kernel_semaphore_change changes[KERNEL_CHANGES];
};


static int apply_changes(void *argument, int64_t deadline)
{
    struct kernel_apply *a = argument;
    return neap_kernel_semaphore_apply(a->core, a->changes, a->count, deadline);
}


static bool as_change(PyObject *pair, neap_kernel_semaphore_change *ret)
{
    PyObject *index, *by;
    int64_t number;
    if (!PyArg_ParseTuple(pair, "OO;a change is (index, by)", &index, &by)
        || !as_bounded(index, "index", 0, UINT16_MAX, &number))
        return false;
    ret->index = (uint32_t)number;
    if (!as_bounded(by, "by", -INT32_MAX, INT32_MAX, &number))
        return false;
    ret->by = (int32_t)number;
    return true;
}


/* `changes` is a list of pairs: neap/_kernel.py has made it. */
static Truth kernel_semaphore_apply(KernelSemaphore *self, PyObject *changes,
                                    PyObject *blocking, PyObject *timeout)
{
    struct kernel_apply apply = {self->core, (size_t)PyList_Size(changes),
                                 {{0, 0}}};
    int64_t deadline;
    if (apply.count > KERNEL_CHANGES) {
        PyErr_SetString(PyExc_ValueError, "at most 500 changes at once");
        return -EINVAL;
    }
    for (size_t i = 0; i < apply.count; i++)
        if (!as_change(PyList_GetItem(changes, (Py_ssize_t)i),
                       apply.changes + i))
            return -EINVAL;
    if (!as_acquire_deadline(blocking, timeout, &deadline))
        return -EINVAL;
    return wait_counted(&self->waiting, apply_changes, &apply, deadline);
}


/* In the order of neap._info.KernelSemaphoreStat. */
static PyObject *kernel_stat(const neap_kernel_semaphore_stat *s)
{
    return Py_BuildValue("(sIIIIiLL)", neap_kind_name(s->kind), s->count,
                         s->mode, s->uid, s->gid, s->id,
                         (long long)s->operated, (long long)s->changed);
}


static PyObject *list_kernel_semaphores(void)
{
    neap_kernel_semaphore_list *list;
    neap_kernel_semaphore_info info;
    int status = neap_kernel_semaphore_list_open(&list);
    if (status < 0)
        return raise_status(status);
    PyObject *result = PyList_New(0);
    while (result
           && (status = neap_kernel_semaphore_list_next(list, &info)) > 0) {
        PyObject *item = Py_BuildValue("(NN)",
            PyUnicode_DecodeFSDefault(info.address), kernel_stat(&info.stat));
        if (!item || PyList_Append(result, item) < 0)
            Py_CLEAR(result);
        Py_XDECREF(item);
    }
    neap_kernel_semaphore_list_close(list);
    if (result && status < 0) {
        Py_DECREF(result);
        return raise_status(status);
    }
    return result;
}


static Status unlink_kernel_semaphore(const char *address)
{
    return neap_kernel_semaphore_unlink(address);
}


static Status kernel_semaphore_close(KernelSemaphore *self)
{
    if (self->waiting) {
        PyErr_Format(class_BadArgument, "semaphore %s is in use: a thread is in "
                     "a call of it", neap_kernel_semaphore_address(self->core));
        return -EBUSY;
    }
    if (self->core)
        self->was = strdup(neap_kernel_semaphore_address(self->core));
    neap_kernel_semaphore_close(self->core);
    self->core = NULL;
    return 0;
}


static PyObject *kernel_semaphore_repr(KernelSemaphore *self)
{
    if (!self || !self->core)
        return PyUnicode_FromString("<neap.KernelSemaphore, closed>");
    return PyUnicode_FromFormat("<neap.KernelSemaphore '%s'>",
                                neap_kernel_semaphore_address(self->core));
}
%}

%feature("docstring") list_kernel_semaphores
    "The semaphores of this machine, as tuples.";
PyObject *list_kernel_semaphores(void);

%feature("docstring") unlink_kernel_semaphore
    "Take away the name of a semaphore of the kernel.";
Status unlink_kernel_semaphore(const char *address);

NEAP_HANDLE(KernelSemaphore)
%feature("docstring") KernelSemaphore "A semaphore of the kernel.";

typedef struct KernelSemaphore {
%extend {
  KernelSemaphore(const char *address, bool create, bool exclusive, bool undo,
                  uint32_t mode, uint32_t count, int64_t initial)
  {
      neap_kernel_semaphore_options options = {create, exclusive, undo, mode,
                                               count, initial};
      KernelSemaphore *self = calloc(1, sizeof *self);
      if (!self)
          return (void *)PyErr_NoMemory();
      int status = neap_kernel_semaphore_open(address, &options, &self->core);
      if (status >= 0)
          return self;
      free(self);
      return (void *)raise_status(status);
  }

  ~KernelSemaphore()
  {
      neap_kernel_semaphore_close($self->core);
      free($self->was);
      free($self);
  }

  %feature("docstring") close "close($self)\n--\n\n"
      "Drop the handle. The semaphore stays, and so does what was taken of it.";
  Status close() { return kernel_semaphore_close($self); }

  PyObject *__repr__() { return kernel_semaphore_repr($self); }

  NEAP_OPEN_OBJECT(KernelSemaphore, "semaphore")

  Truth _apply(PyObject *changes, PyObject *blocking, PyObject *timeout)
  {
      return kernel_semaphore_apply($self, changes, blocking, timeout);
  }

  Status _set(uint32_t index, int64_t value)
  {
      return neap_kernel_semaphore_set($self->core, index, value);
  }

  PyObject *_look(uint32_t index)
  {
      neap_kernel_semaphore_use use;
      int status = neap_kernel_semaphore_look($self->core, index, &use);
      if (status < 0)
          return raise_status(status);
      return Py_BuildValue("(LiII)", (long long)use.value, use.last_pid,
                           use.waiting, use.waiting_for_zero);
  }

  PyObject *_stat()
  {
      neap_kernel_semaphore_stat stat;
      int status = neap_kernel_semaphore_status($self->core, &stat);
      return status < 0 ? raise_status(status) : kernel_stat(&stat);
  }

  const char *_address()
  {
      return neap_kernel_semaphore_address($self->core);
  }

  unsigned _count() { return neap_kernel_semaphore_count($self->core); }
}
} KernelSemaphore;
