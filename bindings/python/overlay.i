/* Overlays: parts of what is larger than memory. neap/_overlay.py has the
 * manners. It comes before mapping.i, for parts are Mappings. */
%{
typedef struct Overlay {
    neap_overlay *core;
} Overlay;


/* In the order of neap._info.OverlayStats. */
static PyObject *overlay_stats(neap_overlay *core)
{
    neap_overlay_stats s;
    neap_overlay_look(core, &s);
    return Py_BuildValue("(KKKKKIII)", (unsigned long long)s.loads,
        (unsigned long long)s.hits, (unsigned long long)s.replaced,
        (unsigned long long)s.loaded, (unsigned long long)s.written, s.frames,
        s.used, s.pinned);
}


/* What is read may have to come from the disk. */
static int load_part(neap_overlay *core, uint64_t offset, uint64_t length,
                     bool write, neap_mapping **ret_part)
{
    int status;
    Py_BEGIN_ALLOW_THREADS
    status = neap_overlay_load(core, offset, length, write, ret_part);
    Py_END_ALLOW_THREADS
    return status;
}
%}

NEAP_HANDLE(Overlay)
%feature("docstring") Overlay "Parts of what is larger than memory.";

typedef struct Overlay {
%extend {
  Overlay(Segment *segment, uint64_t zone, uint32_t frames, bool copy,
          bool read_only, uint64_t address)
  {
      neap_overlay_options options = {zone, frames, copy, read_only,
                                      (void *)(uintptr_t)address};
      if (!segment || !segment->core) {
          raise_closed("segment");
          return NULL;
      }
      Overlay *self = calloc(1, sizeof *self);
      if (!self)
          return (void *)PyErr_NoMemory();
      int status = neap_overlay_open(segment->core, &options, &self->core);
      keep_guard();
      if (status == 0)
          return self;
      free(self);
      return (void *)raise_status(status);
  }

  ~Overlay()
  {
      neap_overlay_close($self->core);
      free($self);
  }

  void _close()
  {
      neap_overlay_close($self->core);
      $self->core = NULL;
  }

  bool _is_open() { return $self->core != NULL; }

  NEAP_OPEN_ONLY(Overlay, "overlay")

  PyObject *_size()
  {
      uint64_t size;
      int status = neap_overlay_size($self->core, &size);
      return status < 0 ? raise_status(status)
                        : PyLong_FromUnsignedLongLong(size);
  }

  PyObject *_read(uint64_t offset, neap_type type)
  {
      neap_value value;
      int status = neap_overlay_read($self->core, offset, type, &value);
      return status < 0 ? raise_status(status) : from_value(value, type);
  }

  PyObject *_write(uint64_t offset, neap_type type, PyObject *value)
  {
      neap_value element;
      if (!as_value(value, &element))
          return NULL;
      int status = neap_overlay_write($self->core, offset, type, element);
      if (status < 0)
          return raise_status(status);
      Py_RETURN_NONE;
  }

  PyObject *_flush(bool sync)
  {
      int status;
      Py_BEGIN_ALLOW_THREADS
      status = neap_overlay_flush($self->core, sync);
      Py_END_ALLOW_THREADS
      if (status < 0)
          return raise_status(status);
      Py_RETURN_NONE;
  }

  PyObject *_stats() { return overlay_stats($self->core); }
  const char *_address() { return neap_overlay_address($self->core); }
  bool _read_only() { return neap_overlay_read_only($self->core); }

  /* Where the zone is, its bytes, and those of a frame. */
  PyObject *_zone()
  {
      return Py_BuildValue("(KKK)",
          (unsigned long long)(uintptr_t)neap_overlay_zone($self->core),
          (unsigned long long)neap_overlay_zone_size($self->core),
          (unsigned long long)neap_overlay_frame_size($self->core));
  }
}
} Overlay;
