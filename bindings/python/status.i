/*
 * Statuses become exceptions, in one place.
 *
 * A function of the interface returns `Status`; a negative one is raised by
 * the typemap below. Functions that make a PyObject raise by themselves, with
 * raise_status(), and return NULL.
 */
%{
typedef int Status;  /* of neap: negative is an exception, else None */
typedef int Truth;   /* negative is an exception, else a bool */
typedef int Entered; /* negative is an exception, else self */

/* neap's own classes: one for each line of NEAP_STATUS_MAP ... */
#define DECLARE_CLASS(name, value, text, python, base) \
    static PyObject *class_##python;
NEAP_STATUS_MAP(DECLARE_CLASS)
/* ... their root, and those for errors of the system that Python programs
 * catch by another name than OSError. */
static PyObject *class_Error, *class_Timeout, *class_BadArgument,
                *class_OutOfRange, *class_NotOwner;


static PyObject *class_of(int status)
{
    switch (status) {
#define CASE_CLASS(name, value, text, python, base) \
    case value: return class_##python;
    NEAP_STATUS_MAP(CASE_CLASS)
    case -ETIMEDOUT: return class_Timeout;
    case -EINVAL: case -EOVERFLOW: return class_BadArgument;
    case -ERANGE: return class_OutOfRange;
    case -ENOMEM: return PyExc_MemoryError;
    default: return PyExc_OSError;
    }
}


/* Raise what `status` stands for. An exception that is set already came from
 * a signal's handler during a wait, and is the one to see. */
static PyObject *raise_text(int status, const char *text)
{
    if (PyErr_Occurred())
        return NULL;
    PyObject *class = class_of(status);
    PyObject *words = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text),
                                           "replace");
    /* Two arguments let OSError choose its subclass by errno. */
    bool system = status > -4096 && class != PyExc_MemoryError;
    PyObject *arguments = !words ? NULL
        : system ? Py_BuildValue("(iO)", -status, words)
                 : PyTuple_Pack(1, words);
    /* Made here, for `except` asks the type that is set: in older Pythons that
     * would stay OSError where the instance is a FileNotFoundError. */
    PyObject *error = arguments ? PyObject_CallObject(class, arguments) : NULL;
    if (error)
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_XDECREF(error);
    Py_XDECREF(arguments);
    Py_XDECREF(words);
    return NULL;
}


static PyObject *raise_status(int status)
{
    const char *text = neap_error_text();
    return raise_text(status, *text ? text : neap_status_text(status));
}


/* Of a lock: RuntimeError, too, as threading has it. Takes the words. */
static Status raise_not_owner(PyObject *words)
{
    PyObject *error = words ? PyObject_CallFunction(class_NotOwner, "iN", EPERM,
                                                    words) : NULL;
    if (error)
        PyErr_SetObject(class_NotOwner, error);
    Py_XDECREF(error);
    return -EPERM;
}


/* The status of a call that only an owner may make. */
static Status owned(int status)
{
    if (status != -EPERM)
        return status;
    const char *text = neap_error_text();
    return raise_not_owner(PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text),
                                                "replace"));
}


static PyObject *raise_closed(const char *noun)
{
    return PyErr_Format(class_Closed, "this %s is closed: open it again", noun);
}


/* The same of an object of a heap; `was` is its name, NULL if it has none. */
static PyObject *raise_was_closed(const char *noun, const char *was)
{
    return was ? PyErr_Format(class_Closed, "%s '%s' is closed: open it again",
                              noun, was)
               : raise_closed(noun);
}


static PyObject *make_class(const char *name, const char *doc, PyObject *base,
                            const char *code)
{
    char full[64];
    snprintf(full, sizeof full, "neap.%s", name);
    PyObject *bases = class_Error ? PyTuple_Pack(2, class_Error, base)
                                  : PyTuple_Pack(1, base);
    PyObject *space = Py_BuildValue("{s:s}", "code", code);
    PyObject *class = !bases || !space ? NULL
        : PyErr_NewExceptionWithDoc(full, doc, bases, space);
    Py_XDECREF(bases);
    Py_XDECREF(space);
    return class;
}


/* For errors of the system: an OSError, so that errno is there, and `base`. */
static PyObject *make_system_class(const char *name, const char *doc,
                                   PyObject *system, PyObject *base,
                                   const char *code)
{
    PyObject *bases = PyTuple_Pack(2, system, base);
    PyObject *both = bases
        ? PyObject_CallFunction((PyObject *)&PyType_Type, "sO{s:s}", name,
                                bases, "__module__", "neap")
        : NULL;
    Py_XDECREF(bases);
    PyObject *class = both ? make_class(name, doc, both, code) : NULL;
    Py_XDECREF(both);
    return class;
}


