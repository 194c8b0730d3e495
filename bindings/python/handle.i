/*
 * What the handles of synchronizing objects have in common: how they are made
 * and end, and that nobody closes one while a thread is in a call of it. Their
 * structs begin with
 *
 *     neap_NOUN *core;
 *     Attachment *heap;
 *     int waiting;     threads that are in a call which may take long
 *     char *was;       its name, once it is closed
 */
%{
#define DEFINE_HANDLE(Type, noun, close)                                       \
static Type *new_##noun(neap_##noun *core, Attachment *heap)                   \
{                                                                              \
    Type *self = calloc(1, sizeof *self);                                      \
    if (!self) {                                                               \
        close(core);                                                           \
        return (void *)PyErr_NoMemory();                                       \
    }                                                                          \
    self->core = core;                                                         \
    self->heap = attachment_retain(heap);                                      \
    return self;                                                               \
}                                                                              \
                                                                               \
                                                                               \
static void noun##_free(Type *self)                                            \
{                                                                              \
    close(self->core);                                                         \
    attachment_release(self->heap);                                            \
    free(self->was);                                                           \
    free(self);                                                                \
}                                                                              \
                                                                               \
                                                                               \
static Status noun##_close(Type *self)                                         \
{                                                                              \
    if (self->waiting) {                                                       \
        PyErr_Format(class_BadArgument, #noun " '%s' is in use: a thread is "  \
                     "in a call of it", neap_##noun##_name(self->core));       \
        return -EBUSY;                                                         \
    }                                                                          \
    if (self->core)                                                            \
        self->was = strdup(neap_##noun##_name(self->core));                    \
    close(self->core);                                                         \
    attachment_release(self->heap);                                            \
    self->core = NULL;                                                         \
    self->heap = NULL;                                                         \
    return 0;                                                                  \
}                                                                              \
                                                                               \
                                                                               \
static const char *Type##_name_get(Type *self)                                 \
{                                                                              \
    return neap_##noun##_name(self->core);                                     \
}
%}

/* Within %extend: close() and __repr__() work on a closed one, what follows
 * does not. `closing` is NOUN_close, or calls it. */
%define NEAP_HANDLE_METHODS(Type, noun, closing)
  %feature("docstring") close "close($self)\n--\n\n"
      "Drop this handle. What it names stays in its heap.";
  Status close() { return closing($self); }

  PyObject *__repr__() { return noun##_repr($self); }

  NEAP_OPEN_OBJECT(Type, #noun)

  PyObject *_place() { return attachment_place($self->heap); }

  Status _spin(int64_t microseconds)
  {
      return neap_set_spin($self->core, microseconds);
  }
%enddef

/* The object itself, for a method that keeps it. */
%typemap(in, numinputs=0, noblock=1) PyObject *SELF {
  $1 = self;
}
