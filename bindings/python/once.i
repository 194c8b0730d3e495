/* Once: a function runs exactly once among all processes. */
%{
typedef struct Once {
    neap_once *core;
    Attachment *heap;
    int waiting;
    char *was;
} Once;

DEFINE_HANDLE(Once, once, neap_once_close)


static int begin(void *core, int64_t deadline)
{
    return neap_once_begin(core, deadline);
}


/* Its exception, if it raises one, is the one to see. */
static void do_again_later(Once *self)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    (void)neap_once_end(self->core, false);
    PyErr_Restore(type, value, traceback);
}


static PyObject *do_it(Once *self, PyObject *const *arguments,
                       Py_ssize_t count, PyObject *names)
{
    PyObject *result = PyObject_Vectorcall(arguments[0], arguments + 1,
                                           (size_t)count - 1, names);
    if (!result) {
        do_again_later(self);
        return NULL;
    }
    Py_DECREF(result);
    int status = neap_once_end(self->core, true);
    return truth(status < 0 ? status : 1);
}


/* run(fn, *args, **kwargs) */
static PyObject *once_run(PyObject *object, PyObject *const *arguments,
                          Py_ssize_t count, PyObject *names)
{
    Once *self = HANDLE(Once, object);
    if (!self || !self->core)
        return raise_was_closed("once", self ? self->was : NULL);
    if (count < 1 || !PyCallable_Check(arguments[0]))
        return PyErr_Format(PyExc_TypeError, "run() needs a function to call");
    self->waiting++;
    int status = wait_or_try(begin, self->core, NEAP_FOREVER);
    PyObject *result = status == NEAP_MORE
        ? do_it(self, arguments, count, names)
        : truth(status);
    self->waiting--;
    return result;
}


/* For neap.aio, whose function may take turns with others. None: not in time. */
static PyObject *begin_within(Once *self, double seconds)
{
    int64_t deadline = neap_deadline_after((int64_t)(seconds * 1e9));
    self->waiting++;
    int status = wait_or_try(begin, self->core, deadline);
    self->waiting--;
    if (timed_out(status))
        Py_RETURN_NONE;
    return truth(status < 0 ? status : status == NEAP_MORE);
}


static PyMethodDef hot_once[] = {
    HOT("run", once_run, METH_KEYWORDS,
        "run($self, fn, /, *args, **kwargs)\n--\n\n"
        "Call fn(*args, **kwargs) if nobody has; True if this call did.\n\n"
        "While another one does it, wait. What fn raises is raised, and it\n"
        "is not done; the same when its process dies: the next to come\n"
        "does it. OSError: EDEADLK fn itself came here again, EIDRM it was\n"
        "dropped, EAGAIN this thread holds too many locks."),
    {NULL, NULL, 0, NULL}
};


static PyObject *Once_done_get(Once *self)
{
    int status = neap_once_is_done(self->core);
    return truth(status);
}


static PyObject *once_repr(Once *self)
{
    if (!self || !self->core)
        return PyUnicode_FromString("<neap.Once, closed>");
    int done = neap_once_is_done(self->core);
    return PyUnicode_FromFormat("<neap.Once '%s', %s>",
                                neap_once_name(self->core),
                                done < 0 ? "dropped"
                                : done ? "done" : "not done");
}
%}

NEAP_HANDLE(Once)
%feature("docstring") Once
    "Something that is done exactly once among all processes.\n\n"
    "Made by heap.once(name). If whoever does it dies half-way, or its\n"
    "function raises, the next one does it again. One that was dropped is\n"
    "OSError EIDRM. Pickles as its address.";

typedef struct Once {
%extend {
  ~Once() { once_free($self); }

  NEAP_HANDLE_METHODS(Once, once, once_close)

  PyObject *_begin(double seconds) { return begin_within($self, seconds); }
  Status _end(bool done) { return neap_once_end($self->core, done); }

  %immutable;
  %feature("docstring") name "Its name in the heap.";
  const char *name;
  %feature("docstring") done "True if it is done.";
  PyObject *done;
  %mutable;
}
} Once;

%init %{
  add_methods(SwigPyBuiltin__Once_clientdata.pytype, hot_once);
%}
