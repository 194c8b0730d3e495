/*
 * Arrays, as memory: an Array exports the buffer protocol, and numpy and
 * memoryview do the rest. Each export counts a handle of its own, so views
 * outlive the Array, the heap's handle and a drop of the name.
 */
%{
typedef struct Attachment Attachment;
static Attachment *attachment_retain(Attachment *attachment);
static void attachment_release(Attachment *attachment);
static PyObject *attachment_place(Attachment *attachment);

typedef struct Array {
    neap_array *core;
    Attachment *heap; /* NULL: a view of a mapping */
} Array;

/* What Py_buffer points to; its strides too, which C order determines. */
typedef struct Export {
    neap_array *core;
    Py_ssize_t shape[NEAP_DIMENSIONS_MAX], strides[NEAP_DIMENSIONS_MAX];
} Export;


static Array *new_array(neap_array *core, Attachment *heap)
{
    Array *self = calloc(1, sizeof *self);
    if (!self) {
        neap_array_close(core);
        return (void *)PyErr_NoMemory();
    }
    self->core = core;
    self->heap = heap ? attachment_retain(heap) : NULL;
    return self;
}


/* Codes of the struct module and of PEP 3118. i64 is 'l' and not 'q': numpy
 * takes them for different types when it looks at the character. */
static char *format_of(neap_type type)
{
    static char *const formats[] = {
        NULL, "?", "b", "h", "i", "l", "B", "H", "I", "L", "f", "d", "Zf", "Zd"
    };
    return formats[type];
}


static Export *new_export(neap_array *core)
{
    Export *export = calloc(1, sizeof *export);
    if (!export)
        return NULL;
    uint32_t n = neap_array_dimensions(core);
    Py_ssize_t stride = (Py_ssize_t)neap_type_size(neap_array_type(core));
    for (uint32_t axis = n; axis-- > 0;) {
        export->shape[axis] = (Py_ssize_t)neap_array_length(core, axis);
        export->strides[axis] = stride;
        stride *= export->shape[axis];
    }
    export->core = neap_array_retain(core);
    return export;
}


static void fill_view(Py_buffer *view, Export *export, int flags)
{
    neap_array *core = export->core;
    neap_type type = neap_array_type(core);
    view->buf = neap_array_data(core);
    view->itemsize = (Py_ssize_t)neap_type_size(type);
    view->len = (Py_ssize_t)neap_array_size(core) * view->itemsize;
    view->readonly = !neap_array_writable(core);
    view->ndim = (int)neap_array_dimensions(core);
    view->format = flags & PyBUF_FORMAT ? format_of(type) : NULL;
    view->shape = flags & PyBUF_ND ? export->shape : NULL;
    view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? export->strides
                                                            : NULL;
    view->suboffsets = NULL;
    view->internal = export;
}


static int array_get_buffer(PyObject *exporter, Py_buffer *view, int flags)
{
    Array *self = (Array *)((SwigPyObject *)exporter)->ptr;
    view->obj = NULL;
    if (!self || !self->core) {
        raise_closed("array");
        return -1;
    }
    if (flags & PyBUF_WRITABLE && !neap_array_writable(self->core)) {
        PyErr_SetString(PyExc_BufferError, "this array is for reading only");
        return -1;
    }
    Export *export = new_export(self->core);
    if (!export) {
        PyErr_NoMemory();
        return -1;
    }
    fill_view(view, export, flags);
    Py_INCREF(exporter);
    view->obj = exporter;
    return 0;
}


static void array_release_buffer(PyObject *exporter, Py_buffer *view)
{
    (void)exporter;
    Export *export = view->internal;
    neap_array_close(export->core);
    free(export);
}
%}

NEAP_HANDLE(Array)
%feature("python:bf_getbuffer", functype="getbufferproc") Array
    "array_get_buffer";
%feature("python:bf_releasebuffer", functype="releasebufferproc") Array
    "array_release_buffer";
%feature("docstring") Array
    "The memory of an array: an exporter of the buffer protocol.";

typedef struct Array {
%extend {
  ~Array()
  {
      neap_array_close($self->core);
      attachment_release($self->heap);
      free($self);
  }

  NEAP_OPEN_ONLY(Array, "array")

  const char *_name() { return neap_array_name($self->core); }
  PyObject *_type()
  {
      return PyLong_FromLong(neap_array_type($self->core));
  }
  bool _writable() { return neap_array_writable($self->core); }
  PyObject *_data() { return PyLong_FromVoidPtr(neap_array_data($self->core)); }
  Status _alive() { return neap_array_alive($self->core); }

  %feature("docstring") _place "Address, identity and read_only of its heap;"
      " None for a view of a mapping.";
  PyObject *_place()
  {
      if (!$self->heap)
          Py_RETURN_NONE;
      return attachment_place($self->heap);
  }
}
} Array;

