/* Teams: n workers that run the same function and share out work. */
%{
typedef struct Team {
    neap_team *core;
} Team;

typedef struct Range {
    neap_range *core;
} Range;

struct team_wait {
    neap_team *core;
    uint32_t index;
    neap_exit end;
};


static int wait_team(void *wait, int64_t deadline)
{
    struct team_wait *w = wait;
    return neap_team_next(w->core, deadline, &w->index, &w->end);
}


static void close_team(Team *self)
{
    neap_team *core = self->core;
    self->core = NULL;
    Py_BEGIN_ALLOW_THREADS /* it waits for the end of what it stops */
    neap_team_close(core);
    Py_END_ALLOW_THREADS
}


static Range *new_range(neap_range *core)
{
    Range *self = calloc(1, sizeof *self);
    if (!self) {
        neap_range_close(core);
        return (void *)PyErr_NoMemory();
    }
    self->core = core;
    return self;
}


/* NULL without an exception ends an iteration. */
static PyObject *range_next(Range *self)
{
    int64_t index;
    int status = neap_range_next(self->core, &index);
    if (status > 0)
        return PyLong_FromLongLong(index);
    return status < 0 ? raise_status(status) : NULL;
}
%}

NEAP_HANDLE(Range)
%feature("python:tp_iter") Range "PyObject_SelfIter";
%feature("python:slot", "tp_iternext", functype="iternextfunc")
    Range::__next__;
%feature("docstring") Range
    "Indices handed out to the workers of a team, each to one of them.";

typedef struct Range {
%extend {
  ~Range()
  {
      neap_range_close($self->core);
      free($self);
  }

  NEAP_OPEN_ONLY(Range, "range")

  PyObject *__next__() { return range_next($self); }
}
} Range;

NEAP_HANDLE(Team)
%feature("docstring") Team "Workers that run the same function.";

typedef struct Team {
%extend {
  Team(uint32_t workers)
  {
      neap_team *core;
      int status = neap_team_create(workers, &core);
      Team *self = status < 0 ? NULL : calloc(1, sizeof *self);
      if (!self)
          return (void *)raise_status(status < 0 ? status : -ENOMEM);
      self->core = core;
      return self;
  }

  ~Team()
  {
      close_team($self);
      free($self);
  }

  void close() { close_team($self); }

  NEAP_OPEN_ONLY(Team, "team")

  %feature("docstring") fork "Start a worker, which calls child() and ends.";
  Status fork(uint32_t index, PyObject *child)
  {
      PyOS_BeforeFork();
      int status = neap_team_fork($self->core, index);
      if (status == NEAP_CHILD)
          run_child(child);
      PyOS_AfterFork_Parent();
      return status;
  }

  %feature("docstring") next "(index, pid, code, signal) of a worker that"
      " ended, None when all have been told, False when none ended in time.";
  PyObject *next(PyObject *timeout)
  {
      int64_t deadline;
      struct team_wait wait = {.core = $self->core};
      if (!as_deadline(timeout, &deadline))
          return NULL;
      int status = wait_without_gil(wait_team, &wait, deadline);
      if (timed_out(status))
          Py_RETURN_FALSE;
      if (status < 0)
          return raise_status(status);
      if (status == 0)
          Py_RETURN_NONE;
      return Py_BuildValue("(Iiii)", wait.index, wait.end.pid, wait.end.code,
                           wait.end.signal);
  }

  %feature("docstring") answered "The bytes that a worker sent.";
  PyObject *answered(uint32_t index)
  {
      neap_process *process = neap_team_process($self->core, index);
      return process ? answer_bytes(process) : PyBytes_FromString("");
  }

  %feature("docstring") stop "End all workers: SIGTERM, then SIGKILL.";
  Status stop(double grace)
  {
      int status;
      Py_BEGIN_ALLOW_THREADS
      status = neap_team_stop($self->core, (int64_t)(grace * 1e9));
      Py_END_ALLOW_THREADS
      return status;
  }

  %feature("docstring") progress "(indices handed out, indices in all).";
  PyObject *progress()
  {
      uint64_t done = 0, total = 0;
      neap_team_progress($self->core, &done, &total);
      return Py_BuildValue("(KK)", (unsigned long long)done,
                           (unsigned long long)total);
  }

  %feature("docstring") range "In a worker: open the next range.";
  Range *range(int64_t first, int64_t last, int64_t step, uint64_t chunk)
  {
      neap_range *core;
      int status = neap_range_open($self->core, first, last, step, chunk,
                                   &core);
      return status < 0 ? (void *)raise_status(status) : new_range(core);
  }
}
} Team;
