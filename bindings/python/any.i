/* Waiting for whichever of several objects comes first. */
%{
/* How the structs of all that can be waited for begin. */
typedef struct Waitable {
    void *core;
    Attachment *heap;
    int waiting;
} Waitable;

struct any {
    void *cores[NEAP_WAIT_MAX];
    Waitable *handles[NEAP_WAIT_MAX];
    Py_ssize_t count;
    size_t index;
};


static Waitable *waitable(PyObject *object, const char *function)
{
    swig_type_info *const types[] = {SWIGTYPE_p_Event, SWIGTYPE_p_Latch,
                                     SWIGTYPE_p_Semaphore, SWIGTYPE_p_Mutex};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        void *found = NULL;
        if (!SWIG_IsOK(SWIG_ConvertPtr(object, &found, types[i], 0)) || !found)
            continue;
        if (((Waitable *)found)->core)
            return found;
        PyErr_Format(class_Closed, "%s: this %.80s is closed: open it again",
                     function, Py_TYPE(object)->tp_name);
        return NULL;
    }
    PyErr_Format(PyExc_TypeError, "%s takes events, latches, semaphores and "
                 "mutexes, not %.80s", function, Py_TYPE(object)->tp_name);
    return NULL;
}


/* From a tuple or list, which keeps them alive. */
static bool collect(PyObject *objects, struct any *any)
{
    any->count = PySequence_Fast_GET_SIZE(objects);
    if (any->count < 1 || any->count > NEAP_WAIT_MAX) {
        PyErr_Format(PyExc_ValueError, "wait_any waits for 1 to %d objects, "
                     "not %zd", NEAP_WAIT_MAX, any->count);
        return false;
    }
    for (Py_ssize_t i = 0; i < any->count; i++) {
        any->handles[i] = waitable(PySequence_Fast_GET_ITEM(objects, i),
                                   "wait_any");
        if (!any->handles[i])
            return false;
        any->cores[i] = any->handles[i]->core;
    }
    return true;
}


static int wait_for_any(void *argument, int64_t deadline)
{
    struct any *any = argument;
    return neap_wait_any(any->cores, (size_t)any->count, deadline, &any->index);
}


static PyObject *wait_and_tell(PyObject *objects, struct any *any,
                               int64_t deadline)
{
    for (Py_ssize_t i = 0; i < any->count; i++)
        any->handles[i]->waiting++;
    int status = wait_or_try(wait_for_any, any, deadline);
    for (Py_ssize_t i = 0; i < any->count; i++)
        any->handles[i]->waiting--;
    if (timed_out(status))
        Py_RETURN_NONE;
    if (status < 0)
        return raise_status(status);
    PyObject *one = PySequence_Fast_GET_ITEM(objects, (Py_ssize_t)any->index);
    Mutex *mutex = HANDLE(Mutex, one);
    if (mutex)
        mutex->abandoned = status == NEAP_ABANDONED;
    Py_INCREF(one);
    return one;
}


/* A tuple of its own: a list may change while others run. */
static PyObject *wait_any(PyObject *objects, PyObject *timeout)
{
    struct any any;
    int64_t deadline;
    PyObject *all = PySequence_Tuple(objects);
    PyObject *one = all && collect(all, &any)
                        && as_wait_deadline(timeout, &deadline)
                        ? wait_and_tell(all, &any, deadline) : NULL;
    Py_XDECREF(all);
    return one;
}
%}

%feature("kwargs") wait_any;
%feature("docstring") wait_any "wait_any(objects, timeout=None)\n--\n\n"
    "Wait until one of several objects can be had, take it and return it; None\n"
    "when none could in time.\n\n"
    "objects: 1 to 64 of them. An Event until it is set, a Latch until nothing\n"
    "is left, a Semaphore until it gives a permit, a Mutex, which is then locked\n"
    "(its `abandoned` tells whether the owner died). Of those that can be had at\n"
    "once it is the first in the list.\n\n"
    "timeout in seconds, None for ever; a negative one is a ValueError.\n"
    "OSError: EIDRM one was dropped; EDEADLK this thread has that mutex.";
PyObject *wait_any(PyObject *objects, PyObject *timeout = NULL);
