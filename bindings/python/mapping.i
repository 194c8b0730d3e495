/*
 * Mappings: a segment, or a part of one, at an address of this process.
 * The buffers that a Mapping exports are views: while one is there, writing
 * cannot be taken away, for its user would die of a signal.
 */
%{
typedef struct Mapping {
    neap_mapping *core;
} Mapping;


static int mapping_get_buffer(PyObject *exporter, Py_buffer *view, int flags)
{
    Mapping *self = (Mapping *)((SwigPyObject *)exporter)->ptr;
    view->obj = NULL;
    if (!self || !self->core) {
        raise_closed("mapping");
        return -1;
    }
    int protection = neap_mapping_protection(self->core);
    bool writable = protection & NEAP_PROT_WRITE;
    if (protection == NEAP_PROT_NONE || (flags & PyBUF_WRITABLE && !writable)) {
        PyErr_SetString(PyExc_BufferError, writable || protection
            ? "this mapping is for reading only"
            : "this mapping may not be read: protect(\"r\") allows it");
        return -1;
    }
    if (PyBuffer_FillInfo(view, exporter, neap_mapping_data(self->core),
                          (Py_ssize_t)neap_mapping_length(self->core),
                          !writable, flags) < 0)
        return -1;
    neap_mapping_view(self->core, 1);
    view->internal = neap_mapping_retain(self->core);
    return 0;
}


static void mapping_release_buffer(PyObject *exporter, Py_buffer *view)
{
    (void)exporter;
    neap_mapping_view(view->internal, -1);
    neap_mapping_close(view->internal);
}


static PyObject *read_bytes(neap_mapping *core, uint64_t offset,
                            uint64_t length)
{
    /* Before so much memory is asked for. */
    uint64_t end = neap_mapping_length(core);
    if (offset > end || length > end - offset) {
        char text[120];
        snprintf(text, sizeof text, "cannot read %llu bytes at offset %llu: "
                 "the mapping has %llu", (unsigned long long)length,
                 (unsigned long long)offset, (unsigned long long)end);
        return raise_text(-ERANGE, text);
    }
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)length);
    if (!bytes)
        return NULL;
    int status = neap_mapping_read_bytes(core, offset, length,
                                         PyBytes_AS_STRING(bytes));
    if (status >= 0)
        return bytes;
    Py_DECREF(bytes);
    return raise_status(status);
}


static int sync_now(void *core, int64_t deadline)
{
    (void)deadline;
    return neap_mapping_sync(core, false);
}
%}

NEAP_HANDLE(Mapping)
%feature("kwargs") Mapping::sync;
%feature("python:bf_getbuffer", functype="getbufferproc") Mapping
    "mapping_get_buffer";
%feature("python:bf_releasebuffer", functype="releasebufferproc") Mapping
    "mapping_release_buffer";
%feature("docstring") Mapping "Memory of a segment, mapped.";

