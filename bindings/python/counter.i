/* Counters: a 64-bit number that any process may change at any time. */
%{
typedef struct Counter {
    neap_counter *core;
    Attachment *heap;
    char *was;
    bool real; /* of kind double */
} Counter;


static Counter *new_counter(neap_counter *core, Attachment *heap)
{
    Counter *self = calloc(1, sizeof *self);
    if (!self) {
        neap_counter_close(core);
        return (void *)PyErr_NoMemory();
    }
    self->core = core;
    self->heap = attachment_retain(heap);
    self->real = neap_counter_kind_of(core) == NEAP_COUNTER_DOUBLE;
    return self;
}


static void counter_close(Counter *self)
{
    if (self->core)
        self->was = strdup(neap_counter_name(self->core));
    neap_counter_close(self->core);
    attachment_release(self->heap);
    self->core = NULL;
    self->heap = NULL;
}


static const char *counter_kind_name(neap_counter_kind kind)
{
    switch (kind) {
    case NEAP_COUNTER_PLAIN: return "plain";
    case NEAP_COUNTER_STRIPED: return "striped";
    case NEAP_COUNTER_DOUBLE: return "double";
    default: return "?";
    }
}


static PyObject *integer_or_raise(int status, int64_t value)
{
    return status < 0 ? raise_status(status) : PyLong_FromLongLong(value);
}


static PyObject *real_or_raise(int status, double value)
{
    return status < 0 ? raise_status(status) : PyFloat_FromDouble(value);
}


/* The functions that take a number and tell one, of either kind. */
typedef int (*integer_change)(neap_counter *, int64_t, int64_t *);
typedef int (*real_change)(neap_counter *, double, double *);


static inline PyObject *change(Counter *self, PyObject *n, const char *what,
                               integer_change integer, real_change real)
{
    if (self->real) {
        double by = 1.0, value = 0.0;
        if (n && !as_double(n, what, &by))
            return NULL;
        int status = real(self->core, by, &value);
        return real_or_raise(status, value);
    }
    int64_t by = 1, value = 0;
    if (n && !as_int64(n, what, &by))
        return NULL;
    int status = integer(self->core, by, &value);
    return integer_or_raise(status, value);
}


static PyObject *counter_get(Counter *self)
{
    double real = 0.0;
    int64_t integer = 0;
    if (self->real) {
        int status = neap_counter_get_double(self->core, &real);
        return real_or_raise(status, real);
    }
    int status = neap_counter_get(self->core, &integer);
    return integer_or_raise(status, integer);
}


static Status counter_set(Counter *self, PyObject *value)
{
    double real;
    int64_t integer;
    if (self->real)
        return as_double(value, "value", &real)
            ? neap_counter_set_double(self->core, real) : -EINVAL;
    return as_int64(value, "value", &integer)
        ? neap_counter_set(self->core, integer) : -EINVAL;
}


static Truth compare_exchange_real(Counter *self, PyObject *expected,
                                   PyObject *value)
{
    double from, to;
    if (!as_double(expected, "expected", &from)
        || !as_double(value, "value", &to))
        return -EINVAL;
    double found = from;
    int status = neap_counter_compare_exchange_double(self->core, &found, to);
    /* As bits, so that a NaN is equal to itself. */
    return status < 0 ? status : memcmp(&found, &from, sizeof from) == 0;
}


static Truth compare_exchange(Counter *self, PyObject *expected,
                              PyObject *value)
{
    int64_t from, to;
    if (self->real)
        return compare_exchange_real(self, expected, value);
    if (!as_int64(expected, "expected", &from)
        || !as_int64(value, "value", &to))
        return -EINVAL;
    int64_t found = from;
    int status = neap_counter_compare_exchange(self->core, &found, to);
    return status < 0 ? status : found == from;
}


static PyObject *counter_repr(Counter *self)
{
    if (!self || !self->core)
        return PyUnicode_FromString("<neap.Counter, closed>");
    PyObject *value = counter_get(self);
    if (!value)
        PyErr_Clear();
    PyObject *text = value
        ? PyUnicode_FromFormat("<neap.Counter '%s' = %R>",
                               neap_counter_name(self->core), value)
        : PyUnicode_FromFormat("<neap.Counter '%s', dropped>",
                               neap_counter_name(self->core));
    Py_XDECREF(value);
    return text;
}
%}

NEAP_HANDLE(Counter)
%feature("docstring") Counter
    "A 64-bit number that any process may change at any time.\n\n"
    "Made by heap.counter(name, kind). Every method is atomic and never\n"
    "blocks. Integers wrap around at 64 bits; counters of kind \"double\"\n"
    "take and give floats; \"striped\" ones add cheaply from many threads, and\n"
    "refuse (OSError ENOTSUP) exchange, compare_exchange, max and min.\n"
    "A counter that was dropped from its heap is OSError EIDRM. Pickles as\n"
    "its address.";

typedef struct Counter {
%extend {
  ~Counter()
  {
      neap_counter_close($self->core);
      attachment_release($self->heap);
      free($self->was);
      free($self);
  }

  %feature("docstring") close "close($self)\n--\n\n"
      "Drop this handle. The counter stays in its heap.";
  void close() { counter_close($self); }

  PyObject *__repr__() { return counter_repr($self); }

  NEAP_OPEN_OBJECT(Counter, "counter")

  /* add() is in hot.i. */

  %feature("docstring") get "get($self)\n--\n\nIts value now.";
  PyObject *get() { return counter_get($self); }

  %feature("docstring") set "set($self, value)\n--\n\nSet it.";
  Status set(PyObject *value) { return counter_set($self, value); }

  %feature("docstring") exchange "exchange($self, value)\n--\n\n"
      "Set it and return what was there.";
  PyObject *exchange(PyObject *value)
  {
      return change($self, value, "value", neap_counter_exchange,
                    neap_counter_exchange_double);
  }

  %feature("docstring") compare_exchange
      "compare_exchange($self, expected, value)\n--\n\n"
      "Set it to value if it is expected; return whether it was.";
  Truth compare_exchange(PyObject *expected, PyObject *value)
  {
      return compare_exchange($self, expected, value);
  }

  %feature("docstring") max "max($self, value)\n--\n\n"
      "Raise it to value if it is less; return the new value.";
  PyObject *max(PyObject *value)
  {
      return change($self, value, "value", neap_counter_max,
                    neap_counter_max_double);
  }

  %feature("docstring") min "min($self, value)\n--\n\n"
      "Lower it to value if it is more; return the new value.";
  PyObject *min(PyObject *value)
  {
      return change($self, value, "value", neap_counter_min,
                    neap_counter_min_double);
  }

  PyObject *_place() { return attachment_place($self->heap); }

  %immutable;
  %feature("docstring") name "Its name in the heap.";
  const char *name;
  %feature("docstring") kind "\"plain\", \"striped\" or \"double\".";
  const char *kind;
  %mutable;
}
} Counter;

%{
static const char *Counter_name_get(Counter *self)
{
    return neap_counter_name(self->core);
}


static const char *Counter_kind_get(Counter *self)
{
    return counter_kind_name(neap_counter_kind_of(self->core));
}
%}