/* What a class is besides a neap.Error. */
static PyObject *make_mapped_class(int status, const char *name,
                                   const char *doc, PyObject *base,
                                   const char *code)
{
    if (status != NEAP_EBROKEN)
        return make_class(name, doc, base, code);
    PyObject *threading = PyImport_ImportModule("threading");
    base = threading ? PyObject_GetAttrString(threading, "BrokenBarrierError")
                     : NULL;
    PyObject *class = base ? make_class(name, doc, base, code) : NULL;
    Py_XDECREF(base);
    Py_XDECREF(threading);
    return class;
}


static void add_class(PyObject *module, const char *name, PyObject *class)
{
    Py_XINCREF(class);
    if (class && PyModule_AddObject(module, name, class) < 0)
        Py_DECREF(class);
}


/* Where one cannot be made, an exception is left. */
static void make_classes(PyObject *module)
{
    class_Error = make_class("Error", "The root of neap's own exceptions.\n\n"
        "Failures of the system (no such name, no permission, no space) are\n"
        "OSError and its subclasses.", PyExc_Exception, "ERROR");
    add_class(module, "Error", class_Error);
#define MAKE_CLASS(name, value, text, python, base)                            \
    class_##python = make_mapped_class(value, #python, text, PyExc_##base,     \
                                       #name);                                 \
    add_class(module, #python, class_##python);
    NEAP_STATUS_MAP(MAKE_CLASS)
    class_Timeout = make_class("Timeout", "It did not happen in time.",
                               PyExc_TimeoutError, "ETIMEDOUT");
    class_BadArgument = make_system_class("BadArgument",
        "A name, address, size, mode or shape that cannot be.",
        PyExc_OSError, PyExc_ValueError, "EINVAL");
    class_OutOfRange = make_system_class("OutOfRange",
        "An offset or index past the end.", PyExc_OSError, PyExc_IndexError,
        "ERANGE");
    class_NotOwner = make_system_class("NotOwner",
        "This thread does not hold what it gives back or waits with.",
        PyExc_PermissionError, PyExc_RuntimeError, "EPERM");
    add_class(module, "Timeout", class_Timeout);
    add_class(module, "BadArgument", class_BadArgument);
    add_class(module, "OutOfRange", class_OutOfRange);
    add_class(module, "NotOwner", class_NotOwner);
}
%}

typedef int Status;
typedef int Truth;
typedef int Entered;

%typemap(out, noblock=1) Status {
  if ($1 < 0) {
    raise_status($1);
    SWIG_fail;
  }
  $result = SWIG_Py_Void();
}

%typemap(out, noblock=1) Truth {
  if ($1 < 0) {
    raise_status($1);
    SWIG_fail;
  }
  $result = PyBool_FromLong($1);
}

%typemap(out, noblock=1) Entered {
  if ($1 < 0) {
    raise_status($1);
    SWIG_fail;
  }
  Py_INCREF(self);
  $result = self;
}

%typemap(out, noblock=1) PyObject * {
  $result = $1;
}

/*
 * A class of handles. Methods find their struct without SWIG's search: the
 * method's descriptor has made sure that self is one of ours. After
 * NEAP_OPEN_ONLY a closed handle is refused before the method is called.
 */
%define NEAP_HANDLE(Type)
%nodefaultctor Type;
%typemap(in, noblock=1) struct Type *self {
  $1 = (Type *)((SwigPyObject *)self)->ptr;
}
%typemap(check, noblock=1) struct Type *self {
  if (!$1) { /* made by __new__ alone */
    raise_closed("handle");
    SWIG_fail;
  }
}
%typemap(out, noblock=1) Type * {
  if (!$1)
    SWIG_fail;
  $result = SWIG_NewPointerObj($1, $descriptor(Type *), SWIG_POINTER_OWN);
}
%feature("python:slot", "tp_repr", functype="reprfunc") Type::__repr__;
%exception Type::Type {
  $action
  if (!result)
    SWIG_fail;
}
%enddef

/* The same for an object of a heap. */
%define NEAP_OPEN_OBJECT(Type, noun)
%typemap(check, noblock=1) struct Type *self {
  if (!$1 || !$1->core) {
    raise_was_closed(noun, $1 ? $1->was : NULL);
    SWIG_fail;
  }
}
%enddef

%define NEAP_OPEN_ONLY(Type, noun)
%typemap(check, noblock=1) struct Type *self {
  if (!$1 || !$1->core) {
    raise_closed(noun);
    SWIG_fail;
  }
}
%enddef