typedef struct Mapping {
%extend {
  /* With an overlay a part of that is loaded, to be written with flag 1. */
  Mapping(Segment *segment, uint64_t offset, uint64_t length, int protection,
          uint32_t flags, uint64_t address, Overlay *overlay)
  {
      neap_mapping_options options = {
          .size = sizeof options, .flags = flags, .offset = offset,
          .length = length, .address = (void *)(uintptr_t)address,
      };
      neap_mapping *core;
      if (overlay ? !overlay->core : !segment || !segment->core) {
          raise_closed(overlay ? "overlay" : "segment");
          return NULL;
      }
      int status = overlay
          ? load_part(overlay->core, offset, length, flags & 1, &core)
          : neap_mapping_open_with(segment->core, protection, &options, &core);
      Mapping *self = status < 0 ? NULL : calloc(1, sizeof *self);
      if (!self)
          return (void *)raise_status(status < 0 ? status : -ENOMEM);
      self->core = core;
      keep_guard();
      return self;
  }

  ~Mapping()
  {
      neap_mapping_close($self->core);
      free($self);
  }

  %feature("docstring") close "close($self)\n--\n\n"
      "Drop the handle. Views keep the memory mapped until the last is gone.";
  void close()
  {
      neap_mapping_close($self->core);
      $self->core = NULL;
  }

  bool _is_open() { return $self->core != NULL; }

  NEAP_OPEN_ONLY(Mapping, "mapping")

  PyObject *_translate(uint64_t offset)
  {
      if (offset >= neap_mapping_length($self->core))
          return PyErr_Format(class_OutOfRange, "byte %llu lies past the end of "
                              "the mapping", (unsigned long long)offset);
      return translate_address(0, (uint64_t)neap_mapping_data($self->core)
                                  + offset);
  }
  PyObject *_length()
  {
      return PyLong_FromUnsignedLongLong(neap_mapping_length($self->core));
  }
  PyObject *_protection()
  {
      return PyLong_FromLong(neap_mapping_protection($self->core));
  }
  Status _protect(int protection)
  {
      return neap_mapping_protect($self->core, protection);
  }

  Status _protect_part(int protection, uint64_t offset, uint64_t length)
  {
      return neap_mapping_protect_part($self->core, offset, length, protection);
  }
  Status _advise(int advice, uint64_t offset, uint64_t length)
  {
      return neap_mapping_advise($self->core, offset, length, advice);
  }
  Status _place(int placement, uint64_t nodes, uint64_t offset,
                uint64_t length)
  {
      return neap_mapping_place($self->core, offset, length, placement, nodes);
  }
  Status _resize(Segment *segment, uint64_t length, bool move)
  {
      return neap_mapping_resize($self->core, segment ? segment->core : NULL,
                                 length, move);
  }
  PyObject *_resident(uint64_t offset, uint64_t length)
  {
      uint64_t bytes;
      int status = neap_mapping_resident($self->core, offset, length, &bytes);
      return status < 0 ? raise_status(status)
                        : PyLong_FromUnsignedLongLong(bytes);
  }
  PyObject *_data()
  {
      return PyLong_FromVoidPtr(neap_mapping_data($self->core));
  }

  PyObject *_read(uint64_t offset, neap_type type)
  {
      neap_value value;
      int status = neap_mapping_read($self->core, offset, type, &value);
      return status < 0 ? raise_status(status) : from_value(value, type);
  }

  PyObject *_write(uint64_t offset, neap_type type, PyObject *value)
  {
      neap_value element;
      if (!as_value(value, &element))
          return NULL;
      int status = neap_mapping_write($self->core, offset, type, element);
      if (status < 0)
          return raise_status(status);
      Py_RETURN_NONE;
  }

  PyObject *_read_bytes(uint64_t offset, uint64_t length)
  {
      return read_bytes($self->core, offset, length);
  }

  PyObject *_write_bytes(uint64_t offset, PyObject *bytes)
  {
      Py_buffer view;
      if (PyObject_GetBuffer(bytes, &view, PyBUF_SIMPLE) < 0)
          return NULL;
      int status = neap_mapping_write_bytes($self->core, offset,
                                            (uint64_t)view.len, view.buf);
      PyBuffer_Release(&view);
      if (status < 0)
          return raise_status(status);
      Py_RETURN_NONE;
  }

  Array *_array(uint64_t offset, neap_type type, Shape shape)
  {
      neap_array *core;
      bool writable = neap_mapping_protection($self->core) & NEAP_PROT_WRITE;
      int status = neap_array_view($self->core, offset, type, shape.dimensions,
                                   shape.length, writable, &core);
      return status < 0 ? (void *)raise_status(status) : new_array(core, NULL);
  }

  %feature("docstring") sync "sync($self, later=False)\n--\n\n"
      "Write dirty pages of a file to disk: now, or when the kernel likes.";
  Status sync(bool later = false)
  {
      return later ? neap_mapping_sync($self->core, true)
                   : wait_without_gil(sync_now, $self->core, NEAP_FOREVER);
  }
}
} Mapping;
