/*
 * Accesses to mapped memory that is gone, or that its protection forbids, as
 * exceptions. The handler of the signal may call next to nothing of Python; a
 * pending call it may add: the access that brought it there was to memory of
 * ours, so its thread is in no lock of the interpreter's.
 */
%{
enum { FAULT_THREADS = 16 };

static PyObject *class_MappingFault; /* neap/_fault.py has it */
static unsigned long fault_threads[FAULT_THREADS]; /* 0 free; atomic */


/* What this thread has come upon, as (errno, text), or None. */
static PyObject *take_fault(void)
{
    int status = neap_fault_take(NULL);
    if (status == 0)
        Py_RETURN_NONE;
    return Py_BuildValue("(is)", -status, neap_error_text());
}


/* In the main thread, which other threads' faults are passed on from. */
static int raise_faults(void *unused)
{
    unsigned long self = PyThread_get_thread_ident();
    int raised = 0;
    (void)unused;
    for (int i = 0; i < FAULT_THREADS; i++) {
        unsigned long thread = __atomic_exchange_n(&fault_threads[i], 0,
                                                   __ATOMIC_ACQ_REL);
        if (thread && thread != self)
            PyThreadState_SetAsyncExc(thread, class_MappingFault);
    }
    PyObject *what = take_fault(); /* unless it has been looked for since */
    if (what && what != Py_None && class_MappingFault) {
        PyErr_SetObject(class_MappingFault, what);
        raised = -1;
    }
    Py_XDECREF(what);
    return raised;
}


/* In the handler. */
static void on_fault(void)
{
    unsigned long none = 0, self = PyThread_get_thread_ident();
    for (int i = 0; i < FAULT_THREADS; i++, none = 0)
        if (__atomic_compare_exchange_n(&fault_threads[i], &none, self, false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            break;
    Py_AddPendingCall(raise_faults, NULL);
}


static PyObject *set_guard(bool on)
{
    int status = neap_guard(on);
    return status < 0 ? raise_status(status) : PyBool_FromLong(status);
}


static bool guard_is_on(void)
{
    return neap_guard_is_on();
}


static PyObject *set_fault_class(PyObject *fault_class)
{
    Py_INCREF(fault_class);
    Py_XSETREF(class_MappingFault, fault_class);
    neap_set_fault_hook(on_fault);
    Py_RETURN_NONE;
}
%}

%rename(_take_fault) take_fault;
PyObject *take_fault(void);
%rename(_set_guard) set_guard;
PyObject *set_guard(bool on);
%rename(_guard_is_on) guard_is_on;
bool guard_is_on(void);
%rename(_set_fault_class) set_fault_class;
PyObject *set_fault_class(PyObject *fault_class);
