/* Events and latches: one-way signals between processes. */
%{
typedef struct Event {
    neap_event *core;
    Attachment *heap;
    int waiting;
    char *was;
} Event;

DEFINE_HANDLE(Event, event, neap_event_close)


static int wait_for_event(void *core, int64_t deadline)
{
    return neap_event_wait(core, deadline);
}


static Truth event_wait(Event *self, PyObject *timeout)
{
    int64_t deadline;
    if (!as_wait_deadline(timeout, &deadline))
        return -EINVAL;
    return wait_counted(&self->waiting, wait_for_event, self->core, deadline);
}


static PyObject *event_repr(Event *self)
{
    if (!self || !self->core)
        return PyUnicode_FromString("<neap.Event, closed>");
    int set = neap_event_is_set(self->core);
    return PyUnicode_FromFormat("<neap.Event '%s', %s>",
                                neap_event_name(self->core),
                                set < 0 ? "dropped" : set ? "set" : "not set");
}


typedef struct Latch {
    neap_latch *core;
    Attachment *heap;
    int waiting;
    char *was;
} Latch;

DEFINE_HANDLE(Latch, latch, neap_latch_close)


static int wait_for_latch(void *core, int64_t deadline)
{
    return neap_latch_wait(core, deadline);
}


static Truth latch_wait(Latch *self, PyObject *timeout)
{
    int64_t deadline;
    if (!as_wait_deadline(timeout, &deadline))
        return -EINVAL;
    return wait_counted(&self->waiting, wait_for_latch, self->core, deadline);
}


static PyObject *Latch_left_get(Latch *self)
{
    int64_t left = 0;
    int status = neap_latch_get(self->core, &left);
    return status < 0 ? raise_status(status) : PyLong_FromLongLong(left);
}


static PyObject *latch_repr(Latch *self)
{
    int64_t left = 0;
    if (!self || !self->core)
        return PyUnicode_FromString("<neap.Latch, closed>");
    const char *name = neap_latch_name(self->core);
    if (neap_latch_get(self->core, &left) < 0)
        return PyUnicode_FromFormat("<neap.Latch '%s', dropped>", name);
    return PyUnicode_FromFormat("<neap.Latch '%s', %lld left>", name,
                                (long long)left);
}
%}

NEAP_HANDLE(Event)
%feature("kwargs") Event::wait;
%feature("docstring") Event
    "A flag between processes, with the methods of threading.Event.\n\n"
    "Made by heap.event(name), not set. It stays set until somebody clears\n"
    "it, whoever dies. One that was dropped is OSError EIDRM. Pickles as its\n"
    "address.";

typedef struct Event {
%extend {
  ~Event() { event_free($self); }

  NEAP_HANDLE_METHODS(Event, event, event_close)

  %feature("docstring") set "set($self)\n--\n\n"
      "Set it and wake all who wait.";
  Status set() { return neap_event_set($self->core); }

  %feature("docstring") clear "clear($self)\n--\n\n"
      "Make it not set: who comes to wait from now on waits.";
  Status clear() { return neap_event_clear($self->core); }

  %feature("docstring") is_set "is_set($self)\n--\n\n"
      "True if it is set now.";
  Truth is_set() { return neap_event_is_set($self->core); }

  %feature("docstring") wait "wait($self, timeout=None)\n--\n\n"
      "Wait until it is set: True; False when it was not in time.\n\n"
      "timeout in seconds, None for ever; a negative one is a ValueError.\n"
      "OSError: EIDRM it was dropped.";
  Truth wait(PyObject *timeout = NULL) { return event_wait($self, timeout); }

  %immutable;
  %feature("docstring") name "Its name in the heap.";
  const char *name;
  %mutable;
}
} Event;

NEAP_HANDLE(Latch)
%feature("kwargs") Latch::wait;
%feature("kwargs") Latch::count_down;
%feature("docstring") Latch
    "A count that goes down to zero once; who waits goes on when it is there.\n"
    "\n"
    "Made by heap.latch(name, count). It cannot go up again: drop it and make\n"
    "another one. What a process counted down stays so when it dies. One that\n"
    "was dropped is OSError EIDRM. Pickles as its address.";

typedef struct Latch {
%extend {
  ~Latch() { latch_free($self); }

  NEAP_HANDLE_METHODS(Latch, latch, latch_close)

  %feature("docstring") count_down "count_down($self, n=1)\n--\n\n"
      "Take n from what is left; at zero all who wait go on.\n\n"
      "BadArgument (a ValueError) when n is less than 1; with errno EOVERFLOW\n"
      "when it is more than is left, and then nothing was taken.";
  Status count_down(int64_t n = 1)
  {
      return neap_latch_count_down($self->core, n);
  }

  %feature("docstring") wait "wait($self, timeout=None)\n--\n\n"
      "Wait until nothing is left: True; False when that was not in time.\n\n"
      "timeout in seconds, None for ever; a negative one is a ValueError.\n"
      "OSError: EIDRM it was dropped.";
  Truth wait(PyObject *timeout = NULL) { return latch_wait($self, timeout); }

  %immutable;
  %feature("docstring") name "Its name in the heap.";
  const char *name;
  %feature("docstring") left "How much is left to count down.";
  PyObject *left;
  %mutable;
}
} Latch;
