/* Barriers: a wait without success breaks them, so none is only tried. */
%{
#define BARRIER_PARTIES_MAX 65535 /* as neap/barrier.h has it */

typedef struct Barrier {
    neap_barrier *core;
    Attachment *heap;
    int waiting;
    char *was;
    PyObject *action;  /* or NULL, of this handle */
    PyObject *timeout; /* of a wait that says none; or NULL */
} Barrier;

typedef struct BarrierState {
    int64_t parties, waiting;
    bool broken;
} BarrierState;

DEFINE_HANDLE(Barrier, barrier, neap_barrier_close)


/* Within a wait, all parties being there: what it raises stays raised. */
static int run_action(void *self)
{
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *result = PyObject_CallNoArgs(((Barrier *)self)->action);
    Py_XDECREF(result);
    PyGILState_Release(state);
    return result ? 0 : -ECANCELED;
}


/* None: none. */
static bool set_manners(Barrier *self, PyObject *action, PyObject *timeout)
{
    int64_t deadline;
    if (action != Py_None && !PyCallable_Check(action)) {
        PyErr_Format(PyExc_TypeError, "action must be a function without "
                     "arguments or None, not %.80s", Py_TYPE(action)->tp_name);
        return false;
    }
    if (!as_wait_deadline(timeout, &deadline))
        return false;
    if (timeout != Py_None)
        self->timeout = Py_NewRef(timeout);
    if (action == Py_None)
        return true;
    self->action = Py_NewRef(action);
    neap_barrier_set_action(self->core, run_action, self);
    return true;
}


static void forget_manners(Barrier *self)
{
    Py_CLEAR(self->action);
    Py_CLEAR(self->timeout);
}


static Status barrier_end(Barrier *self)
{
    int status = barrier_close(self);
    if (status == 0)
        forget_manners(self);
    return status;
}


/* A signal's handler runs while the party stays counted. */
static bool goes_on(void *ret_raised)
{
    PyGILState_STATE state = PyGILState_Ensure();
    bool raised = PyErr_Occurred() || PyErr_CheckSignals() < 0;
    PyGILState_Release(state);
    *(bool *)ret_raised = raised;
    return !raised;
}


/* As threading has it: whoever gives up finds that it broke the barrier. */
static PyObject *barrier_wait(Barrier *self, PyObject *timeout)
{
    int status;
    int64_t deadline, place = 0;
    bool raised = false;
    if (!timeout || timeout == Py_None)
        timeout = self->timeout;
    if (!as_wait_deadline(timeout, &deadline))
        return NULL;
    self->waiting++;
    Py_BEGIN_ALLOW_THREADS
    status = neap_barrier_wait_through(self->core, deadline, goes_on, &raised,
                                       &place);
    Py_END_ALLOW_THREADS
    self->waiting--;
    if (raised || PyErr_Occurred())
        return NULL;
    if (status >= 0)
        return PyLong_FromLongLong(place);
    return raise_status(timed_out(status) ? NEAP_EBROKEN : status);
}


static bool barrier_state(Barrier *self, BarrierState *ret_state)
{
    int status = neap_barrier_status(self->core, &ret_state->parties,
                                     &ret_state->waiting, &ret_state->broken);
    return status < 0 ? raise_status(status) != NULL : true;
}


static PyObject *Barrier_parties_get(Barrier *self)
{
    BarrierState now;
    return barrier_state(self, &now) ? PyLong_FromLongLong(now.parties) : NULL;
}


static PyObject *Barrier_n_waiting_get(Barrier *self)
{
    BarrierState now;
    return barrier_state(self, &now) ? PyLong_FromLongLong(now.waiting) : NULL;
}


static PyObject *Barrier_broken_get(Barrier *self)
{
    BarrierState now;
    return barrier_state(self, &now) ? PyBool_FromLong(now.broken) : NULL;
}


static bool Barrier_shrinks_get(Barrier *self)
{
    return neap_barrier_kind_of(self->core) & NEAP_BARRIER_SHRINKS;
}


static bool Barrier_counted_get(Barrier *self)
{
    return neap_barrier_kind_of(self->core) & NEAP_BARRIER_COUNTED;
}


static PyObject *barrier_repr(Barrier *self)
{
    BarrierState now;
    if (!self || !self->core)
        return PyUnicode_FromString("<neap.Barrier, closed>");
    const char *name = neap_barrier_name(self->core);
    if (neap_barrier_status(self->core, &now.parties, &now.waiting,
                            &now.broken) < 0)
        return PyUnicode_FromFormat("<neap.Barrier '%s', dropped>", name);
    return PyUnicode_FromFormat("<neap.Barrier '%s', %lld of %lld wait%s>",
                                name, (long long)now.waiting,
                                (long long)now.parties,
                                now.broken ? ", broken" : "");
}
%}

