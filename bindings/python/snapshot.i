/* Snapshots and serving them, for heap.i, whose methods these are. */
%{
/* Another descriptor of it, and the end of the segment. */
static PyObject *descriptor_of(int status, neap_segment *segment)
{
    if (status < 0)
        return raise_status(status);
    int fd = fcntl(neap_segment_descriptor(segment), F_DUPFD_CLOEXEC, 0);
    neap_segment_close(segment);
    return fd < 0 ? PyErr_SetFromErrno(PyExc_OSError) : PyLong_FromLong(fd);
}


static PyObject *heap_snapshot(neap_heap *core, bool nobody_writes)
{
    neap_checkpoint_options options = {.nobody_writes = nobody_writes};
    neap_segment *segment = NULL;
    int status;
    do {
        Py_BEGIN_ALLOW_THREADS
        status = neap_heap_snapshot(core, &options, &segment);
        Py_END_ALLOW_THREADS
    } while (status == -EINTR && PyErr_CheckSignals() == 0);
    return PyErr_Occurred() ? NULL : descriptor_of(status, segment);
}


static PyObject *heap_segment(neap_heap *core)
{
    neap_segment *segment = NULL;
    int status = neap_heap_segment(core, &segment);
    return descriptor_of(status, segment);
}


struct serving {
    neap_heap *core;
    const char *path;
    neap_serve_options options;
    uint64_t served;
};


static int serve(void *argument, int64_t deadline)
{
    struct serving *s = argument;
    neap_serve_options options = s->options;
    uint64_t served = 0;
    if (options.count && (options.count -= s->served) == 0)
        return 0; /* the last one was interrupted just then */
    int status = neap_heap_serve(s->core, s->path, &options, deadline,
                                 &served);
    s->served += served;
    return status;
}


static PyObject *heap_serve(neap_heap *core, const char *path, uint32_t mode,
                            uint64_t count, PyObject *fresh, PyObject *timeout)
{
    struct serving serving = {core, path, {mode, count, 0}, 0};
    int64_t deadline;
    double seconds = PyFloat_AsDouble(fresh);
    if (PyErr_Occurred() || !as_deadline(timeout, &deadline))
        return NULL;
    if (!(seconds >= 0.0 && seconds < 9.0e9)) {
        PyErr_SetString(PyExc_ValueError, "fresh must be 0 or more seconds");
        return NULL;
    }
    serving.options.fresh = (int64_t)(seconds * 1e9) + 1;
    int status = wait_without_gil(serve, &serving, deadline);
    if (PyErr_Occurred())
        return NULL;
    return status < 0 ? raise_status(status)
                      : PyLong_FromUnsignedLongLong(serving.served);
}
%}
