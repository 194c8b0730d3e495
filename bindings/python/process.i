/*
 * Processes: a fork that Python survives.
 *
 * Python's own hooks run around the fork, as for os.fork(). The child calls
 * the function it was given and ends in C: no exception, however late, can
 * carry it back into the parent's stack.
 */
%{
typedef struct Process {
    neap_process *core;
} Process;


/* In the child: run `child`, a callable that returns an exit code. */
static void run_child(PyObject *child)
{
    PyOS_AfterFork_Child();
    PyObject *code = PyObject_CallObject(child, NULL);
    int number = code ? (int)PyLong_AsLong(code) : 70;
    neap_process_exit(number);
}


static PyObject *exit_tuple(const neap_exit *end)
{
    return Py_BuildValue("(iii)", end->pid, end->code, end->signal);
}


struct process_wait {
    neap_process *core;
    neap_exit end;
};


static int wait_process(void *wait, int64_t deadline)
{
    struct process_wait *w = wait;
    return neap_process_wait(w->core, deadline, &w->end);
}


static PyObject *answer_bytes(neap_process *core)
{
    size_t length = 0;
    const void *bytes = neap_process_answered(core, &length);
    return PyBytes_FromStringAndSize(bytes, (Py_ssize_t)length);
}


static PyObject *send_answer(PyObject *bytes)
{
    Py_buffer view;
    int status;
    if (PyObject_GetBuffer(bytes, &view, PyBUF_SIMPLE) < 0)
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    status = neap_process_answer(view.buf, (size_t)view.len);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&view);
    if (status < 0)
        return raise_status(status);
    Py_RETURN_NONE;
}


static void close_process(Process *self)
{
    neap_process *core = self->core;
    self->core = NULL;
    Py_BEGIN_ALLOW_THREADS /* it waits for the end of what it kills */
    neap_process_close(core);
    Py_END_ALLOW_THREADS
}


static const char *signal_name(int signal)
{
    return neap_signal_name(signal);
}
%}

%feature("docstring") send_answer "In a child: send bytes to the parent.";
PyObject *send_answer(PyObject *bytes);

%feature("docstring") signal_name "\"SIGKILL\" for 9, and so on.";
const char *signal_name(int signal);

NEAP_HANDLE(Process)
%feature("docstring") Process "A forked process.";

typedef struct Process {
%extend {
  Process(PyObject *child)
  {
      neap_process *core = NULL;
      Process *self = calloc(1, sizeof *self);
      if (!self)
          return (void *)PyErr_NoMemory();
      PyOS_BeforeFork();
      int status = neap_process_fork(&core);
      if (status == NEAP_CHILD)
          run_child(child);
      PyOS_AfterFork_Parent();
      if (status < 0) {
          free(self);
          return (void *)raise_status(status);
      }
      self->core = core;
      return self;
  }

  ~Process()
  {
      close_process($self);
      free($self);
  }

  void _close() { close_process($self); }

  NEAP_OPEN_ONLY(Process, "process")

  PyObject *_pid() { return PyLong_FromLong(neap_process_pid($self->core)); }
  bool _alive() { return neap_process_alive($self->core) > 0; }
  Status _kill(int signal) { return neap_process_kill($self->core, signal); }
  PyObject *_answered() { return answer_bytes($self->core); }

  %feature("docstring") _wait "(pid, code, signal), or None when not in time.";
  PyObject *_wait(PyObject *timeout)
  {
      int64_t deadline;
      struct process_wait wait = {.core = $self->core};
      if (!as_deadline(timeout, &deadline))
          return NULL;
      int status = wait_without_gil(wait_process, &wait, deadline);
      if (status >= 0)
          return exit_tuple(&wait.end);
      if (!timed_out(status))
          return raise_status(status);
      Py_RETURN_NONE;
  }
}
} Process;
