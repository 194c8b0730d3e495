/* Who holds and waits, what is measured of locks, what a heap's bytes are used
 * for: tuples for heap.i, whose methods these are. */
%{
static PyObject *seconds_or_none(int64_t nanoseconds, bool known)
{
    if (!known)
        Py_RETURN_NONE;
    return PyFloat_FromDouble((double)nanoseconds / 1e9);
}


/* In the order of neap._info.HeapPart; the last one first. */
static PyObject *heap_processes(neap_heap *core)
{
    enum { MOST = 1024 };
    int32_t pids[MOST];
    int count = neap_heap_processes(core, pids, MOST);
    if (count < 0)
        return raise_status(count);
    count = count < MOST ? count : MOST;
    PyObject *all = PyList_New(count);
    for (int i = 0; all && i < count; i++)
        PyList_SET_ITEM(all, i, PyLong_FromLong(pids[i]));
    return all;
}


static PyObject *heap_parts(neap_heap *core)
{
    PyObject *parts = PyList_New(0);
    uint64_t cursor = 0;
    neap_heap_part part;
    while (parts && neap_heap_next_part(core, &cursor, &part) == NEAP_MORE) {
        PyObject *item = Py_BuildValue("(sKKKsL)",
            neap_part_kind_name(part.kind), (unsigned long long)part.offset,
            (unsigned long long)part.size, (unsigned long long)part.resident,
            part.name, (long long)part.others);
        if (!item || PyList_Append(parts, item) < 0)
            Py_CLEAR(parts);
        Py_XDECREF(item);
    }
    return parts;
}


/* In the order of neap._info.LockStatistics. */
static PyObject *lock_statistics(neap_heap *core, const char *name)
{
    neap_lock_statistics s;
    int status = neap_heap_lock_statistics(core, name, &s);
    if (status < 0)
        return raise_status(status);
    return Py_BuildValue("(sNKKNNNN)", neap_object_kind_name(s.kind),
        PyBool_FromLong(s.measured), (unsigned long long)s.acquisitions,
        (unsigned long long)s.contended, seconds_or_none(s.longest_wait, true),
        seconds_or_none(s.waited, s.owned),
        seconds_or_none(s.longest_hold, s.owned),
        seconds_or_none(s.held, s.owned));
}


/* In the order of neap._info.LockUse. */
static PyObject *lock_use(const neap_lock_use *u)
{
    return Py_BuildValue("(sssIiiNNNK)", u->name,
        neap_object_kind_name(u->kind), neap_use_role_name(u->role), u->slot,
        u->pid, u->tid, PyBool_FromLong(u->dead),
        seconds_or_none(u->waited, u->role == NEAP_USE_WAITS),
        seconds_or_none(u->held, u->held >= 0),
        (unsigned long long)u->permits);
}


/* Put it into the list, and drop both if that cannot be. */
static PyObject *appended(PyObject *list, PyObject *item)
{
    if (!list || !item || PyList_Append(list, item) < 0)
        Py_CLEAR(list);
    Py_XDECREF(item);
    return list;
}


/* The uses, and the texts of the deadlocks. */
static PyObject *heap_locks(neap_heap *core)
{
    PyObject *uses = PyList_New(0), *deadlocks = PyList_New(0);
    uint64_t cursor = 0;
    neap_lock_use use;
    neap_deadlock deadlock;
    while (uses && neap_heap_next_use(core, &cursor, &use) == NEAP_MORE)
        uses = appended(uses, lock_use(&use));
    cursor = 0;
    while (deadlocks
           && neap_heap_next_deadlock(core, &cursor, &deadlock) == NEAP_MORE)
        deadlocks = appended(deadlocks, PyUnicode_FromString(deadlock.text));
    if (uses && deadlocks)
        return Py_BuildValue("(NN)", uses, deadlocks);
    Py_XDECREF(uses);
    Py_XDECREF(deadlocks);
    return NULL;
}
%}
