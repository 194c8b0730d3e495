/* Watches: file descriptors for event loops. */
%{
typedef struct Watch {
    neap_watch *core;
} Watch;


static Watch *new_watch(PyObject *object)
{
    Waitable *what = waitable(object, "watch");
    if (!what)
        return NULL;
    Watch *self = calloc(1, sizeof *self);
    if (!self)
        return (void *)PyErr_NoMemory();
    int status = neap_watch_open(what->core, &self->core);
    if (status == 0)
        return self;
    free(self);
    return (void *)raise_status(status);
}


/* The thread that looks after watches needs no GIL. */
static Status watch_close(Watch *self)
{
    neap_watch_close(self->core);
    self->core = NULL;
    return 0;
}


static PyObject *watch_repr(Watch *self)
{
    if (!self || !self->core)
        return PyUnicode_FromString("<neap.Watch, closed>");
    return PyUnicode_FromFormat("<neap.Watch of '%s'>",
                                neap_watch_name(self->core));
}


static const char *Watch_name_get(Watch *self)
{
    return neap_watch_name(self->core);
}
%}

NEAP_HANDLE(Watch)
%feature("docstring") Watch
    "A file descriptor that becomes readable when an object can be had.\n\n"
    "Made by neap.watch(object). It has a fileno() for select, poll and\n"
    "loop.add_reader(). Nothing is taken: try without blocking, for somebody\n"
    "else may have been faster, and then rearm(). Do not read from it. `with`\n"
    "closes it. In a child it is a watch of the child's own from the first\n"
    "call of fileno() or rearm() on.";

typedef struct Watch {
%extend {
  ~Watch()
  {
      neap_watch_close($self->core);
      free($self);
  }

  %feature("docstring") close "close($self)\n--\n\n"
      "Close it and its descriptor.";
  Status close() { return watch_close($self); }

  PyObject *__repr__() { return watch_repr($self); }

  NEAP_OPEN_ONLY(Watch, "watch")

  %feature("docstring") fileno "fileno($self)\n--\n\n"
      "The descriptor: wait for it to become readable.";
  int fileno() { return neap_watch_fd($self->core); }

  %feature("docstring") rearm "rearm($self)\n--\n\n"
      "Look again: make the descriptor unreadable, unless the object can be had\n"
      "now (or was dropped). True if it is readable.";
  Truth rearm() { return neap_watch_rearm($self->core); }

  %feature("docstring") __enter__ "The watch.";
  Entered __enter__() { return 0; }

  %feature("docstring") __exit__ "Close it.";
  Status __exit__(PyObject *type, PyObject *value, PyObject *traceback)
  {
      (void)type, (void)value, (void)traceback;
      return watch_close($self);
  }

  %immutable;
  %feature("docstring") name "The name of the object.";
  const char *name;
  %mutable;
}
} Watch;

%feature("docstring") new_watch "watch(object)\n--\n\n"
    "Watch an Event until it is set, a Latch until nothing is left, a Semaphore\n"
    "until it has a permit, a Mutex until it is free: a Watch, whose descriptor\n"
    "becomes readable then.\n\n"
    "OSError: EMFILE no descriptor is left; ENOSPC this process watches 512\n"
    "objects; EIDRM it was dropped.";
%newobject new_watch;
%rename(watch) new_watch;
Watch *new_watch(PyObject *object);
