/*
 * Waiting: deadlines from seconds, and the GIL.
 *
 * What is free is taken at once, with the GIL held; only who must wait lets it
 * go. A signal ends the wait in C; its Python handler runs here, and unless it
 * raises, the wait goes on to the same deadline (PEP 475).
 */
%{
typedef int (*wait_function)(void *core, int64_t deadline);


static bool timed_out(int status)
{
    return status == -EBUSY || status == -ETIMEDOUT;
}


/* A signal that came just before the wait: its handler runs here. Other threads
 * than the first run none. */
static int run_handlers(void)
{
    PyGILState_STATE state = PyGILState_Ensure();
    int raised = PyErr_Occurred() || PyErr_CheckSignals() < 0;
    PyGILState_Release(state);
    return raised;
}


static int wait_without_gil(wait_function wait, void *core, int64_t deadline)
{
    int status;
    do {
        Py_BEGIN_ALLOW_THREADS
        status = wait(core, deadline);
        Py_END_ALLOW_THREADS
    } while (status == -EINTR && !PyErr_Occurred()
             && PyErr_CheckSignals() == 0);
    return status;
}


static int wait_or_try(wait_function wait, void *core, int64_t deadline)
{
    int status = wait(core, NEAP_NOW);
    if (timed_out(status) && deadline != NEAP_NOW)
        return wait_without_gil(wait, core, deadline);
    return status;
}


/* For a handle that counts who waits. @return 1; 0 not in time; a status. */
static Truth wait_counted(int *waiting, wait_function wait, void *core,
                          int64_t deadline)
{
    ++*waiting;
    int status = wait_or_try(wait, core, deadline);
    --*waiting;
    if (status >= 0)
        return 1;
    return timed_out(status) ? 0 : status;
}


/* Seconds, or None for ever. -1 is for ever too, as in threading. */
static bool as_deadline(PyObject *timeout, int64_t *ret_deadline)
{
    *ret_deadline = NEAP_FOREVER;
    if (!timeout || timeout == Py_None)
        return true;
    double seconds = PyFloat_AsDouble(timeout);
    if (seconds == -1.0 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_TypeError))
            PyErr_Format(PyExc_TypeError, "timeout must be a number of seconds "
                         "or None, not %.80s", Py_TYPE(timeout)->tp_name);
        return false;
    }
    if (seconds == -1.0)
        return true;
    if (!(seconds >= 0.0)) {
        PyErr_SetString(PyExc_ValueError, "timeout must be 0 or more seconds, "
                        "or None (or -1) to wait for ever");
        return false;
    }
    if (seconds < 9.0e9)
        *ret_deadline = neap_deadline_after((int64_t)ceil(seconds * 1e9));
    return true;
}


/* As wait(timeout) of threading: of -1 nobody could say what it means. */
static bool as_wait_deadline(PyObject *timeout, int64_t *ret_deadline)
{
    if (!as_deadline(timeout, ret_deadline))
        return false;
    if (!timeout || timeout == Py_None || *ret_deadline != NEAP_FOREVER
        || PyFloat_AsDouble(timeout) > 0.0)
        return true;
    PyErr_SetString(PyExc_ValueError, "timeout must be 0 or more seconds, or "
                    "None to wait for ever");
    return false;
}


/* The two arguments of acquire(blocking=True, timeout=None). */
static bool as_acquire_deadline(PyObject *blocking, PyObject *timeout,
                                int64_t *ret_deadline)
{
    int block = blocking ? PyObject_IsTrue(blocking) : 1;
    if (block < 0 || !as_deadline(timeout, ret_deadline))
        return false;
    if (block)
        return true;
    if (*ret_deadline != NEAP_FOREVER) {
        PyErr_SetString(PyExc_ValueError,
                        "a call that does not block takes no timeout");
        return false;
    }
    *ret_deadline = NEAP_NOW;
    return true;
}
%}

%init %{
  neap_set_wait_check(run_handlers);
%}