NEAP_HANDLE(Barrier)
%feature("kwargs") Barrier::wait;
%feature("docstring") Barrier
    "A barrier between processes, with the methods of threading.Barrier.\n\n"
    "Made by heap.barrier(name, parties). A party that dies while it waits\n"
    "breaks it: the others get BrokenBarrier (a\n"
    "threading.BrokenBarrierError) until somebody resets it; if it shrinks,\n"
    "they go on without. A counted one has the threads that joined as its\n"
    "parties. The action that a handle was opened with is called by one party\n"
    "of each phase when all are there, before they go on; of a barrier that\n"
    "shrinks another party calls its own when one dies in it. One that was\n"
    "dropped is OSError EIDRM. Pickles as its address, without action and\n"
    "timeout.";

typedef struct Barrier {
%extend {
  ~Barrier() { forget_manners($self); barrier_free($self); }

  NEAP_HANDLE_METHODS(Barrier, barrier, barrier_end)

  %feature("docstring") wait "wait($self, timeout=None)\n--\n\n"
      "Wait until as many wait as there are parties. Return this party's\n"
      "place, another one for each from 0 to parties - 1; the last to come\n"
      "has 0 (nobody where a death was what let the others go on).\n\n"
      "timeout in seconds, None what the handle was opened with; a negative\n"
      "one is a ValueError. What this party's action raises is raised here,\n"
      "and breaks it for the others.\n"
      "BrokenBarrier: it is broken, or another party died, gave up,\n"
      "aborted or reset it. Giving up breaks it, for the others would wait\n"
      "for nobody: not in time is BrokenBarrier here, too, and so it is\n"
      "for the others when a signal's handler raises; when it does not the\n"
      "wait goes on. OSError: EIDRM it was dropped, EAGAIN this thread has\n"
      "shares of too many objects, EPERM it is counted, and this thread\n"
      "has not joined.";
  PyObject *wait(PyObject *timeout = NULL)
  {
      return barrier_wait($self, timeout);
  }

  %feature("docstring") join "join($self)\n--\n\n"
      "Be a party of a counted barrier, as the thread that this is.\n\n"
      "One that ends without having left breaks it, or makes it smaller.\n"
      "OSError: EALREADY it is one. BadArgument: it is not a counted one.";
  Status join() { return neap_barrier_join($self->core); }

  %feature("docstring") leave "leave($self)\n--\n\n"
      "Be a party no more. Those who wait go on if all others are there.\n\n"
      "PermissionError: this thread is none.";
  Status leave() { return neap_barrier_leave($self->core); }

  %feature("docstring") abort "abort($self)\n--\n\n"
      "Break it: who waits, and who comes, gets BrokenBarrier.";
  Status abort() { return neap_barrier_abort($self->core); }

  %feature("docstring") reset "reset($self)\n--\n\n"
      "Make it whole and empty; who waits gets BrokenBarrier.";
  Status reset() { return neap_barrier_reset($self->core); }

  %immutable;
  %feature("docstring") name "Its name in the heap.";
  const char *name;
  %feature("docstring") parties "How many must come.";
  PyObject *parties;
  %feature("docstring") n_waiting "How many wait now.";
  PyObject *n_waiting;
  %feature("docstring") broken "True if it is broken.";
  PyObject *broken;
  %feature("docstring") shrinks "True if a death leaves it whole.";
  bool shrinks;
  %feature("docstring") counted "True if its parties are those who joined.";
  bool counted;
  %mutable;
}
} Barrier;