/* -- atomic addition ------------------------------------------------------- */
%{
static bool is_array(PyObject *object)
{
    SwigPyClientData *data = SWIGTYPE_p_Array->clientdata;
    return PyObject_TypeCheck(object, data->pytype);
}


/*
 * The Array whose memory `object` shows, found through the bases of ndarrays
 * and the objects of memoryviews; NULL when there is none. Borrowed: `object`
 * keeps it alive.
 */
static PyObject *find_array(PyObject *object)
{
    while (object && object != Py_None && !is_array(object)) {
        if (PyMemoryView_Check(object)) {
            object = PyMemoryView_GET_BUFFER(object)->obj;
            continue;
        }
        PyObject *base = PyObject_GetAttrString(object, "base");
        if (!base) {
            PyErr_Clear();
            return NULL;
        }
        Py_DECREF(base);
        object = base;
    }
    return object && object != Py_None ? object : NULL;
}


static bool step_into(PyObject *index, Py_buffer *view, int axis,
                      Py_ssize_t *offset)
{
    int64_t i;
    if (!as_int64(index, "an index", &i))
        return false;
    if (i < 0)
        i += view->shape[axis];
    if (i < 0 || i >= view->shape[axis]) {
        PyErr_Format(PyExc_IndexError, "index %R is out of range: dimension %d "
                     "has %zd", index, axis, view->shape[axis]);
        return false;
    }
    *offset += (Py_ssize_t)i * view->strides[axis];
    return true;
}


/* The byte offset of one element: an int, or a tuple of one for each axis. */
static bool find_element(Py_buffer *view, PyObject *index, Py_ssize_t *offset)
{
    bool tuple = PyTuple_Check(index);
    Py_ssize_t n = tuple ? PyTuple_GET_SIZE(index) : 1;
    if (n != view->ndim) {
        PyErr_Format(PyExc_IndexError, "an element of this array has %d "
                     "indices, not %zd", view->ndim, n);
        return false;
    }
    *offset = 0;
    for (int axis = 0; axis < view->ndim; axis++)
        if (!step_into(tuple ? PyTuple_GET_ITEM(index, axis) : index, view,
                       axis, offset))
            return false;
    return true;
}


/* Formats that mean the same: numpy says 'q' or 'l' for eight bytes. */
static bool same_type(const Py_buffer *view, neap_type type)
{
    const char *ours = format_of(type);
    const char *theirs = view->format ? view->format : "B";
    if (view->itemsize != (Py_ssize_t)neap_type_size(type))
        return false;
    if (strcmp(ours, theirs) == 0)
        return true;
    return (strchr("lqin", *ours) && strchr("lqn", *theirs) && !theirs[1])
        || (strchr("LQIN", *ours) && strchr("LQN", *theirs) && !theirs[1]);
}


static PyObject *add_at(Array *array, Py_buffer *view, PyObject *index,
                        PyObject *n)
{
    Py_ssize_t offset;
    neap_value value = {.kind = 'i', .as.i = 1}, old;
    neap_type type = neap_array_type(array->core);
    if (!find_element(view, index, &offset) || (n && !as_value(n, &value)))
        return NULL;
    offset += (char *)view->buf - (char *)neap_array_data(array->core);
    if (!same_type(view, type) || offset < 0 || offset % view->itemsize) {
        PyErr_Format(PyExc_TypeError, "this view shows the elements, of type "
                     "%s, as another type: add to the array itself",
                     neap_type_name(type));
        return NULL;
    }
    int status = neap_array_fetch_add(array->core,
        (uint64_t)(offset / view->itemsize), value, &old);
    return status < 0 ? raise_status(status) : from_value(old, type);
}


static PyObject *fetch_add(PyObject *array, PyObject *index, PyObject *n)
{
    PyObject *owner = find_array(array);
    if (!owner) {
        PyErr_SetString(PyExc_ValueError, "fetch_add: this is not an array in "
            "shared memory, nor a view of one (did an operation copy it?)");
        return NULL;
    }
    Py_buffer view;
    if (PyObject_GetBuffer(array, &view, PyBUF_RECORDS_RO) < 0)
        return NULL;
    Array *self = (Array *)((SwigPyObject *)owner)->ptr;
    PyObject *old = NULL;
    if (view.readonly)
        PyErr_SetString(PyExc_PermissionError,
                        "fetch_add: this array is for reading only");
    else
        old = add_at(self, &view, index, n);
    PyBuffer_Release(&view);
    return old;
}


static PyObject *owner_of(PyObject *array)
{
    PyObject *owner = find_array(array);
    if (!owner)
        Py_RETURN_NONE;
    Py_INCREF(owner);
    return owner;
}
%}

%feature("docstring") fetch_add "fetch_add(array, index, n=1)\n--\n\n"
    "Add n atomically to one element and return what was there before.\n\n"
    "array is one of a heap or of a mapping, or any view of it; index an int\n"
    "or a tuple of ints, one for each dimension, negative from the end. Not\n"
    "for bool and complex elements. IndexError; TypeError; ValueError for an\n"
    "array that is not in shared memory; OSError EIDRM when it was dropped.";
PyObject *fetch_add(PyObject *array, PyObject *index, PyObject *n = NULL);

%feature("docstring") owner_of "The Array that a view shows, or None.";
PyObject *owner_of(PyObject *array);
